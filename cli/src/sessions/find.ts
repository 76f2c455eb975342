import type { ClaudeEdge } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

/** The beginning of an id, and not all of it. */
const BEGINNING = /^[0-9a-f-]{8,35}$/;

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
  if (!BEGINNING.test(id)) return id;
  const found: string[] = [];
  for await (const session of edge.sessions.list({ signal })) {
    if (session.id.startsWith(id)) found.push(session.id);
  }
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    const message = `${found.length} sessions begin with ${id}: give more of the id.`;
    throw new EdgeError("usage", message);
  }
  throw new EdgeError("session_not_found", `There is no session that begins with ${id}.`);
}
