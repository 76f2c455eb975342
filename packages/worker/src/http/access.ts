import { EdgeError, type Scope } from "@claude-edge/protocol";

import type { AccountToken } from "./token.js";

/** The access that a route requires of a token. */
export interface Access {
  /** One of these scopes. */
  scopes: readonly Scope[];
  /** And this one. */
  also?: Scope;
  /**
   * How a token for a single session may use the route: `in path` if the path names that session, `held` if the route
   * restricts itself to it. Without it, such a token is refused.
   */
  session?: "in path" | "held";
  /** A token for a single request may use the route if the path names that request. Without it, such a token is refused. */
  request?: "in path";
}

export const SENDS: Access = { scopes: ["query"], session: "in path" };
export const READS: Access = { scopes: ["sessions:read"], session: "in path" };
/** The sender of a prompt may follow its turn. */
const FOLLOWS: Access = { scopes: ["sessions:read", "query"], session: "in path" };
export const CHANGES: Access = { scopes: ["sessions:write"], session: "in path" };
export const FILES: Access = { scopes: ["files"], session: "in path" };
/** Requests are found under their session, or by id alone. */
const SEES = ["sessions:read", "requests:answer"] as const;
const ANSWERS = ["requests:answer"] as const;
const ONE = { request: "in path" } as const;

/** The access of every API route but `/health` and `/v1/openapi.json`, which are open. Dialects declare their own. */
export const ROUTES: Readonly<Record<string, Access | "root key">> = {
  "GET /v1/status": { scopes: ["query", "sessions:read"] },
  "GET /v1/status/stream": { scopes: ["query", "sessions:read"] },
  "POST /v1/query": { scopes: ["query"] },
  "POST /v1/sessions": { scopes: ["sessions:write"] },
  "GET /v1/sessions": { scopes: ["sessions:read"] },
  "GET /v1/sessions/:id": READS,
  "PATCH /v1/sessions/:id": CHANGES,
  "DELETE /v1/sessions/:id": CHANGES,
  "POST /v1/sessions/:id/fork": { scopes: ["sessions:write"] },
  "GET /v1/sessions/:id/export": { ...READS, also: "files" },
  "GET /v1/sessions/:id/transcript": READS,
  "GET /v1/sessions/:id/files": FILES,
  "GET /v1/sessions/:id/files/:path{[^]+}": FILES,
  "PUT /v1/sessions/:id/files/:path{[^]+}": FILES,
  "DELETE /v1/sessions/:id/files/:path{[^]+}": FILES,
  "GET /v1/sessions/:id/tar": FILES,
  "PUT /v1/sessions/:id/tar": FILES,
  "GET /v1/sessions/:id/diff": FILES,
  "GET /v1/sessions/:id/checkpoints": FILES,
  "POST /v1/sessions/:id/rewind": CHANGES,
  "GET /v1/sessions/:id/network": READS,
  "POST /v1/sessions/:id/turns": SENDS,
  "GET /v1/sessions/:id/turns": FOLLOWS,
  "GET /v1/sessions/:id/turns/:turn": FOLLOWS,
  "GET /v1/sessions/:id/turns/:turn/trace": FOLLOWS,
  "GET /v1/sessions/:id/events": FOLLOWS,
  "POST /v1/sessions/:id/interrupt": SENDS,
  "POST /v1/sessions/:id/control": CHANGES,
  "GET /v1/requests": { scopes: SEES, session: "held" },
  "GET /v1/requests/:request": { scopes: SEES, session: "held", ...ONE },
  "POST /v1/requests/:request": { scopes: ANSWERS, session: "held", ...ONE },
  "GET /v1/sessions/:id/requests": { scopes: SEES, session: "in path" },
  "GET /v1/sessions/:id/requests/:request": { scopes: SEES, session: "in path", ...ONE },
  "POST /v1/sessions/:id/requests/:request": { scopes: ANSWERS, session: "in path", ...ONE },
  "GET /v1/feed": { scopes: SEES, session: "held" },
  "GET /v1/audit": { scopes: ["admin"] },
  "GET /v1/usage": { scopes: ["sessions:read"] },
  "GET /v1/limits": { scopes: ["sessions:read"] },
  "PATCH /v1/limits": "root key",
  "GET /v1/network": { scopes: ["sessions:read"] },
  "PUT /v1/network": "root key",
  "GET /v1/secrets": { scopes: ["sessions:read"] },
  "PUT /v1/secrets/:name": { scopes: ["admin"] },
  "DELETE /v1/secrets/:name": { scopes: ["admin"] },
  "GET /v1/webhooks": { scopes: ["admin"] },
  "POST /v1/webhooks": { scopes: ["admin"] },
  "GET /v1/webhooks/:webhook": { scopes: ["admin"] },
  "PATCH /v1/webhooks/:webhook": { scopes: ["admin"] },
  "DELETE /v1/webhooks/:webhook": { scopes: ["admin"] },
  "POST /v1/webhooks/:webhook/rotate": { scopes: ["admin"] },
  "POST /v1/webhooks/:webhook/test": { scopes: ["admin"] },
  "GET /v1/webhooks/:webhook/deliveries": { scopes: ["admin"] },
  "POST /v1/webhooks/:webhook/resend": { scopes: ["admin"] },
  "POST /v1/tokens": { scopes: ["admin"] },
  "GET /v1/tokens": { scopes: ["admin"] },
  "DELETE /v1/tokens/:token": { scopes: ["admin"] },
  "GET /v1/accounts": "root key",
  "GET /v1/accounts/:account": "root key",
  "DELETE /v1/accounts/:account": "root key",
};

/** Starting a container costs money, so reading the status is not enough. */
export const STARTS: Access = { scopes: ["query"] };

export const allows = ({ scopes }: AccountToken, scope: Scope): boolean =>
  scopes.has("admin") || scopes.has(scope);

/**
 * Asserts that a token allows a route.
 * @param named The session and the request that the path names.
 * @throws EdgeError `forbidden`.
 */
export function assertAllowed(
  token: AccountToken,
  access: Access | "root key" | undefined,
  named: { session?: string | undefined; request?: string | undefined } = {},
): void {
  if (access === undefined || access === "root key") {
    throw new EdgeError("forbidden", "Only the root key may do this.");
  }
  const { scopes, also } = access;
  assertScope(token, scopes);
  if (also !== undefined) assertScope(token, [also]);
  if (token.request !== undefined && !(access.request && named.request === token.request)) {
    const message = `The token is for request ${token.request} alone.`;
    throw new EdgeError("forbidden", message, { request_id: token.request });
  }
  if (token.session === undefined || access.session === "held") return;
  if (access.session === "in path" && named.session === token.session) return;
  const message = `The token is for session ${token.session} alone.`;
  throw new EdgeError("forbidden", message, { session_id: token.session });
}

function assertScope(token: AccountToken, scopes: readonly Scope[]): void {
  if (scopes.some((scope) => allows(token, scope))) return;
  const message = `The token lacks the scope ${scopes.join(" or ")}.`;
  throw new EdgeError("forbidden", message, { scopes });
}
