import * as z from "zod/mini";

/** What a request asks for. First answer wins. */
export const requestKind = z.enum([
  "permission",
  "question",
  "hook",
  "mcp",
  "elicitation",
  "network",
]);
export type RequestKind = z.infer<typeof requestKind>;

/** `cancelled`: the question is void, its turn has ended or its caller is gone. `expired`: nobody answered in time. */
export const requestStatus = z.enum(["pending", "answered", "cancelled", "expired"]);
/** `pending`, `answered`, `cancelled` (its turn has ended or its caller is gone) or `expired` (nobody answered). */
export type RequestStatus = z.infer<typeof requestStatus>;

/** A tool wants to run. `options` are those of the Agent SDK's `CanUseTool`, its signal left out. */
export interface PermissionPayload {
  tool_name: string;
  tool_use_id: string;
  input: Record<string, unknown>;
  /** The subagent that asks; the main agent without it. */
  agent_id?: string;
  options: Record<string, unknown>;
}

/** A hook is called: the `hook`th callback of the `matcher`th entry of the session's `hooks[event]`. */
export interface HookPayload {
  event: string;
  matcher: number;
  hook: number;
  input: Record<string, unknown>;
  tool_use_id?: string;
}

/** A JSON-RPC message for an MCP server in the caller's process; one with an `id` and a `method` wants a response. */
export interface McpPayload {
  server: string;
  message: JsonRpcMessage;
}

/** An MCP server asks the user something (`elicitation`), or Claude Code wants a dialog shown (`dialog`). */
export interface ElicitationPayload {
  elicitation?: Record<string, unknown>;
  dialog?: Record<string, unknown>;
}

/** A program in the container wants to reach a host that no network policy lists. */
export interface NetworkPayload {
  /** A name or an address. */
  host: string;
  port: number;
  /** The HTTP method of the first request to it. */
  method: string;
}

export interface JsonRpcMessage {
  jsonrpc?: string;
  id?: string | number;
  method?: string;
  [key: string]: unknown;
}

/** What the caller's callback made of a request: its value, or that it threw. */
export interface CallbackAnswer {
  answer?: Record<string, unknown>;
  /** The callback threw, or there is nobody to call (`code: "caller_gone"`). */
  error?: { message: string; code?: string | undefined };
}

const json = z.record(z.string(), z.unknown());

const permissionAnswer = z.union([
  z.looseObject({
    behavior: z.literal("allow"),
    updatedInput: z.optional(json),
    updatedPermissions: z.optional(z.array(json)),
  }),
  z.looseObject({
    behavior: z.literal("deny"),
    message: z.optional(z.string()),
    interrupt: z.optional(z.boolean()),
  }),
]);

const networkAnswer = z.union([
  z.looseObject({
    behavior: z.literal("allow"),
    /** How long it holds; for the turn without it. */
    scope: z.optional(z.enum(["turn", "session", "account"])),
  }),
  z.looseObject({ behavior: z.literal("deny"), message: z.optional(z.string()) }),
]);
/** How long a host is allowed: for the turn that asked, for all turns of its session, or for the whole account. */
export type NetworkScope = "turn" | "session" | "account";
/** The answer to a request of kind `network`. `scope` is `turn` by default; the program is told the `message`. */
export type NetworkAnswer =
  | { behavior: "allow"; scope?: NetworkScope }
  | { behavior: "deny"; message?: string };

/** The form an answer has, by the kind of its request. */
export const ANSWERS = {
  /** As the Agent SDK's `PermissionResult`. */
  permission: permissionAnswer,
  /** The same, or `{ answers: { [question]: answer } }`. */
  question: z.union([z.looseObject({ answers: json }), permissionAnswer]),
  /** As the Agent SDK's `HookJSONOutput`. */
  hook: json,
  /** `{ message }`: the JSON-RPC response. Empty for a message that wants none. */
  mcp: z.looseObject({ message: z.optional(json) }),
  /** As the Agent SDK's `ElicitationResult` or `UserDialogResult`. */
  elicitation: z.union([
    z.looseObject({ action: z.enum(["accept", "decline", "cancel"]) }),
    z.looseObject({ behavior: z.enum(["completed", "cancelled"]) }),
  ]),
  /** {@link NetworkAnswer} */
  network: networkAnswer,
} as const satisfies Record<RequestKind, z.ZodMiniType>;

/** A question that a turn puts to the outside. Times are ISO 8601. */
export const request = z.looseObject({
  id: z.string(),
  session_id: z.string(),
  /** Empty for one that came between turns. */
  turn_id: z.string(),
  kind: requestKind,
  status: requestStatus,
  /** What is asked: a payload by the kind, {@link PermissionPayload}, {@link NetworkPayload} and so on. */
  payload: json,
  created_at: z.string(),
  /** Not answered by then, it counts as denied. */
  expires_at: z.optional(z.string()),
  answer: z.optional(json),
  error: z.optional(z.looseObject({ message: z.string(), code: z.optional(z.string()) })),
  resolved_at: z.optional(z.string()),
  /** Who answered, as they said. */
  answered_by: z.optional(z.string()),
});
/**
 * A question that a turn puts to the outside: a permission, a question to the user, a host to reach, or a callback's call.
 * @interface
 */
export type RequestResource = z.infer<typeof request>;

/** Answer of `GET /v1/requests` and `GET /v1/sessions/{id}/requests`: oldest first. */
export const requestList = z.looseObject({ requests: z.array(request) });

/** The methods of the Agent SDK's `Query` that `POST /v1/sessions/{id}/control` calls, and one for MCP servers. */
export const CONTROL_METHODS = [
  "accountInfo",
  "applyFlagSettings",
  "backgroundTasks",
  "getContextUsage",
  "initializationResult",
  "mcpServerStatus",
  "readFile",
  "readMcpResource",
  "reconnectMcpServer",
  "reloadOutputStyles",
  "reloadPlugins",
  "reloadSkills",
  "seedReadState",
  "setMaxThinkingTokens",
  "setMcpPermissionModeOverride",
  "setMcpServers",
  "setModel",
  "setPermissionMode",
  "stopTask",
  "supportedAgents",
  "supportedCommands",
  "supportedModels",
  "toggleMcpServer",
  "updateSettings",
  "usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET",
  /** `(server, message)`: a JSON-RPC message of a caller's MCP server that answers no request. */
  "mcpMessage",
] as const;
/** A method of the Agent SDK's `Query` that works on a session's process, `setModel` say. */
export type ControlMethod = (typeof CONTROL_METHODS)[number];
