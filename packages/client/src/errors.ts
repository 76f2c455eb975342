import {
  clientError,
  type ClientErrorCode,
  type TurnEvent,
  type WireError,
} from "@claude-edge/protocol/wire";

const BRAND: unique symbol = Symbol.for("claude-edge.error") as never;

/** Where an error came from. */
export interface ErrorContext {
  /** HTTP status of the answer, if there was one. */
  status?: number | undefined;
  /** The id under which the deployment logged the request. */
  requestId?: string | undefined;
  cause?: unknown;
}

/**
 * Every error of this library. Branch on `code`; `retryable` says whether the same call may be made again.
 * `instanceof` also holds for errors of another copy of this library.
 */
export class ClaudeEdgeError extends Error {
  override readonly name: string = "ClaudeEdgeError";
  /** A stable name, an `ErrorCode`; a newer deployment may send one that is not among them. */
  readonly code: string;
  /** The same call may be made again, with hope. */
  readonly retryable: boolean;
  /** What to do about it, in one sentence. */
  readonly suggestion: string | undefined;
  /** HTTP status of the answer; undefined for an error that was not an answer. */
  readonly status: number | undefined;
  /** The id under which the deployment logged the request. */
  readonly requestId: string | undefined;
  /** More of it, by code: `last_text` with `output_invalid`, `answered_by` with `request_resolved`, … */
  readonly details: Record<string, unknown> | undefined;
  /** @internal */
  readonly [BRAND]: string = "error";

  constructor(error: WireError, { status, requestId, cause }: ErrorContext = {}) {
    super(error.message, cause === undefined ? undefined : { cause });
    this.code = error.code;
    this.retryable = error.retryable;
    this.suggestion = error.suggestion;
    this.details = error.details;
    this.status = status;
    this.requestId = requestId;
  }

  /** Its fields for a log, without stack and cause. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, retryable, suggestion, status, requestId, details } = this;
    return { name, code, message, retryable, suggestion, status, requestId, details };
  }

  /** Goes by a brand, for this class alone: its subclasses are told apart by `name` or `code` across copies. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== ClaudeEdgeError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && BRAND in value;
  }
}

/** The deployment answered with an error. */
export class ApiError extends ClaudeEdgeError {
  override readonly name = "ApiError";
}

/** A turn ended without completing: `status` of the turn is in `turnStatus`. */
export class TurnError extends ClaudeEdgeError {
  override readonly name = "TurnError";
  /** The session it belongs to, which goes on with the next prompt. */
  readonly sessionId: string;
  /** The turn that ended. */
  readonly turnId: string;
  /** `interrupted` only for a turn that somebody stopped. */
  readonly turnStatus: "failed" | "interrupted";

  constructor(
    error: WireError,
    turn: { sessionId: string; turnId: string; status: "failed" | "interrupted" },
    context?: ErrorContext,
  ) {
    super(error, context);
    this.sessionId = turn.sessionId;
    this.turnId = turn.turnId;
    this.turnStatus = turn.status;
  }
}

/** The error of a turn that did not complete. */
export function turnError({ session_id, turn_id, status, error }: TurnEvent): TurnError {
  const reason = error ?? clientError("turn_failed", `The turn ended ${status}.`);
  const ended = status === "interrupted" ? "interrupted" : "failed";
  return new TurnError(reason, { sessionId: session_id, turnId: turn_id, status: ended });
}

/** No connection, or one that broke before the answer: nothing is known of what the deployment did. */
export class ConnectionError extends ClaudeEdgeError {
  override readonly name = "ConnectionError";

  constructor(message: string, context?: ErrorContext) {
    super(clientError("connection_failed", message), context);
  }
}

const LATE = {
  connect: "No connection",
  headers: "No answer",
  idle: "No sign of life on the stream",
  total: "Not done",
};

/** Something took too long; `phase` says what: a connection, an answer's beginning, a stream's silence, or all of a call. */
export class TimeoutError extends ClaudeEdgeError {
  override readonly name = "TimeoutError";
  /** The option that ran out: the client's `headersTimeout`, `idleTimeout` or `totalTimeout`; its fetch's for `connect`. */
  readonly phase: "connect" | "headers" | "idle" | "total";

  constructor(phase: TimeoutError["phase"], ms?: number, cause?: unknown) {
    const within = ms === undefined ? "in time" : `within ${ms / 1000} s`;
    super(clientError("timeout", `${LATE[phase]} ${within}.`), { cause });
    this.phase = phase;
  }
}

/** The caller's signal aborted the call. The turn goes on; `interrupt()` is what stops it. */
export class AbortError extends ClaudeEdgeError {
  override readonly name = "AbortError";

  constructor(reason?: unknown, message = "The call was aborted by its signal.") {
    super(clientError("aborted", message), { cause: reason });
  }
}

/** What a signal's reason comes to: a deadline of this library's own is an error of its own. */
export const abortError = (reason: unknown): TimeoutError | AbortError =>
  reason instanceof TimeoutError ? reason : new AbortError(reason);

/** A stream broke and could not be taken up again. The turn may still be running: read on behind `lastSeq`. */
export class StreamInterruptedError extends ClaudeEdgeError {
  override readonly name = "StreamInterruptedError";
  /** The session that was read; undefined if the prompt was to make one and nothing is known of it. */
  readonly sessionId: string | undefined;
  /** The turn that was read; undefined if none of its events has come. */
  readonly turnId: string | undefined;
  /** The newest event that was read; 0 for none. */
  readonly lastSeq: number;

  constructor(
    at: { sessionId: string | undefined; turnId: string | undefined; lastSeq: number },
    cause: unknown,
  ) {
    super(clientError("stream_interrupted", "The stream ended before the turn did."), { cause });
    this.sessionId = at.sessionId;
    this.turnId = at.turnId;
    this.lastSeq = at.lastSeq;
  }
}

/** What came is not what a claude-edge deployment sends, or not in a version that this client reads. */
export class ProtocolError extends ClaudeEdgeError {
  override readonly name = "ProtocolError";

  constructor(message: string, context?: ErrorContext, code: ClientErrorCode = "protocol_error") {
    super(clientError(code, message), context);
  }
}
