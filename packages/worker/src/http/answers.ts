import type { TurnResource, WireError } from "@claude-edge/protocol";

import { commonHeaders, errorHeaders, statusOf, toAnswered } from "../errors.js";
import type { Dialect } from "./contract.js";

/** Turns a thrown value into an error response; `format`: that of a dialect. */
export function errorAnswer(
  thrown: unknown,
  requestId: string,
  format: Dialect["error"] = errorResponse,
): Response {
  const error = toAnswered(thrown);
  return format(error, statusOf(error), requestId);
}

/**
 * The response for a settled turn: the turn if it completed, an error response if it failed, 202 if it waits for an
 * answer.
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

/** Keeps a browser from running an agent's files under the deployment's origin. */
export const AS_ATTACHMENT = {
  "content-disposition": "attachment",
  "x-content-type-options": "nosniff",
  "cache-control": "private, no-cache, no-transform",
};

/** Responds with a tar. */
export const tarAnswer = (body: ReadableStream<Uint8Array>, requestId: string): Response =>
  attachment(body, "application/x-tar", requestId);

/** Responds with JSON, one value a line. */
export const linesAnswer = (body: ReadableStream<Uint8Array>, requestId: string): Response =>
  attachment(body, "application/x-ndjson", requestId);

/** Responds with a page of entries as NDJSON. It has its length, so one that breaks off is noticed. */
export const entriesAnswer = (entries: readonly object[], requestId: string): Response =>
  attachment(
    entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""),
    "application/x-ndjson",
    requestId,
  );

function attachment(body: BodyInit, type: string, requestId: string): Response {
  return new Response(body, {
    headers: { ...commonHeaders(requestId), ...AS_ATTACHMENT, "content-type": type },
  });
}

/** Responds with an event stream. */
export function streamAnswer(body: ReadableStream<Uint8Array>, requestId: string): Response {
  return new Response(body, {
    headers: {
      ...commonHeaders(requestId),
      "content-type": "text/event-stream; charset=utf-8",
      // Keeps proxies from compressing or buffering, which would delay tokens.
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    },
  });
}
