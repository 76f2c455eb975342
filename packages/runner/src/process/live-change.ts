import type { SessionOptions } from "@claude-edge/protocol";

type LiveOptions = Pick<SessionOptions, "model" | "permissionMode">;

/**
 * The changes that give a live process other options. Undefined when it cannot have them: only model and permission mode
 * can be changed, neither can be unset, and bypassing permissions must be allowed at the start. `verbatimPrompts` is set
 * with each prompt.
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
