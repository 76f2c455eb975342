import {
  errorPolicy,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  REQUEST_ID_HEADER,
  toWireError,
  type WireError,
} from "@claude-edge/protocol";

import { logger } from "./logger.js";
import { typed } from "./object-fault.js";

/** Headers of every answer. */
export function commonHeaders(requestId: string): Record<string, string> {
  return { [REQUEST_ID_HEADER]: requestId, [PROTOCOL_HEADER]: String(PROTOCOL_VERSION) };
}

/** Headers of an error answer, in any dialect. */
export function errorHeaders(error: WireError, requestId: string): Record<string, string> {
  return { ...commonHeaders(requestId), ...retryAfter(error) };
}

/** The HTTP status for an error; 500 for codes that are never sent. */
export const statusOf = ({ code }: Pick<WireError, "code">): number =>
  errorPolicy(code).status || 500;

/** The error that a caller gets for anything thrown. The request's line in the log has it too. */
export const toAnswered = (thrown: unknown): WireError => toWireError(typed(thrown));

/** The same, of an answer that has begun: the request's line is written, so the error gets one of its own. */
export function toLoggedError(thrown: unknown, requestId: string): WireError {
  const error = toAnswered(thrown);
  const { session_id, turn_id } = error.details ?? {};
  logger.log(statusOf(error) >= 500 ? "error" : "warn", "answer broke off", {
    request_id: requestId,
    session: typeof session_id === "string" ? session_id : undefined,
    turn: typeof turn_id === "string" ? turn_id : undefined,
    error: typed(thrown),
  });
  return error;
}

/** The `Retry-After` header, for an error that has one. */
export function retryAfter({ details }: WireError): Record<string, string> {
  const seconds = details?.retry_after_s;
  return typeof seconds === "number" ? { "retry-after": String(seconds) } : {};
}
