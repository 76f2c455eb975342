import { EdgeError, type Scope } from "@claude-edge/protocol";

import type { AccountToken } from "./token.js";

/** What a token needs for a route. */
export interface Access {
  /** One of these. */
  scopes: readonly Scope[];
  /**
   * Whether a token for a single session may take it: when the path names its session, or because the route is held to
   * that session. Without it the route reaches further than one session.
   */
  session?: "in path" | "held";
}

export const SENDS: Access = { scopes: ["query"], session: "in path" };
export const READS: Access = { scopes: ["sessions:read"], session: "in path" };
/** Whoever sent a prompt may see what becomes of it. */
const FOLLOWS: Access = { scopes: ["sessions:read", "query"], session: "in path" };
export const CHANGES: Access = { scopes: ["sessions:write"], session: "in path" };
export const FILES: Access = { scopes: ["files"], session: "in path" };
/** Requests are under their session, or found by their id alone. */
const SEES = ["sessions:read", "requests:answer"] as const;
const ANSWERS = ["requests:answer"] as const;

/**
 * What a token may: every route of the API but `/health`; a dialect says it of its own. One that is missing is the root
 * key's.
 */
export const ROUTES: Readonly<Record<string, Access>> = {
  "GET /v1/status": { scopes: ["query", "sessions:read"] },
  "GET /v1/status/stream": { scopes: ["query", "sessions:read"] },
  "POST /v1/query": { scopes: ["query"] },
  "POST /v1/sessions": { scopes: ["sessions:write"] },
  "GET /v1/sessions": { scopes: ["sessions:read"] },
  "GET /v1/sessions/:id": READS,
  "PATCH /v1/sessions/:id": CHANGES,
  "DELETE /v1/sessions/:id": CHANGES,
  "POST /v1/sessions/:id/fork": { scopes: ["sessions:write"] },
  "GET /v1/sessions/:id/files": FILES,
  "GET /v1/sessions/:id/files/:path{[^]+}": FILES,
  "PUT /v1/sessions/:id/files/:path{[^]+}": FILES,
  "DELETE /v1/sessions/:id/files/:path{[^]+}": FILES,
  "GET /v1/sessions/:id/tar": FILES,
  "PUT /v1/sessions/:id/tar": FILES,
  "GET /v1/sessions/:id/diff": FILES,
  "GET /v1/sessions/:id/checkpoints": FILES,
  "POST /v1/sessions/:id/rewind": CHANGES,
  "POST /v1/sessions/:id/turns": SENDS,
  "GET /v1/sessions/:id/turns/:turn": FOLLOWS,
  "GET /v1/sessions/:id/events": FOLLOWS,
  "POST /v1/sessions/:id/interrupt": SENDS,
  "POST /v1/sessions/:id/control": CHANGES,
  "GET /v1/requests": { scopes: SEES, session: "held" },
  "GET /v1/requests/:request": { scopes: SEES, session: "held" },
  "POST /v1/requests/:request": { scopes: ANSWERS, session: "held" },
  "GET /v1/sessions/:id/requests": { scopes: SEES, session: "in path" },
  "GET /v1/sessions/:id/requests/:request": { scopes: SEES, session: "in path" },
  "POST /v1/sessions/:id/requests/:request": { scopes: ANSWERS, session: "in path" },
  "GET /v1/usage": { scopes: ["sessions:read"] },
  "GET /v1/limits": { scopes: ["sessions:read"] },
  "POST /v1/tokens": { scopes: ["admin"] },
  "GET /v1/tokens": { scopes: ["admin"] },
  "DELETE /v1/tokens/:token": { scopes: ["admin"] },
};

/** A container that runs is paid for. */
export const STARTS: Access = { scopes: ["query"] };

export const allows = ({ scopes }: AccountToken, scope: Scope): boolean =>
  scopes.has("admin") || scopes.has(scope);

/**
 * Lets a token pass that allows a route.
 * @param session The session that the path names.
 * @throws EdgeError `forbidden`.
 */
export function assertAllowed(
  token: AccountToken,
  access: Access | "root key" | undefined,
  session?: string,
): void {
  if (access === undefined || access === "root key") {
    throw new EdgeError("forbidden", "Only the root key may do this.");
  }
  const { scopes } = access;
  if (!scopes.some((scope) => allows(token, scope))) {
    throw new EdgeError("forbidden", `The token lacks the scope ${scopes.join(" or ")}.`, {
      scopes,
    });
  }
  if (token.session === undefined || access.session === "held") return;
  if (access.session === "in path" && session === token.session) return;
  const message = `The token is for session ${token.session} alone.`;
  throw new EdgeError("forbidden", message, { session_id: token.session });
}
