import type {
  AnswerRequest,
  Attachment,
  CreateSessionRequest,
  Priority,
  Prompt,
  SessionResource,
  TurnResource,
  UserMessageFields,
} from "@claude-edge/protocol";

import type { BorrowedFiles } from "../files/store-attachments.js";
import type { CallerCheck, Idempotency } from "./account-port.js";

/** A prompt for a session. With `create`, the session is created for it. */
export interface TurnCall {
  check: CallerCheck;
  /** The turn's id: calls with the same id create one turn. */
  turn: string;
  /** The caller chose the id, which must be new. */
  isChosen?: boolean;
  prompt: Prompt;
  fields?: UserMessageFields | undefined;
  /** With one, the same id is the same prompt. */
  priority?: Priority | undefined;
  attachments?: Attachment[] | undefined;
  borrowed?: BorrowedFiles | undefined;
  idempotency?: Idempotency | undefined;
  /** The caller's span. */
  traceparent?: string | undefined;
  /** The id of the HTTP request. */
  requestId?: string | undefined;
  /** When the Worker got it, milliseconds since 1970. */
  receivedAt?: number | undefined;
  /** The caller may list the account's sessions. */
  maySeeSessions?: boolean | undefined;
  create?: CreateSessionRequest | undefined;
}

/** An accepted turn. Its events come after the seq `after`. */
export interface AcceptedTurn {
  turn: TurnResource;
  after: number;
}

/** The idempotency key was used before, for a turn of this or another session. */
export interface KnownTurn {
  known: { session: string; turn: string };
}

/** The new session, or the id of the one that the idempotency key created before. */
export type CreatedSession = { session: SessionResource } | { known: string };

/** The token that a stream is read with: the stream ends when it expires or is revoked. */
export interface ReaderToken {
  id: string;
  /** Milliseconds since 1970. */
  expiresAt: number | undefined;
}

/** The answer to a request. */
export interface Answering extends AnswerRequest {
  /** By a token that is for this session alone. */
  ofSession?: boolean;
}

/** Options for reading events. */
export interface EventsCall {
  /** Only this turn's events, up to its end. */
  turn?: string | undefined;
  /** The reader runs the session's callbacks. */
  callbacks?: boolean;
  token?: ReaderToken;
}
