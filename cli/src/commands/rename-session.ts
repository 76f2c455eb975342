import { EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { findSession } from "../sessions/find.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";

/** `claude-edge sessions rename`. Gives the exit code. */
export async function renameSession(
  id: string,
  title: string,
  target: TargetFlags,
  context: Context,
): Promise<number> {
  const { stderr, signal } = context;
  const edge = connect(target, context);
  const session = edge.sessions.open(await findSession(edge, id, signal));
  const renamed = await session.update({ title, signal });
  stderr.write(`renamed: ${renamed.id} ${oneLine(renamed.title ?? "")}\n`);
  return EXIT.ok;
}
