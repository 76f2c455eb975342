import type { RequestResource } from "./callbacks.js";
import type { CapacityCause } from "./capacity.js";
import type { WireError } from "./errors.js";
import type { AttachedFile, CheckpointResource } from "./files.js";
import type { NetworkDenial } from "./network.js";
import type { Priority, Prompt } from "./requests.js";
import type { SecretScope } from "./secrets.js";
import type { TurnResult, TurnStatus, Usage } from "./resources.js";

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
  /**
   * When it happened, milliseconds since 1970: by the clock of the container for what comes from there. A message is as
   * old when it is read again.
   */
  at: number;
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

/** What stands in a queued turn's way. */
export interface WaitingFor {
  /** Its session; not there for a token that may not list the account's sessions. */
  session_id?: string;
  /** That turn: it is stopped with POST /v1/sessions/{id}/interrupt. */
  turn_id?: string;
  /** When it began, ISO 8601. */
  since: string;
}

/** A turn's status changed. The first carries `prompt`, the final one `result` or `error`, and `usage`. */
export interface TurnEvent extends EventBase {
  kind: "turn";
  session_id: string;
  status: TurnStatus;
  /** What was asked, when it is queued; not in logs that an older deployment wrote. */
  prompt?: Prompt;
  /** What it does to a turn that runs, when it is queued and was given a priority. */
  priority?: Priority;
  /** The turn that has taken it in, when it is `running` or has ended: it ends with that turn and as that does. */
  steered_turn_id?: string;
  /** The files that went with it, when it is queued. */
  attachments?: AttachedFile[];
  /** The turn that it waits for, when it is queued and cannot begin at once. */
  waiting_for?: WaitingFor;
  /** Why a queued turn that may run has not begun: it waits for a container. Told once, not with every attempt. */
  reason?: "waiting_for_capacity";
  /** Since when it waits for a container, ISO 8601. */
  since?: string;
  /** Why there is none. */
  cause?: CapacityCause;
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

/**
 * A request of the container was denied by a network policy: once for each host and turn, however often it is tried. With
 * several turns in one container each of them is told.
 */
export interface NetworkEvent extends EventBase {
  kind: "network";
  host: string;
  /** The HTTP method of the first denied request. */
  method: string;
  decision: "denied";
  reason: NetworkDenial;
}

/** A repository of the session's options is being cloned, before the prompt is sent. It is told once as it begins and once as it is there. */
export interface RepositoryEvent extends EventBase {
  kind: "repository";
  url: string;
  /** Its folder in the workspace. */
  path: string;
  status: "cloning" | "cloned";
  /** The commit that is checked out, once it is cloned; not there for a repository without commits. */
  commit?: string;
}

/**
 * A request of the container had the placeholder of a secret in it and went to a host that the secret is not for, or there by plain HTTP or in another place than its own, so its
 * value was not put in: once for each secret, host and turn.
 */
export interface SecretEvent extends EventBase {
  kind: "secret";
  /** The secret's. Of a credential in the options of an MCP server: that server's name and the header's. */
  name: string;
  scope: SecretScope;
  host: string;
  decision: "withheld";
}

/** What a session's log holds. On the wire `kind` is the SSE event's name and the rest its data. */
export type EdgeEvent =
  | MessageEvent
  | DeltaEvent
  | TurnEvent
  | RequestEvent
  | RequestResolvedEvent
  | CheckpointEvent
  | RewindEvent
  | NetworkEvent
  | RepositoryEvent
  | SecretEvent;

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
