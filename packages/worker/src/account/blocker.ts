import type { WaitingFor } from "@claude-edge/protocol";

import type { OpenTurn as Slot } from "./slots.js";

type OpenTurn = Pick<Slot, "id" | "session_id" | "status" | "created_at" | "started_at">;

/** The turn that blocks the next turn of a session; undefined when it can start at once. */
export function blockerOf(
  open: readonly OpenTurn[],
  session: string,
  atOnce: number,
): OpenTurn | undefined {
  const own = open.filter(({ session_id }) => session_id === session);
  const blocking = own.find(({ status }) => status !== "queued");
  if (blocking) return blocking;
  const running = open.filter(({ status }) => status === "running");
  return running.length >= atOnce || own.length > 0 ? running[0] : undefined;
}

/**
 * Describes a blocker to a caller. Ids of another session are shown only to callers that may list sessions; the time
 * since when it runs is always shown.
 */
export function waitingFor(
  blocker: OpenTurn,
  session: string,
  maySeeSessions: boolean,
): WaitingFor {
  const since = new Date(blocker.started_at ?? blocker.created_at).toISOString();
  const showsIds = maySeeSessions || blocker.session_id === session;
  return showsIds ? { session_id: blocker.session_id, turn_id: blocker.id, since } : { since };
}
