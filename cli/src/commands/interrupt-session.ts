import { EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { findSession } from "../sessions/find.js";
import { connect, type TargetFlags } from "../target/target.js";

/** `claude-edge sessions interrupt`. Gives the exit code. */
export async function interruptSession(
  id: string,
  target: TargetFlags,
  context: Context,
): Promise<number> {
  const { stderr, signal } = context;
  const edge = connect(target, context);
  const session = edge.sessions.open(await findSession(edge, id, signal));
  const turns = await session.interrupt({ signal });
  for (const turn of turns) stderr.write(`interrupted: turn ${turn} of session ${session.id}\n`);
  if (turns.length === 0) stderr.write(`nothing runs in session ${session.id}\n`);
  return EXIT.ok;
}
