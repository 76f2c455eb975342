import type { HookPayload, JsonRpcMessage, McpPayload, PermissionPayload } from "../callbacks.js";
import type { ControlBody } from "./frames.js";

/** What the Agent SDK puts in `CanUseTool`'s options, by the names that the control protocol has for it. */
const PERMISSION_FIELDS = {
  suggestions: "permission_suggestions",
  blockedPath: "blocked_path",
  computerFolder: "computer_folder",
  decisionReason: "decision_reason",
  decisionReasonCode: "decision_reason_code",
  decisionReasonType: "decision_reason_type",
  defaultToNo: "default_to_no",
  description: "description",
  displayName: "display_name",
  mcpServer: "mcp_server",
  plugin: "plugin",
  requiresUserInteraction: "requires_user_interaction",
  serverPolicyAskOnly: "server_policy_ask_only",
  serverPrompt: "server_prompt",
  suppressAlwaysAllowRule: "suppress_always_allow_rule",
  title: "title",
} as const;

/** Asks whether a tool may run. */
export function askPermission({
  tool_name,
  tool_use_id,
  input,
  agent_id,
  options,
}: PermissionPayload): ControlBody {
  const fields = Object.entries(PERMISSION_FIELDS).map(([from, to]) => [to, options[from]]);
  const rule = options.matchedAskRule as
    | { source: string; toolName: string; ruleContent?: string }
    | undefined;
  return {
    subtype: "can_use_tool",
    tool_name,
    input,
    tool_use_id,
    agent_id,
    ...Object.fromEntries(fields),
    ...(rule
      ? {
          matched_ask_rule: {
            source: rule.source,
            tool_name: rule.toolName,
            rule_content: rule.ruleContent,
          },
        }
      : {}),
  };
}

/** Calls a hook by the id that `initialize` gave it. */
export const callHook = (
  callback_id: string,
  { input, tool_use_id }: Pick<HookPayload, "input" | "tool_use_id">,
): ControlBody => ({ subtype: "hook_callback", callback_id, input, tool_use_id });

/** Hands a JSON-RPC message to an MCP server of the program's. */
export const sendToServer = ({ server, message }: McpPayload): ControlBody => ({
  subtype: "mcp_message",
  server_name: server,
  message,
});

/** The JSON-RPC response in the answer to {@link sendToServer}. @throws Error without one. */
export function serverResponse(answer: Record<string, unknown>): JsonRpcMessage {
  const { mcp_response: response } = answer;
  if (typeof response === "object" && response !== null) return response as JsonRpcMessage;
  throw new Error("The answer has no mcp_response.");
}

/** Asks the user for what an MCP server wants to know. */
export const elicit = (request: Record<string, unknown>): ControlBody => ({
  subtype: "elicitation",
  mcp_server_name: request.serverName,
  message: request.message,
  mode: request.mode,
  url: request.url,
  elicitation_id: request.elicitationId,
  requested_schema: request.requestedSchema,
  title: request.title,
  display_name: request.displayName,
  description: request.description,
});

/** Has a dialog shown. */
export const showDialog = (request: Record<string, unknown>): ControlBody => ({
  subtype: "request_user_dialog",
  dialog_kind: request.dialogKind,
  payload: request.payload,
  tool_use_id: request.toolUseID,
});
