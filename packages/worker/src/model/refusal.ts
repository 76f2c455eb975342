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
  529: "overloaded_error",
};

/** What the model's API answered to Claude Code; of the deployment's own credential a client learns nothing by it. */
function modelStatus({ details }: WireError): number | undefined {
  const status = details?.model_status;
  return typeof status === "number" && status !== 401 && status !== 403 ? status : undefined;
}

/** An error in the form of the Messages API, so that whoever speaks it reads it as one of its own. */
export function messagesErrorBody(error: WireError, status: number, requestId?: string): object {
  const { code, message, suggestion, details } = error;
  return {
    type: "error",
    error: {
      type: TYPES[modelStatus(error) ?? status] ?? "api_error",
      message: suggestion ? `${message} ${suggestion}` : message,
      code,
      // Where its newer clients look for a name of what went wrong.
      details: { error_code: code, ...details },
    },
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
}

/** The same as an answer. */
export function messagesError(error: WireError, status: number, requestId?: string): Response {
  return Response.json(messagesErrorBody(error, status, requestId), {
    status: modelStatus(error) ?? status,
    headers: {
      // Its clients try 408, 409, 429 and all of 500 and above again unless they are told.
      "x-should-retry": String(error.retryable),
      ...retryAfter(error),
      ...(requestId === undefined ? {} : { "request-id": requestId }),
    },
  });
}
