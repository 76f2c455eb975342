import type { SessionOptions } from "@claude-edge/protocol";

type LiveOptions = Pick<SessionOptions, "model" | "permissionMode">;

/**
 * What a live process must be told so that it has other options than it was started with. Undefined when it cannot
 * have them: only model and permission mode can be changed, neither can be unset, and bypassing permissions must be
 * allowed from the start. Whether prompts are verbatim is said with each of them.
 */
export function liveChange(from: SessionOptions, to: SessionOptions): LiveOptions | undefined {
  const { model: oldModel, permissionMode: oldMode, verbatimPrompts: _old, ...old } = from;
  const { model, permissionMode, verbatimPrompts: _new, ...rest } = to;
  if (JSON.stringify(old) !== JSON.stringify(rest)) return undefined;
  const isUnset = (oldModel && !model) || (oldMode && !permissionMode);
  const isBypass = permissionMode === "bypassPermissions" && oldMode !== permissionMode;
  if (isUnset || isBypass) return undefined;
  return {
    ...(model === oldModel ? {} : { model }),
    ...(permissionMode === oldMode ? {} : { permissionMode }),
  };
}
