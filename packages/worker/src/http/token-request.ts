import { EdgeError, type CreateTokenRequest } from "@claude-edge/protocol";
import { sessionOfRequest } from "@claude-edge/protocol/runner";

/** How long a token for one request holds that is minted without a time: a day, seconds. */
const REQUEST_LIFE_S = 86_400;

/**
 * A token for one request can answer that and no more, and expires. It names the request's session too.
 * @throws EdgeError `invalid_request`.
 */
export function checkTokenRequest(asked: CreateTokenRequest): CreateTokenRequest {
  const { request_id: request, session_id: given, scopes, expires_in = REQUEST_LIFE_S } = asked;
  if (request === undefined) return asked;
  const session = sessionOfRequest(request);
  if (session === undefined) {
    throw new EdgeError("invalid_request", "request_id: must be the id of a request.");
  }
  if (given !== undefined && given !== session) {
    throw new EdgeError("invalid_request", "session_id: must be the session of request_id.");
  }
  if (scopes?.some((scope) => scope !== "requests:answer")) {
    const message = "scopes: a token for one request can have requests:answer alone.";
    throw new EdgeError("invalid_request", message);
  }
  if (expires_in === "never") {
    throw new EdgeError("invalid_request", "expires_in: a token for one request has to expire.");
  }
  return { ...asked, scopes: ["requests:answer"], session_id: session, expires_in };
}
