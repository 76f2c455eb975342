import { EXIT, policy } from "./error-policy.js";

/** Errors of what tells others of an account: its feed and its webhooks. */
export const OUTSIDE_ERRORS = {
  too_many_readers: policy(
    429,
    true,
    EXIT.retryLater,
    "Close readers of the feed that nothing uses, and share one among the parts of a program.",
  ),
  webhook_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "`claude-edge webhooks` lists them; over HTTP it is GET /v1/webhooks.",
  ),
  webhook_url_refused: policy(
    400,
    false,
    EXIT.usage,
    "Name a public HTTPS address. A private host has to be named by the operator, in CLAUDE_EDGE_PRIVATE_HOSTS.",
  ),
  too_many_webhooks: policy(409, false, EXIT.conflict, "Delete webhooks that nothing needs."),
  delivery_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "`claude-edge webhooks deliveries <webhook>` lists those of the last days.",
  ),
} as const;
