import type { NetworkAnswer } from "@claude-edge/protocol/wire";

import type { Hooks } from "../agent/hook-types.js";
import type { McpServerConfig } from "../agent/mcp-types.js";
import type {
  CanUseToolOptions,
  ElicitationRequest,
  ElicitationResult,
  PermissionResult,
  UserDialogRequest,
  UserDialogResult,
} from "../agent/permission-types.js";

/** A tool that wants to run, or (`kind: "question"`) a question from the agent to its user. */
export interface PermissionRequest {
  /** What `requests.answer()` takes. */
  id: string;
  /** A question comes through the tool `AskUserQuestion`; its `input.questions` says what is asked. */
  kind: "permission" | "question";
  /** The session that asks. */
  sessionId: string;
  /** The turn of it that asks. */
  turnId: string;
  /** The tool that wants to run: `Bash`, `mcp__desk__book`, … */
  toolName: string;
  /** The id of the call, as in the `tool_use` block of its message. */
  toolUseId: string;
  /** What the tool is called with. */
  input: Record<string, unknown>;
  /** The subagent that asks; undefined for the main agent. */
  agentId: string | undefined;
  /** When the request counts as denied if it has no answer. */
  expiresAt: Date | undefined;
  /** Further details from the Agent SDK: `suggestions`, `title`, `blockedPath`, … */
  options: Record<string, unknown>;
  /** Aborts when the answer is no longer needed. If it was resolved elsewhere, the reason is the resolved request. */
  signal: AbortSignal;
}

/**
 * The answer to a request: the Agent SDK's `PermissionResult`. `updatedInput` replaces the tool's input,
 * `updatedPermissions` also decides later calls, `message` tells the model why the call was denied, `interrupt` also
 * stops the turn. `answers` is for questions: the answer to each, keyed by the question's text.
 */
export type PermissionAnswer =
  | {
      behavior: "allow";
      updatedInput?: Record<string, unknown>;
      updatedPermissions?: Record<string, unknown>[];
    }
  | { behavior: "deny"; message?: string; interrupt?: boolean }
  | { answers: Record<string, string> };

/** Called for every permission and question. Returning nothing leaves the request open for others to answer. */
export type OnPermission = (
  request: PermissionRequest,
) => PermissionAnswer | null | undefined | Promise<PermissionAnswer | null | undefined>;

/** A program in the container wants to reach a host that no network policy lists: `unknown_hosts` is `"ask"`. */
export interface NetworkRequest {
  /** What `requests.answer()` takes. */
  id: string;
  /** The session whose turn runs in that container; with several, each is asked. */
  sessionId: string;
  /** That turn. */
  turnId: string;
  /** A name or an address. */
  host: string;
  port: number;
  /** The HTTP method of the first request to it. */
  method: string;
  /** When the request counts as denied if it has no answer. The program waits for a shorter time: `CLAUDE_EDGE_HOLD`. */
  expiresAt: Date | undefined;
  /** Aborts when the answer is no longer needed. If it was resolved elsewhere, the reason is the resolved request. */
  signal: AbortSignal;
}

/** Called once for each such host and turn. Returning nothing leaves the request open for others to answer. */
export type OnNetwork = (
  request: NetworkRequest,
) => NetworkAnswer | null | undefined | Promise<NetworkAnswer | null | undefined>;

/**
 * The callbacks of a session, which run in this process: the Agent SDK's, one for permissions and questions, and one for
 * hosts.
 * Callbacks typed with the Agent SDK's types are accepted.
 */
export interface SessionCallbacks {
  /** Called before a tool runs that needs permission; null leaves the request open. */
  canUseTool?(
    toolName: string,
    input: Record<string, unknown>,
    options: CanUseToolOptions,
  ): Promise<PermissionResult | null>;
  /** Called on events of the agent, after the deployment's own hooks. */
  hooks?: Hooks;
  /** MCP servers by name; those of `type: "sdk"` run in this process. */
  mcpServers?: Record<string, McpServerConfig>;
  /** Called when an MCP server asks the user for input; null leaves the request open. */
  onElicitation?(
    request: ElicitationRequest,
    options: { signal: AbortSignal; requestId: string },
  ): Promise<ElicitationResult | null>;
  /** Called when Claude Code asks for a dialog; null leaves the request open. */
  onUserDialog?(
    request: UserDialogRequest,
    options: { signal: AbortSignal; requestId: string },
  ): Promise<UserDialogResult | null>;
  /** Called for every permission and question, unless `canUseTool` is a function, which takes precedence. */
  onPermission?: OnPermission | undefined;
  /** Called when a program in the container wants to reach a host that somebody is to be asked about. */
  onNetwork?: OnNetwork | undefined;
}
