/** Permissions and questions, as the Agent SDK has them; `test/types.test.ts` compares them. */

/** Where a change of permissions is kept. */
type PermissionDestination =
  | "userSettings"
  | "projectSettings"
  | "localSettings"
  | "session"
  | "cliArg";

/** A change of what tools may do, as `suggestions` offers it and `updatedPermissions` makes it. */
export type PermissionUpdate = { destination: PermissionDestination } & (
  | {
      type: "addRules" | "replaceRules" | "removeRules";
      rules: { toolName: string; ruleContent?: string }[];
      behavior: "allow" | "deny" | "ask";
    }
  | {
      type: "setMode";
      mode: "default" | "acceptEdits" | "bypassPermissions" | "plan" | "dontAsk" | "auto";
    }
  | { type: "addDirectories" | "removeDirectories"; directories: string[] }
);

interface PermissionResultBase {
  toolUseID?: string;
  decisionClassification?: "user_temporary" | "user_permanent" | "user_reject";
}

/** What `canUseTool` gives: the Agent SDK's `PermissionResult`. */
export type PermissionResult = PermissionResultBase &
  (
    | {
        behavior: "allow";
        updatedInput?: Record<string, unknown>;
        updatedPermissions?: PermissionUpdate[];
      }
    | { behavior: "deny"; message: string; interrupt?: boolean }
  );

/** What `canUseTool` is told beside the tool and its input. */
export interface CanUseToolOptions {
  /** Aborts when the answer is no longer wanted. */
  signal: AbortSignal;
  /** Changes that would let such calls run without asking. */
  suggestions?: PermissionUpdate[];
  /** The path that is not allowed, if that is why it is asked. */
  blockedPath?: string;
  /** The MCP server that the tool is of. */
  mcpServer?: { name: string; source: string };
  /** Why it is asked. */
  decisionReason?: string;
  /** The question, ready to be shown. */
  title?: string;
  displayName?: string;
  description?: string;
  defaultToNo?: boolean;
  suppressAlwaysAllowRule?: boolean;
  /** The id of the call, as in the `tool_use` block of its message. */
  toolUseID: string;
  /** The subagent that asks; the main agent without it. */
  agentID?: string;
  requestId: string;
  /** The rule that made it ask. */
  matchedAskRule?: { source: string; toolName: string; ruleContent?: string };
}

/** What an MCP server asks the user. */
export interface ElicitationRequest {
  serverName: string;
  message: string;
  /** A form to fill in, or a URL to visit. */
  mode?: "form" | "url";
  url?: string;
  elicitationId?: string;
  /** The form's fields, as a JSON schema. */
  requestedSchema?: Record<string, unknown>;
  title?: string;
  displayName?: string;
  description?: string;
}

/** The user's answer to an MCP server: the MCP SDK's `ElicitResult`. */
export interface ElicitationResult {
  action: "accept" | "decline" | "cancel";
  content?: Record<string, string | number | boolean | string[]> | undefined;
  _meta?: Record<string, unknown> | undefined;
  [key: string]: unknown;
}

/** A dialog that Claude Code wants shown. */
export interface UserDialogRequest {
  dialogKind: string;
  payload: Record<string, unknown>;
  toolUseID?: string;
}

/** What became of the dialog. */
export type UserDialogResult =
  | { behavior: "completed"; result: unknown }
  | { behavior: "cancelled" };
