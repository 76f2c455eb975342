import { EXIT } from "@claude-edge/protocol/errors";

import { write, type Context } from "../context.js";
import { findTurn } from "../files/state.js";
import { findSession } from "../sessions/find.js";
import { connect, type TargetFlags } from "../target/target.js";

export interface ForkSessionFlags extends TargetFlags {
  at?: string;
  turn?: string;
  title?: string;
}

/** `claude-edge sessions fork`. Gives the exit code. */
export async function forkSession(
  id: string,
  { at: messageId, turn, title, ...target }: ForkSessionFlags,
  context: Context,
): Promise<number> {
  const { stdout, signal } = context;
  const edge = connect(target, context);
  const session = edge.sessions.open(await findSession(edge, id, signal));
  const turnId = turn === undefined ? undefined : await findTurn(session, turn, signal);
  const fork = await session.fork({ messageId, turnId, title, signal });
  await write(stdout, `${fork.id}\n`);
  return EXIT.ok;
}
