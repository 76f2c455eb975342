import { EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { findSession } from "../sessions/find.js";
import { connect, type TargetFlags } from "../target/target.js";

export interface SteerFlags extends TargetFlags {
  now?: boolean;
  later?: boolean;
}

const DONE = {
  next: "given to the turn that runs",
  now: "the turn that runs is stopped for it",
  later: "queued",
};

/** `claude-edge steer`. Gives the exit code. */
export async function steer(
  id: string,
  message: string,
  { now, later, ...target }: SteerFlags,
  context: Context,
): Promise<number> {
  const { stderr, signal } = context;
  const edge = connect(target, context);
  const session = edge.sessions.open(await findSession(edge, id, signal));
  const { status } = await session.retrieve({ signal });
  const priority = now ? "now" : later ? "later" : "next";
  const given = await session.steer(message, { priority, signal });
  const done = status === "idle" ? "no turn was running, so it begins one" : DONE[priority];
  stderr.write(`${done}: message ${given.id} of session ${session.id}\n`);
  return EXIT.ok;
}
