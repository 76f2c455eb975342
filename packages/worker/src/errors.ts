import {
  errorPolicy,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  REQUEST_ID_HEADER,
  toWireError,
  type WireError,
} from "@claude-edge/protocol";

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

/** Converts a thrown value to an error, and logs an unexpected one. */
export function toLoggedError(thrown: unknown, requestId: string): WireError {
  const error = toWireError(typed(thrown));
  if (error.code === "internal") console.error(`${requestId}: ${String(thrown)}`, thrown);
  return error;
}

/** The `Retry-After` header, for an error that has one. */
export function retryAfter({ details }: WireError): Record<string, string> {
  const seconds = details?.retry_after_s;
  return typeof seconds === "number" ? { "retry-after": String(seconds) } : {};
}
