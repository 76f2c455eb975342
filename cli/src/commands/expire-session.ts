import { EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { openSession } from "../files/open.js";
import type { TargetFlags } from "../target/target.js";

/** `claude-edge sessions expire`: `time` in seconds. Gives the exit code. */
export async function expireSession(
  given: string,
  time: number | "never",
  target: TargetFlags,
  context: Context,
): Promise<number> {
  const { stderr, signal } = context;
  const session = await openSession(given, target, context);
  const { id, status, expires_at } = await session.update({ expiresIn: time, signal });
  const without = status === "idle" ? "never" : "not while its turn is open";
  stderr.write(`expires: ${id} ${expires_at ?? without}\n`);
  return EXIT.ok;
}
