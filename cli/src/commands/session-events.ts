import type { EdgeEvent, Session } from "@claude-edge/client";
import { isTerminal } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { findSession } from "../sessions/find.js";
import { connect, type TargetFlags } from "../target/target.js";

export interface SessionEventsFlags extends TargetFlags {
  follow?: boolean;
  after: number;
  turn?: string;
}

/** `claude-edge sessions events`. Gives the exit code. @throws EdgeError `turn_not_found`. */
export async function sessionEvents(
  id: string,
  { follow = false, after, turn, ...target }: SessionEventsFlags,
  context: Context,
): Promise<number> {
  const { stdout, signal } = context;
  const edge = connect(target, context);
  const session = edge.sessions.open(await findSession(edge, id, signal));
  const events =
    turn === undefined
      ? session.events({ after, follow, signal })
      : turnEvents(session, turn, { follow, signal });
  for await (const event of events) {
    if (event.seq > after) await writeJson(stdout, event);
  }
  return EXIT.ok;
}

/** A turn's events, from its first: only so is it known whether there is such a turn, and whether it has ended. */
async function* turnEvents(
  session: Session,
  turnId: string,
  { follow, signal }: { follow: boolean; signal: AbortSignal },
): AsyncGenerator<EdgeEvent> {
  let last: EdgeEvent | undefined;
  for await (const event of session.events({ follow: false, signal })) {
    if (event.turn_id !== turnId) continue;
    yield event;
    last = event;
    if (isTerminal(event)) return;
  }
  if (!last) {
    throw new EdgeError("turn_not_found", `There is no turn ${turnId} in session ${session.id}.`);
  }
  if (follow) yield* session.resume({ turnId, lastSeq: last.seq }, { signal });
}
