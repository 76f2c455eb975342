import {
  errorPolicy,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  REQUEST_ID_HEADER,
  toWireError,
  type TurnResource,
  type WireError,
} from "@claude-edge/protocol";

import type { Dialect } from "../dialects/dialect.js";

/** Headers of every answer. */
export function commonHeaders(requestId: string): Record<string, string> {
  return { [REQUEST_ID_HEADER]: requestId, [PROTOCOL_HEADER]: String(PROTOCOL_VERSION) };
}

/** Headers of an error answer, in whoever's words. */
export function errorHeaders(error: WireError, requestId: string): Record<string, string> {
  return { ...commonHeaders(requestId), ...retryAfter(error) };
}

/** The status of an answer that carries an error; one that never travels is none that was foreseen. */
export const statusOf = ({ code }: Pick<WireError, "code">): number =>
  errorPolicy(code).status || 500;

/** Whatever was thrown, as an error; what nobody foresaw goes into the log. */
export function readError(thrown: unknown, requestId: string): WireError {
  const error = toWireError(thrown);
  if (error.code === "internal") console.error(`${requestId}: ${String(thrown)}`, thrown);
  return error;
}

/** Whatever was thrown, as an error answer; `inWords`: in a dialect's. */
export function errorAnswer(
  thrown: unknown,
  requestId: string,
  inWords: Dialect["error"] = errorResponse,
): Response {
  const error = readError(thrown, requestId);
  return inWords(error, statusOf(error), requestId);
}

/**
 * A turn that has ended: itself when it completed, an error answer of its kind when not. One that waits for an answer
 * is not done: 202.
 */
export function turnAnswer(turn: TurnResource, requestId: string): Response {
  const status = turn.status === "waiting" ? 202 : 200;
  if (!turn.error) return Response.json(turn, { status, headers: commonHeaders(requestId) });
  const details = { ...turn.error.details, session_id: turn.session_id, turn_id: turn.id };
  return errorResponse({ ...turn.error, details }, statusOf(turn.error), requestId);
}

function errorResponse(error: WireError, status: number, requestId: string): Response {
  const body = { type: "error", error, request_id: requestId };
  return Response.json(body, { status, headers: errorHeaders(error, requestId) });
}

/** An event stream; the id of what it belongs to goes into the headers, for a client cut off before the first event. */
export function streamAnswer(body: ReadableStream<Uint8Array>, requestId: string): Response {
  return new Response(body, {
    headers: {
      ...commonHeaders(requestId),
      "content-type": "text/event-stream; charset=utf-8",
      // Anything in between that compresses or collects would hold tokens back.
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    },
  });
}

/** The header that says when to come back, for an error that knows. */
export function retryAfter({ details }: WireError): Record<string, string> {
  const seconds = details?.retry_after_s;
  return typeof seconds === "number" ? { "retry-after": String(seconds) } : {};
}
