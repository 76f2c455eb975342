import type { WireError } from "@claude-edge/protocol";

import { retryAfter } from "../http/answers.js";

/** The Messages API's name of an error by its status. @see https://platform.claude.com/docs/en/api/errors */
const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  413: "request_too_large",
  415: "invalid_request_error",
  422: "invalid_request_error",
  429: "rate_limit_error",
};

/** An error in the form of the Messages API, so that whoever speaks it reads it as one of its own. */
export function messagesError(error: WireError, status: number, requestId?: string): Response {
  const { code, message, suggestion, details } = error;
  const type = TYPES[status] ?? "api_error";
  return Response.json(
    {
      type: "error",
      error: { type, message: suggestion ? `${message} ${suggestion}` : message, code, details },
      ...(requestId === undefined ? {} : { request_id: requestId }),
    },
    {
      status,
      headers: {
        // Its clients try 408, 409, 429 and all of 500 and above again unless they are told.
        "x-should-retry": String(error.retryable),
        ...retryAfter(error),
        ...(requestId === undefined ? {} : { "request-id": requestId }),
      },
    },
  );
}
