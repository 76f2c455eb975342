/**
 * The version of the wire. Client, Worker and runner each send theirs in {@link PROTOCOL_HEADER}
 * (the runner also in `GET /health`); whoever reads another number refuses with `protocol_mismatch`.
 * It rises only when an older reader would misunderstand, never for an added field or event kind.
 */
export const PROTOCOL_VERSION = 1;

/** Carries {@link PROTOCOL_VERSION} on requests and answers. */
export const PROTOCOL_HEADER = "x-claude-edge-protocol";

/** Carries the id of a request, on every answer and in every error. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Names the account a request is for. Only the root key may send it. */
export const ACCOUNT_HEADER = "x-account-id";

/** W3C trace context: the span that a turn belongs to. @see https://www.w3.org/TR/trace-context/ */
export const TRACE_HEADER = "traceparent";

/** Makes a POST safe to repeat: the same key gives the same turn or session. */
export const IDEMPOTENCY_HEADER = "idempotency-key";
