/** `query()` for programs that do not have the Agent SDK; `test/types.test.ts` compares them with its own types. */
import type {
  Priority,
  SdkMessage,
  SessionOptions,
  UserMessageFields,
} from "@claude-edge/protocol/wire";

import type { SessionCallbacks } from "../callbacks/types.js";
import type { McpServerConfig } from "./mcp-types.js";

/** Options of sessions that the Agent SDK has none for: `query()` is asked for them as it is, by `extraArgs` and `env`. */
type OwnOptions = "replayUserMessages" | "sessionStateEvents";

/** The Agent SDK's options as far as they travel, its callbacks, and what becomes a call. */
export interface AgentQueryOptions
  extends
    Omit<SessionOptions, keyof SessionCallbacks | OwnOptions | "env" | "stderr">,
    Omit<SessionCallbacks, "onPermission" | "onNetwork"> {
  /** `replay-user-messages` alone. */
  extraArgs?: Record<string, string | null>;
  /** What the program adds to its own environment. Credentials of well-known services become secrets. */
  env?: Record<string, string | undefined>;
  /** Called with what the process writes to standard error. */
  stderr?: (data: string) => void;
  /** Aborting it interrupts the turn. */
  abortController?: AbortController;
  /** Goes on with the account's newest session. */
  continue?: boolean;
  /** The session to go on with. */
  resume?: string;
  /** Branches the session that is resumed. */
  forkSession?: boolean;
  /** The `uuid` of the last message to keep, in a branch of the session. */
  resumeSessionAt?: string;
  /** A UUID to give the session. */
  sessionId?: string;
  title?: string;
  /** Yields `stream_event` messages as well. */
  includePartialMessages?: boolean;
  /** `false`: the session is deleted at the end. */
  persistSession?: boolean;
  /** Sessions have checkpoints in any case. */
  enableFileCheckpointing?: boolean;
}

/** A message of a streaming prompt. */
export interface AgentUserMessage extends Omit<UserMessageFields, "parent_tool_use_id"> {
  type: "user";
  /** A text, or content blocks of the Messages API. */
  message: { role: string; content: string | object[] };
  parent_tool_use_id: string | null;
  /** What it does to a turn that runs; `next` without it. */
  priority?: Priority;
  uuid?: string;
  session_id?: string;
}

type Answer = Promise<Record<string, unknown>>;
type Mode = NonNullable<SessionOptions["permissionMode"]>;

/** The Agent SDK's `Query`: a stream of its messages, and its methods. What they give is as the Agent SDK has it. */
export interface AgentQueryStream extends AsyncGenerator<SdkMessage, void> {
  accountInfo(): Answer;
  applyFlagSettings(settings: object): Promise<void>;
  backgroundTasks(toolUseId?: string): Promise<boolean>;
  close(): void;
  getContextUsage(options?: { detail?: "summary" | "full" }): Answer;
  initializationResult(): Answer;
  interrupt(): Promise<unknown>;
  mcpServerStatus(): Promise<Record<string, unknown>[]>;
  readFile(
    path: string,
    options?: { maxBytes?: number; encoding?: "utf-8" | "base64" },
  ): Promise<Record<string, unknown> | null>;
  readMcpResource(server: string, uri: string): Answer;
  reconnectMcpServer(server: string): Promise<void>;
  /** Rejects: the stream is taken up again by itself. */
  reinitialize(): Answer;
  reloadOutputStyles(): Answer;
  reloadPlugins(options?: { holdOnCacheImpact?: boolean; refuseIfBusy?: boolean }): Answer;
  reloadSkills(): Answer;
  rewindFiles(messageId: string, options?: { dryRun?: boolean }): Answer;
  seedReadState(path: string, mtime: number): Promise<void>;
  setMaxThinkingTokens(
    tokens: number | null,
    display?: "summarized" | "omitted" | "highlights" | null,
  ): Promise<void>;
  setMcpPermissionModeOverride(server: string, mode: "default" | "auto" | null): Answer;
  setMcpServers(servers: Record<string, McpServerConfig>): Answer;
  setModel(model?: string): Promise<void>;
  setPermissionMode(mode: Mode): Promise<{ mode?: Mode } | undefined>;
  stopTask(id: string): Promise<void>;
  streamInput(stream: AsyncIterable<AgentUserMessage>): Promise<void>;
  supportedAgents(): Promise<Record<string, unknown>[]>;
  supportedCommands(): Promise<Record<string, unknown>[]>;
  supportedModels(): Promise<Record<string, unknown>[]>;
  toggleMcpServer(server: string, enabled: boolean): Promise<void>;
  updateSettings(
    source: "localSettings" | "userSettings",
    settings: Record<string, unknown>,
  ): Promise<void>;
  usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET(options?: {
    skipBehaviors?: boolean;
  }): Answer;
}
