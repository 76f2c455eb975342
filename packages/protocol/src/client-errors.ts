import { EXIT, policy, withPolicy, type ErrorPolicy, type WireError } from "./error-policy.js";

/**
 * The part of the table of errors that a client raises by itself, so that it need not carry the rest: an error that
 * comes from a deployment brings its retryability and way out along.
 */
export const CLIENT_ERRORS = {
  invalid_request: policy(400, false, EXIT.usage),
  protocol_mismatch: policy(
    400,
    false,
    EXIT.failed,
    "Raise the older side, as the message says: the client, or the deployment with its container image. Each works with the version before its own.",
  ),
  unauthorized: policy(
    401,
    false,
    EXIT.auth,
    "Set CLAUDE_EDGE_TOKEN to the deployment's key or a token of it; over HTTP it is `Authorization: Bearer …`.",
  ),
  session_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "`claude-edge sessions` lists the account's sessions; over HTTP it is GET /v1/sessions.",
  ),
  output_invalid: policy(
    422,
    false,
    EXIT.failed,
    "Simplify the schema, or ask for the output more plainly.",
  ),
  turn_failed: policy(500, false, EXIT.failed),
  connection_failed: policy(
    0,
    true,
    EXIT.retryLater,
    "Check the URL (CLAUDE_EDGE_URL) and that the deployment, or `claude-edge dev`, is up.",
  ),
  timeout: policy(0, true, EXIT.retryLater),
  stream_interrupted: policy(
    0,
    true,
    EXIT.streamCut,
    "The turn may still be running: read on from the session's events.",
  ),
  protocol_error: policy(
    0,
    false,
    EXIT.streamCut,
    "Check that the URL is a claude-edge deployment and not a login or error page.",
  ),
  aborted: policy(0, false, EXIT.interrupted),
  no_url: policy(
    0,
    false,
    EXIT.usage,
    "Set CLAUDE_EDGE_URL or pass the URL. In a project `claude-edge dev` runs one; `claude-edge login` saves one.",
  ),
  webhook_invalid: policy(
    400,
    false,
    EXIT.failed,
    "Answer it with 400. If it is of the deployment, check the secret that the webhook was created with, and this clock.",
  ),
  option_refused: policy(0, false, EXIT.usage),
  package_missing: policy(0, false, EXIT.usage, "Run `npm install` in the project's folder."),
} as const satisfies Record<string, ErrorPolicy>;

/** An error that a client raises. */
export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

/** The wire form of an error that a client raises. */
export function clientError(
  code: ClientErrorCode,
  message: string,
  details?: Record<string, unknown>,
): WireError {
  return withPolicy(code, CLIENT_ERRORS[code], message, details);
}
