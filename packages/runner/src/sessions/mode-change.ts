import type { PermissionMode, SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import type { ModeChange } from "@claude-edge/protocol/runner";

/**
 * The change of permission mode that a message reports. A mode can change unrequested: a plan is approved, the answer to
 * a permission request sets another one, or the mode requested at the start is unavailable. The mode that a process
 * starts with when none was requested is not a change.
 */
export function modeChange(
  message: SDKMessage,
  known: PermissionMode | undefined,
): ModeChange | undefined {
  if (message.type !== "system") return undefined;
  const tells = message.subtype === "status" || (message.subtype === "init" && known !== undefined);
  if (!tells) return undefined;
  const { permissionMode: mode } = message;
  return mode === undefined || mode === known ? undefined : { from: known ?? null, to: mode };
}
