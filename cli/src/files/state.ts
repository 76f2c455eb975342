import type { Session } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

import { findByShortId, isShortId } from "../terminal/short-id.js";

const isCheckpoint = (given: string) => /^\d{1,15}$/.test(given);

/** What `--at` names: a checkpoint's number, or a turn, of whose id 8 characters will do. */
export async function findState(
  session: Session,
  given: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  return given === undefined || isCheckpoint(given) ? given : findTurn(session, given, signal);
}

/**
 * A turn's id, out of the id or 8 or more of its first characters. A whole one is not looked up.
 * @throws EdgeError `turn_not_found`, and `usage` when several turns begin so.
 */
export async function findTurn(
  session: Session,
  given: string,
  signal: AbortSignal,
): Promise<string> {
  const id = given.toLowerCase();
  if (!isShortId(id)) return id;
  const ids = new Set<string>();
  for await (const event of session.events({ follow: false, signal })) {
    if (event.kind === "turn") ids.add(event.turn_id);
  }
  const turns = [...ids].map((turn) => ({ id: turn }));
  const found = findByShortId(id, turns, "turns");
  if (found) return found.id;
  throw new EdgeError("turn_not_found", `There is no turn that begins with ${id}.`);
}
