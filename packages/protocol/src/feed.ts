import type { RequestKind, RequestStatus } from "./callbacks.js";

/**
 * What an entry of the feed tells of. `reset`: the feed begins here for its reader, because it named no cursor or one whose
 * successors are gone. What was before has to be listed.
 */
export type FeedKind =
  | "reset"
  | "session.created"
  | "session.changed"
  | "session.event"
  | "session.deleted"
  | "session.expired"
  | "turn.queued"
  | "turn.running"
  | "turn.waiting"
  | "turn.completed"
  | "turn.failed"
  | "turn.interrupted"
  | "request.created"
  | "request.resolved"
  | "network.denied"
  | "budget.spent";

/** A change in an account: ids and a time, and no content. */
export interface FeedEntry {
  /** Grows strictly within an account, not densely: the cursor to read on from. */
  seq: number;
  /** Milliseconds since 1970. */
  at: number;
  kind: FeedKind;
  session_id?: string;
  turn_id?: string;
  request_id?: string;
  /** What a request asks for. */
  request_kind?: RequestKind;
  /** How a request was resolved. */
  status?: RequestStatus;
}

/** How long entries are kept, milliseconds, and how many of an account at the most. */
export const FEED_KEPT_MS: number = 24 * 3_600_000;
export const MAX_FEED_ENTRIES = 100_000;

/** Requests that a person or a program of its own may answer; the others are for the program that holds the session. */
export const REQUESTS_FOR_PEOPLE: ReadonlySet<RequestKind> = /* @__PURE__ */ new Set<RequestKind>([
  "permission",
  "question",
  "network",
]);

/** The most entries that are sent over a WebSocket ahead of the last that its reader has confirmed. */
export const FEED_WINDOW = 1_000;

/** The subprotocol of the feed's WebSocket, and how a subprotocol begins that is a token: browsers send no other header. */
export const FEED_PROTOCOL = "claude-edge.feed";
export const TOKEN_PROTOCOL = "claude-edge.token.";
