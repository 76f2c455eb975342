import type { RequestResource } from "./callbacks.js";
import type { WireError } from "./errors.js";
import type { AttachedFile, CheckpointResource } from "./files.js";
import type { Prompt } from "./requests.js";
import type { TurnResult, TurnStatus, Usage } from "./resources.js";

/** Every status of a turn, in the order it can take them. Here, away from the schemas, for a client without them. */
export const TURN_STATUSES = [
  "queued",
  "running",
  "waiting",
  "completed",
  "failed",
  "interrupted",
] as const;

/** One message of the Agent SDK, unchanged. Kinds this version does not know pass through. */
export interface SdkMessage {
  /** `assistant`, `user`, `system`, `result`, … */
  type: string;
  [key: string]: unknown;
}

interface EventBase {
  /** The event's place in its session's log: grows strictly, with gaps. */
  seq: number;
  /** The turn it belongs to; empty for what comes between turns. */
  turn_id: string;
}

/** A whole message: stored for good. */
export interface MessageEvent extends EventBase {
  kind: "message";
  /** As the Agent SDK gave it. */
  message: SdkMessage;
}

/** A piece of a message that is still being written (`stream_event`): gone once the turn has ended. */
export interface DeltaEvent extends EventBase {
  kind: "delta";
  /** The Agent SDK's `stream_event`; its `event` is the Messages API's. */
  message: SdkMessage;
}

/** A turn's status changed. The first carries `prompt`, the final one `result` or `error`, and `usage`. */
export interface TurnEvent extends EventBase {
  kind: "turn";
  session_id: string;
  status: TurnStatus;
  /** What was asked, when it is queued; not in logs that an older deployment wrote. */
  prompt?: Prompt;
  /** The files that went with it, when it is queued. */
  attachments?: AttachedFile[];
  /** What it came to, when it has completed. */
  result?: TurnResult;
  /** Why it has not, when it has failed or was interrupted. */
  error?: WireError;
  /** What it used, when it has ended and that is known. */
  usage?: Usage;
}

/** A turn asks something of the outside. */
export interface RequestEvent extends EventBase {
  kind: "request";
  /** As it was when it was asked; `requests.retrieve()` has it as it is. */
  request: RequestResource;
}

/** A request without what it asked. */
export type ResolvedRequest = Pick<
  RequestResource,
  | "id"
  | "session_id"
  | "turn_id"
  | "kind"
  | "status"
  | "created_at"
  | "answer"
  | "error"
  | "resolved_at"
  | "answered_by"
>;

/** What became of a request: its answer and who gave it, or that it is void. */
export interface RequestResolvedEvent extends EventBase {
  kind: "request.resolved";
  request: ResolvedRequest;
}

/** The session's files have changed and are stored, or could not be. Files of finished tools are safe from here on. */
export interface CheckpointEvent extends EventBase {
  kind: "checkpoint";
  /** Not there when it failed: the files are those of the one before, until the next. */
  checkpoint?: CheckpointResource;
  /** Why it could not be stored. */
  error?: WireError;
}

/** The session went back to the end of a turn, conversation and files: what came after it is no longer remembered. */
export interface RewindEvent extends EventBase {
  kind: "rewind";
  /** That turn; null for the beginning. */
  to_turn_id: string | null;
  /** How its files are now. */
  checkpoint: CheckpointResource;
}

/** What a session's log holds. On the wire `kind` is the SSE event's name and the rest its data. */
export type EdgeEvent =
  | MessageEvent
  | DeltaEvent
  | TurnEvent
  | RequestEvent
  | RequestResolvedEvent
  | CheckpointEvent
  | RewindEvent;

/** True for the three statuses after which nothing of a turn can change. */
export function isFinal(status: TurnStatus): status is "completed" | "failed" | "interrupted" {
  return status === "completed" || status === "failed" || status === "interrupted";
}

/** True for the event that ends its turn. */
export function isTerminal(event: EdgeEvent): event is TurnEvent {
  return event.kind === "turn" && isFinal(event.status);
}

/** The text a `delta` event adds to the answer; empty for every other delta and for subagents. */
export function deltaText(event: EdgeEvent): string {
  if (event.kind !== "delta" || event.message.parent_tool_use_id) return "";
  const inner = event.message.event as {
    type?: unknown;
    delta?: { type?: unknown; text?: unknown };
  };
  if (inner?.type !== "content_block_delta" || inner.delta?.type !== "text_delta") return "";
  return typeof inner.delta.text === "string" ? inner.delta.text : "";
}
