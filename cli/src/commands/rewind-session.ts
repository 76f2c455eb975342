import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { countOf, openSession, type FilesFlags } from "../files/open.js";
import { findTurn } from "../files/state.js";

export interface RewindSessionFlags extends FilesFlags {
  toStart?: boolean;
}

/** `claude-edge sessions rewind`. Gives the exit code. @throws EdgeError `usage`, `turn_not_found`. */
export async function rewindSession(
  id: string,
  turn: string | undefined,
  { toStart = false, json, ...flags }: RewindSessionFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  if (toStart === (turn !== undefined)) {
    throw new EdgeError("usage", "Name the turn to go back to, or --to-start.");
  }
  const session = await openSession(id, flags, context);
  const to = turn === undefined ? null : await findTurn(session, turn, signal);
  const rewound = await session.rewind(to, { signal });
  if (json) await writeJson(stdout, rewound);
  else {
    const place = to === null ? "its beginning" : `the end of turn ${to}`;
    stderr.write(`rewound to ${place}: ${countOf(rewound.changed, "path")} changed\n`);
  }
  return EXIT.ok;
}
