import type { ClaudeEdge, SessionResource } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

import { findByShortId, isShortId } from "../terminal/short-id.js";

/** The id of the session that was last used. @throws EdgeError `session_not_found`. */
export async function findNewest(edge: ClaudeEdge, signal: AbortSignal): Promise<string> {
  for await (const { id } of edge.sessions.list({ limit: 1, signal })) return id;
  throw new EdgeError("session_not_found", "There is no session to continue.");
}

/**
 * A session's id, out of the id or 8 or more of its first characters. A whole one is not looked up: whether there is
 * such a session shows at the first call.
 * @throws EdgeError `session_not_found`, and `usage` when several sessions begin so.
 */
export async function findSession(
  edge: ClaudeEdge,
  given: string,
  signal: AbortSignal,
): Promise<string> {
  const id = given.toLowerCase();
  if (!isShortId(id)) return id;
  const sessions: SessionResource[] = [];
  for await (const session of edge.sessions.list({ signal })) sessions.push(session);
  const found = findByShortId(id, sessions, "sessions");
  if (found) return found.id;
  throw new EdgeError("session_not_found", `There is no session that begins with ${id}.`);
}
