import type { WireError } from "@claude-edge/protocol";

import { retryAfter } from "../errors.js";

/** Error types of the Messages API by status. @see https://platform.claude.com/docs/en/api/errors */
const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  405: "invalid_request_error",
  408: "timeout_error",
  413: "request_too_large",
  415: "invalid_request_error",
  422: "invalid_request_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

/**
 * The model API's status, which is passed on. A 401 concerns the deployment's credential, as the message says, but
 * turning it into a 5xx would cause retries: the AI SDK and LangChain ignore `x-should-retry` for those.
 */
function modelStatus({ details }: WireError): number | undefined {
  const status = details?.model_status;
  return typeof status === "number" ? status : undefined;
}

/** An error in the form of the Messages API. */
export function messagesErrorBody(error: WireError, status: number, requestId?: string): object {
  const { code, message, suggestion, details } = error;
  return {
    type: "error",
    error: {
      type: TYPES[modelStatus(error) ?? status] ?? "api_error",
      message: suggestion ? `${message} ${suggestion}` : message,
      code,
      // Newer clients of the API look for a code here.
      details: { error_code: code, ...details },
    },
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
}

/** An error response in the form of the Messages API. */
export function messagesError(error: WireError, status: number, requestId?: string): Response {
  return Response.json(messagesErrorBody(error, status, requestId), {
    status: modelStatus(error) ?? status,
    headers: {
      // The API's clients retry 408, 409, 429 and every 5xx unless told otherwise.
      "x-should-retry": String(error.retryable),
      ...retryAfter(error),
      ...(requestId === undefined ? {} : { "request-id": requestId }),
    },
  });
}
