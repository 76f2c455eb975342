import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { openSession, type FilesFlags } from "../files/open.js";
import { findTurn } from "../files/state.js";
import { waterfall } from "../sessions/waterfall.js";

/** `claude-edge trace`. Gives the exit code. @throws EdgeError `turn_not_found`. */
export async function trace(
  id: string,
  turn: string | undefined,
  { json, ...flags }: FilesFlags,
  context: Context,
): Promise<number> {
  const { stdout, signal } = context;
  const session = await openSession(id, flags, context);
  const newest = async () => {
    for await (const { id: found } of session.turns({ limit: 1, signal })) return found;
    throw new EdgeError("turn_not_found", `Session ${session.id} has no turn yet.`);
  };
  const traced = await session.trace(
    turn === undefined ? await newest() : await findTurn(session, turn, signal),
    { signal },
  );
  if (json) await writeJson(stdout, traced);
  else await write(stdout, waterfall(traced, stdout.columns));
  return EXIT.ok;
}
