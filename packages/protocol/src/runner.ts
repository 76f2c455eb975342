/**
 * Between Worker and runner: the HTTP API of the container. Not for callers of the deployment.
 *
 * | route | what |
 * |---|---|
 * | `GET /health` | {@link RunnerHealth} |
 * | `PUT /sessions/{id}/turns/{turn}` | {@link StartTurn}; 202; the same turn twice starts one |
 * | `POST /sessions/{id}/turns/{turn}/interrupt` | stops it, if it runs |
 * | `PUT /sessions/{id}/transcript` | NDJSON of {@link TranscriptEntry}, before the first turn here |
 * | `POST /sessions/{id}/requests/{request}` | {@link CallbackAnswer}; {@link AnswerTaken} |
 * | `POST /sessions/{id}/control` | {@link ControlCall}; {@link ControlResult} |
 * | `DELETE /sessions/{id}` | ends its process and forgets it |
 * | `PUT /sessions/{id}/workspace` | NDJSON: a {@link WorkspaceTarget}, then each {@link WorkspaceEntry}; {@link WorkspacePlan} |
 * | `PUT /sessions/{id}/workspace/blobs` | for each blob a line with its {@link BlobHead}, then its bytes; {@link WorkspacePlan} |
 * | `POST /sessions/{id}/checkpoints` | {@link TakeCheckpoint}; {@link CheckpointTaken} once it is in the log |
 * | `GET /sessions/{id}/checkpoints/{n}` | NDJSON of {@link WorkspaceEntry}: what has changed since the one before |
 * | `POST /sessions/{id}/checkpoints/{n}/blobs` | {@link WantedBlobs}; their bytes, one behind the other in that order |
 * | `DELETE /sessions/{id}/checkpoints/{n}` | it is stored, as are those before it: the runner may forget what they hold |
 * | `GET /log?boot&after` | NDJSON: a {@link LogHead}, then every {@link LogFrame} behind the cursor, live |
 * | `POST /log/ack?boot&cursor` | frames up to the cursor are stored and may be forgotten |
 */
import type { CallbackAnswer, ControlMethod, RequestKind } from "./callbacks.js";
import type { WireError } from "./errors.js";
import type { CheckpointReason, SkippedFile } from "./files.js";
import type { SdkMessage } from "./events.js";
import type { SessionOptions } from "./options.js";
import type { Prompt } from "./requests.js";
import type { TurnResult, Usage } from "./resources.js";

export { usageOf } from "./turn-usage.js";

export interface RunnerHealth {
  status: "ok";
  /** New with every start of the runner: a changed boot means that whatever ran is lost. */
  boot: string;
  version: string;
  protocol: number;
  /** The Agent SDK's version; runners before this field do not tell. */
  sdk_version?: string;
  /** Why it cannot run an agent: agent.config.ts could not be loaded. */
  error?: string;
}

export interface StartTurn {
  prompt: Prompt;
  /** Files of the workspace that go with the prompt, by path. */
  attachments?: string[];
  options: SessionOptions;
  /** It was begun in another container and cut off: go on with it where the transcript has it, without the prompt. */
  resume?: boolean;
  /** It waited for these answers: go on where the transcript has the question. By the tool use asked about. */
  answers?: Record<string, CallbackAnswer>;
  /** The caller's span (W3C `traceparent`): a process that is started for this turn continues it. */
  traceparent?: string | undefined;
  /** How long a process is held for an answer that can wait, milliseconds. */
  hold_ms: number;
  /** Instead of a turn of the agent; never taken from callers of sessions. */
  message?: OneMessage;
}

/**
 * A request of the Messages API that goes through Claude Code: it is asked for one message, and nothing of the agent's
 * own definition is in it. The transcript holds its history.
 */
export interface OneMessage {
  /** The client's tools: they are offered, and a call of one ends the message. */
  tools: {
    name: string;
    description?: string | undefined;
    input_schema: Record<string, unknown>;
  }[];
  /** Fields of the request to the model: `max_tokens`, `temperature`, `tool_choice`, … */
  body: Record<string, unknown>;
}

/**
 * How a workspace is to be. `full`: all that is in it follows, and what is there beside is deleted (ignored files stay);
 * without it only what differs from what the Worker knows of. Safe to repeat.
 */
export interface WorkspaceTarget {
  full: boolean;
}

/** A path of a workspace, as it is or is to be. Directories come before what is in them. */
export type WorkspaceEntry =
  | { path: string; type: "file"; mode: number; size: number; sha256: string }
  | { path: string; type: "directory"; mode: number }
  | { path: string; type: "symlink"; target: string }
  /** With all that is in it, if it is a directory. */
  | { path: string; type: "deleted" };

/** The blobs that the runner still needs for the workspace, by SHA-256 in hex; none: the workspace is whole. */
export interface WorkspacePlan {
  missing: string[];
}

/** What announces a blob in a stream of them. */
export interface BlobHead {
  sha256: string;
  size: number;
}

/** A checkpoint to take now, of a session that may be idle. */
export interface TakeCheckpoint {
  reason: CheckpointReason;
  /** All that is there, as if there had been none before. */
  full?: boolean;
}

/** The log's cursor behind the checkpoint; there is no frame for it when nothing had changed. */
export interface CheckpointTaken {
  cursor: number;
}

/** Blobs of a checkpoint that are wanted, by SHA-256 in hex. */
export interface WantedBlobs {
  blobs: string[];
}

/** Whether somebody was waiting for the answer. */
export interface AnswerTaken {
  taken: boolean;
}

/** A method of the Agent SDK's `Query` to call on a session's process; one is started if there is none. */
export interface ControlCall {
  method: ControlMethod;
  args: unknown[];
  options: SessionOptions;
}

/** What it gave, or how it failed. */
export interface ControlResult {
  result?: unknown;
  error?: string;
}

/** The answer to a turn's start. */
export interface TurnStarted {
  boot: string;
  /** The turn's frames come behind it. */
  cursor: number;
}

/** The first line of `GET /log`. */
export interface LogHead {
  kind: "head";
  boot: string;
  /** The newest cursor at the time of the request. */
  cursor: number;
}

interface FrameBase {
  /** Dense, from 1, in the order things happened. */
  cursor: number;
  session: string;
  turn: string;
}

/** A message of the Agent SDK, unchanged. */
export interface MessageFrame extends FrameBase {
  kind: "message";
  message: SdkMessage;
}

/** A turn began or ended, or its process was let go while a request waits for its answer. */
export interface TurnFrame extends FrameBase {
  kind: "turn";
  status: "running" | "waiting" | "completed" | "failed" | "interrupted";
  result?: TurnResult;
  error?: WireError;
  usage?: Usage;
}

/** Entries of a transcript: what a session is resumed from where this container is not. */
export interface TranscriptFrame extends FrameBase {
  kind: "transcript";
  /** A subagent's transcript; the main one without it. */
  subpath?: string;
  entries: TranscriptEntry["entry"][];
}

/**
 * The files of a session have changed. It comes before whatever a reader takes for the end of what changed them. Frames
 * behind it are applied when it is stored.
 */
export interface CheckpointFrame extends FrameBase {
  kind: "checkpoint";
  reason: CheckpointReason;
  /** Counts a session's checkpoints in this boot, from 1; 0 when it could not be taken. */
  number: number;
  /** It holds all there is, whatever was before. */
  full: boolean;
  /** What has changed, if that is not much: else it is to be asked for. */
  entries?: WorkspaceEntry[];
  /** What is there and cannot be in it: 100 at the most. */
  skipped: SkippedFile[];
  /** Why it could not be taken; the next one holds what this one would have. */
  error?: WireError;
}

/** A process was made ready under this session id: the session that gets it begins at once. */
export interface SpareFrame extends FrameBase {
  kind: "spare";
  /** It is for sessions that ask for approvals, or for those that do not. */
  asks: boolean;
}

/** The agent asks something of the outside. */
export interface RequestFrame extends FrameBase {
  kind: "request";
  request: {
    id: string;
    kind: RequestKind;
    payload: Record<string, unknown>;
    /** It cannot go on in another process, so this one stays: it may not wait for days. */
    held?: boolean;
  };
}

/** The agent no longer wants to know. */
export interface RequestCancelledFrame extends FrameBase {
  kind: "request.cancelled";
  request: string;
}

export type LogFrame =
  | MessageFrame
  | TurnFrame
  | TranscriptFrame
  | SpareFrame
  | CheckpointFrame
  | RequestFrame
  | RequestCancelledFrame;

/** One entry of a transcript, as the Agent SDK writes it. */
export interface TranscriptEntry {
  subpath?: string;
  entry: { type: string; uuid?: string; [key: string]: unknown };
}

/** A line of `GET /log`; `ping` comes when nothing else does, so that a dead connection shows. */
export type LogLine = LogHead | LogFrame | { kind: "ping" };

/** The port the runner listens on inside its container. */
export const RUNNER_PORT = 8080;

/** The host under which the container reaches the model; the gateway answers it. */
export const MODEL_HOST = "model.claude-edge.internal";

/** What the container holds where a credential would be: the gateway swaps in the real one. */
export const CREDENTIAL_PLACEHOLDER = "placeholder";

const SPARE_OPTIONS = new Set(["model", "permissionMode", "verbatimPrompts", "canUseTool"]);

/** Whether a process made ready beforehand can still take these options; others need a process of their own. */
export function fitsSpare(options: SessionOptions): boolean {
  // That must be allowed when a process starts, and no spare is started with it.
  if (options.permissionMode === "bypassPermissions") return false;
  return Object.keys(options).every((name) => SPARE_OPTIONS.has(name));
}

/** Whether a session asks for approvals: a process has that from its start. */
export function asks(options: SessionOptions): boolean {
  return options.canUseTool === true;
}

/** A frame that is a piece of a message which also comes whole. */
export function isDelta(frame: { kind: LogFrame["kind"]; message?: SdkMessage }): boolean {
  return frame.kind === "message" && frame.message?.type === "stream_event";
}
