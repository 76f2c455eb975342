/**
 * The HTTP API of the container, between Worker and runner. Not for callers of the deployment. Its version is
 * {@link RUNNER_PROTOCOL}.
 *
 * | route | what |
 * |---|---|
 * | `GET /health` | {@link RunnerHealth} |
 * | `GET /sessions` | {@link RunnerSessions}: what runs here, and for how long nothing has |
 * | `POST /spares/reserve` | {@link ReserveSpare}; {@link SpareReserved}: the id under which a new session starts at once |
 * | `DELETE /spares/{id}` | no session was created under the id: its spare is free again |
 * | `PUT /sessions/{id}/turns/{turn}` | {@link StartTurn}; 202 with {@link TurnStarted}; the same turn twice starts one |
 * | `POST /sessions/{id}/turns/{turn}/interrupt` | stops it, if it runs |
 * | `PUT /sessions/{id}/turns/{turn}/messages/{message}` | {@link UserMessage}: steers the turn; {@link MessageTaken}; the same message twice is one |
 * | `DELETE /sessions/{id}/turns/{turn}/messages/{message}` | {@link MessageWithdrawn} |
 * | `PUT /sessions/{id}/transcript` | NDJSON of {@link TranscriptEntry}: replaces the session's transcript; not during a turn |
 * | `POST /sessions/{id}/requests/{request}` | {@link CallbackAnswer}; {@link AnswerTaken} |
 * | `POST /sessions/{id}/control` | {@link ControlCall}; {@link ControlResult} |
 * | `GET /sessions/{id}/log?boot&after` | NDJSON: a {@link LogHead}, then every {@link LogFrame} after the cursor, live. The log of an unknown session is empty and waits for its first frame |
 * | `POST /sessions/{id}/log/ack?boot&cursor` | frames up to the cursor are stored; the runner may forget them |
 * | `DELETE /sessions/{id}` | ends its process, deletes its files, drops its log and ends the log's readers |
 * | `PUT /sessions/{id}/workspace` | NDJSON: a {@link WorkspaceTarget}, then each {@link WorkspaceEntry}; {@link WorkspacePlan} |
 * | `PUT /sessions/{id}/workspace/blobs` | for each blob a line with its {@link BlobHead}, then its bytes; {@link WorkspacePlan} |
 * | `POST /sessions/{id}/checkpoints` | {@link TakeCheckpoint}; {@link CheckpointTaken} once it is in the log |
 * | `GET /sessions/{id}/checkpoints/{n}` | NDJSON of {@link WorkspaceEntry}: the changes since the previous checkpoint |
 * | `POST /sessions/{id}/checkpoints/{n}/blobs` | {@link WantedBlobs}; their bytes, concatenated in that order |
 * | `DELETE /sessions/{id}/checkpoints/{n}` | it is stored, as are those before it: the runner may forget their contents |
 *
 * Logs are per session. Cursors count each session's frames from 1; `boot` is that of the runner's process. A cursor of
 * another boot, or beyond the end of the log, is ignored: such a reader gets the log from its start.
 */
import type { CallbackAnswer, ControlMethod, RequestKind } from "./callbacks.js";
import type { WireError } from "./errors.js";
import type { CheckpointReason, SkippedFile } from "./files.js";
import type { RepositoryEvent, SdkMessage } from "./events.js";
import type { SessionOptions } from "./options.js";
import type { Prompt, UserMessageFields } from "./requests.js";
import type { TurnResult, Usage } from "./resources.js";
import type { UnavailableReason } from "./unavailable.js";

export {
  cutOffMessages,
  nextBackground,
  NO_BACKGROUND,
  type Background,
  type BackgroundTask,
} from "./background.js";
export { requestId, sessionOfRequest } from "./request-id.js";
export { checkedUsage, MAX_MODEL_CHARS, UNKNOWN_MODEL, usageOf } from "./turn-usage.js";

/**
 * The version of this API, which the runner tells in `GET /health`. It rises only when an older reader would
 * misunderstand, never for an added field, route or frame. See `protocolProblem`.
 */
export const RUNNER_PROTOCOL = 1;

export interface RunnerHealth {
  status: "ok";
  /** New with every start of the runner: a changed boot means that everything that ran is lost. */
  boot: string;
  version: string;
  /** Its {@link RUNNER_PROTOCOL}. */
  protocol: number;
  /** The Agent SDK's version; absent in runners older than this field. */
  sdk_version?: string;
  /** Why it cannot run an agent: agent.config.ts could not be loaded. */
  error?: string;
  /** It was told to end: running turns go on for a while, and new ones are refused with {@link DRAINING}. */
  draining?: true;
}

/** The reason in a refusal (`container_unavailable`) of a runner that drains. */
export const DRAINING = "draining" satisfies UnavailableReason;

export interface RunnerSessions {
  /** Every session that this runner holds something of; spares are not among them. */
  sessions: RunnerSession[];
  /**
   * For how long there has been no turn, no control call, no transcript or workspace being received, and no spare
   * reserved, milliseconds; 0 while there is, and while tasks run in the background. Checkpoints do not count: they are taken before the container sleeps.
   */
  idle_ms: number;
}

export interface RunnerSession {
  id: string;
  /** A turn is running or ending. */
  busy: boolean;
  /** How many tasks it runs in the background; absent in older runners. */
  tasks?: number;
  /** Its workspace may hold changes that no checkpoint has: take one before the container sleeps. */
  has_files: boolean;
}

/** A new session wants a process that is ready. */
export interface ReserveSpare {
  /** Whether the session asks for approvals: a process has that from its start. See {@link asks}. */
  asks: boolean;
}

/**
 * The newest spare of that kind, if there is one. It becomes the process of the session with this id when that session's
 * first turn starts within {@link SPARE_RESERVED_MS}; after that it is ended. A spare that no session was created for is
 * given back.
 */
export interface SpareReserved {
  session?: string;
}

/** How long a spare stays reserved, milliseconds: as long as a process of a session that has no turn. */
export const SPARE_RESERVED_MS: number = 10 * 60_000;

/** Options as the runner gets them. `variables`: the placeholders of secrets, by the variable that holds each. */
export type RunnerOptions = Omit<SessionOptions, "secrets"> & {
  variables?: Record<string, string>;
};

/** What a user writes. */
export interface UserMessage {
  prompt: Prompt;
  /** The fields of the Agent SDK's user message beside its content and id. */
  fields?: UserMessageFields;
}

/**
 * Whether the turn runs and holds the message for its next tools. That it has taken the message in is told by a
 * {@link TurnFrame} with `steered_turn`; if it ends without one, it has not.
 */
export interface MessageTaken {
  taken: boolean;
}

/** Whether the turn will not take the message in. False when its process has it. */
export interface MessageWithdrawn {
  withdrawn: boolean;
}

export interface StartTurn extends UserMessage {
  /** Files of the workspace to attach to the prompt, by path. */
  attachments?: string[];
  options: RunnerOptions;
  /** It began in another container and was cut off: continue it from the transcript, without sending the prompt. */
  resume?: boolean;
  /** It waited for these answers: continue at the question in the transcript. By the tool use asked about. */
  answers?: Record<string, CallbackAnswer>;
  /** The caller's span (W3C `traceparent`), continued by a process that is started for this turn. */
  traceparent?: string | undefined;
  /** How long a process is held for an answer that it need not stay for, milliseconds. */
  hold_ms: number;
  /** Asks for a single message instead of running the agent; never taken from callers of sessions. */
  message?: OneMessage;
}

/**
 * A request of the Messages API that goes through Claude Code. It asks for a single message and contains nothing of the
 * agent's own definition. Its history is in the transcript.
 */
export interface OneMessage {
  /** The client's tools: the model may call them, and a call ends the message. */
  tools: {
    name: string;
    description?: string | undefined;
    input_schema: Record<string, unknown>;
  }[];
  /** Fields of the request to the model: `max_tokens`, `temperature`, `tool_choice`, … */
  body: Record<string, unknown>;
}

/**
 * The desired state of a workspace. `full`: all of its entries follow, and everything else is deleted, except ignored
 * files. Otherwise only the differences from the last known state follow. Safe to repeat.
 */
export interface WorkspaceTarget {
  full: boolean;
}

/** A path of a workspace, actual or desired. Directories come before their contents. */
export type WorkspaceEntry =
  | { path: string; type: "file"; mode: number; size: number; sha256: string }
  | { path: string; type: "directory"; mode: number }
  | { path: string; type: "symlink"; target: string }
  /** With all of its contents, if it is a directory. */
  | { path: string; type: "deleted" };

/** The blobs that the runner still needs for the workspace, by SHA-256 in hex; none when it is complete. */
export interface WorkspacePlan {
  missing: string[];
}

/** Precedes each blob in a stream of blobs. */
export interface BlobHead {
  sha256: string;
  size: number;
}

/** A checkpoint to take now, whether a turn runs or not. */
export interface TakeCheckpoint {
  reason: CheckpointReason;
  /** Include everything, not only the changes since the previous checkpoint. */
  full?: boolean;
}

/** There is no frame for a checkpoint when nothing had changed. */
export interface CheckpointTaken {
  /** The cursor of the session's log after the checkpoint. */
  cursor: number;
}

/** The blobs of a checkpoint to send, by SHA-256 in hex. */
export interface WantedBlobs {
  blobs: string[];
}

/** Whether the request was pending, or has had an answer before. */
export interface AnswerTaken {
  taken: boolean;
}

/** A method of the Agent SDK's `Query` to call on a session's process; one is started if there is none. */
export interface ControlCall {
  method: ControlMethod;
  args: unknown[];
  options: RunnerOptions;
}

/** Its return value, or how it failed. */
export interface ControlResult {
  result?: unknown;
  error?: string;
}

/** The answer to a turn's start. */
export interface TurnStarted {
  boot: string;
  /** The cursor of the session's log before the turn's first frame. */
  cursor: number;
}

/** The first line of a log. */
export interface LogHead {
  kind: "head";
  boot: string;
  /** The newest cursor at the time of the request. */
  cursor: number;
}

interface FrameBase {
  /** Counts the frames of the session in this boot, from 1. */
  cursor: number;
  /** The turn it belongs to. Between turns: the newest one; empty for a checkpoint and before the first turn. */
  turn: string;
  /** When it was appended, by the container's clock, milliseconds since 1970; absent in older runners. */
  at?: number;
}

/** A message of the Agent SDK, unchanged. */
export interface MessageFrame extends FrameBase {
  kind: "message";
  message: SdkMessage;
  /** Set when the message reports that another permission mode is in effect. */
  mode_change?: ModeChange;
}

/** A change of the permission mode in effect; `from` is `null` when none was set. */
export interface ModeChange {
  from: PermissionMode | null;
  to: PermissionMode;
}

type PermissionMode = NonNullable<SessionOptions["permissionMode"]>;

/** A turn began or ended, or its process was released while a request waits for its answer (`waiting`). */
export interface TurnFrame extends FrameBase {
  kind: "turn";
  status: "running" | "waiting" | "completed" | "failed" | "interrupted";
  /** With `running`: the turn that has taken this one's prompt in. */
  steered_turn?: string;
  /** With `running`: tools of the agent that may run a second time, besides those known to be harmless. */
  repeatable_tools?: string[];
  result?: TurnResult;
  error?: WireError;
  usage?: Usage;
  /** How it came by its process; not with `running`. */
  process?: ProcessStart;
}

/** How a turn got a process: the session's own from before, a spare, or a new one. Milliseconds since 1970. */
export interface ProcessStart {
  kind: "hot" | "spare" | "new";
  start: number;
  end: number;
}

/** Entries of a transcript, from which the session can be resumed in another container. */
export interface TranscriptFrame extends FrameBase {
  kind: "transcript";
  /** Names a subagent's transcript; absent for the main one. */
  subpath?: string;
  entries: TranscriptEntry["entry"][];
}

/**
 * The files of a session have changed. It precedes the result of the tool, or the end of the turn, that changed them.
 * The frames after it are applied only once it is stored.
 */
export interface CheckpointFrame extends FrameBase {
  kind: "checkpoint";
  reason: CheckpointReason;
  /** Counts a session's checkpoints in this boot, from 1; 0 when it could not be taken. */
  number: number;
  /** It contains everything, not only changes. */
  full: boolean;
  /** The changes, if they are few; otherwise they must be requested. */
  entries?: WorkspaceEntry[];
  /** Files that could not be included, at most 100 of them. */
  skipped: SkippedFile[];
  /** Why it could not be taken; the next one includes its changes. */
  error?: WireError;
}

/** The agent asks something of the outside: a permission, a question, a hook, an MCP server of the caller. */
export interface RequestFrame extends FrameBase {
  kind: "request";
  request: {
    /** Names the session: see {@link requestId}. */
    id: string;
    kind: Exclude<RequestKind, "network">;
    payload: Record<string, unknown>;
    /** It cannot be answered in another process, so this one is kept: it must not wait for days. */
    held?: boolean;
  };
}

/** The agent no longer waits for the answer. */
export interface RequestCancelledFrame extends FrameBase {
  kind: "request.cancelled";
  request: string;
}

/** A repository is being cloned, or is cloned. */
export interface RepositoryFrame extends FrameBase {
  kind: "repository";
  repository: Pick<RepositoryEvent, "url" | "path" | "status" | "commit">;
}

export type LogFrame =
  | MessageFrame
  | TurnFrame
  | TranscriptFrame
  | CheckpointFrame
  | RequestFrame
  | RequestCancelledFrame
  | RepositoryFrame;

/** One entry of a transcript, as the Agent SDK writes it. */
export interface TranscriptEntry {
  subpath?: string;
  entry: { type: string; uuid?: string; [key: string]: unknown };
}

/**
 * A line of a log. A `ping` comes every few seconds, so that a dead connection shows. `draining` comes once, as soon as the
 * runner drains.
 */
export type LogLine = LogHead | LogFrame | { kind: "ping" } | { kind: "draining" };

/** The port the runner listens on inside its container. */
export const RUNNER_PORT = 8080;

/** The host under which the container reaches the model; the gateway answers it. */
export const MODEL_HOST = "model.claude-edge.internal";

/** The host under which the container's processes reach the collector of traces; the gateway answers it. */
export const TRACES_HOST = "traces.claude-edge.internal";

/** What the container holds where a credential would be: the gateway swaps in the real one. */
export const CREDENTIAL_PLACEHOLDER = "placeholder";

const SPARE_OPTIONS = new Set([
  "model",
  "permissionMode",
  "verbatimPrompts",
  "canUseTool",
  // A spare is started with those of the session before it.
  "variables",
]);

/** Whether a spare can still take these options; others need a process of their own. */
export function fitsSpare(options: SessionOptions | RunnerOptions): boolean {
  // Bypassing must be allowed when a process starts, and no spare is started with it.
  if (options.permissionMode === "bypassPermissions") return false;
  return Object.keys(options).every((name) => SPARE_OPTIONS.has(name));
}

/** Whether a session asks for approvals. */
export function asks(options: Pick<SessionOptions, "canUseTool">): boolean {
  return options.canUseTool === true;
}

/** Types of messages that are not stored: pieces of one that also comes complete, and what a process wrote to standard error. */
const DELTAS = new Set(["stream_event", "stderr"]);

/** Whether a frame holds a message that readers get while it is new, and that is not stored. */
export function isDelta(frame: { kind: LogFrame["kind"]; message?: SdkMessage }): boolean {
  return frame.kind === "message" && DELTAS.has(frame.message?.type ?? "");
}
