import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { changeLine } from "../files/listing.js";
import { openSession, type FilesFlags } from "../files/open.js";
import { patchOf } from "../files/patch.js";
import { findState } from "../files/state.js";
import { printable } from "../terminal/printable.js";

export interface DiffFilesFlags extends FilesFlags {
  patch?: boolean;
}

/** `claude-edge files diff`. Gives the exit code. */
export async function diffFiles(
  given: string,
  fromGiven: string | undefined,
  toGiven: string | undefined,
  { patch, json, ...flags }: DiffFilesFlags,
  context: Context,
): Promise<number> {
  const { stdout, signal } = context;
  if (patch && json) throw new EdgeError("usage", "--patch and --json exclude each other.");
  const session = await openSession(given, flags, context);
  const from = (await findState(session, fromGiven, signal)) ?? 0;
  const to = await findState(session, toGiven, signal);
  for await (const change of session.files.diff({ from, to, signal })) {
    if (json) await writeJson(stdout, change);
    else if (!patch) await write(stdout, changeLine(change));
    else {
      const text = await patchOf(change, session.files, { from, to }, signal);
      await write(stdout, stdout.isTTY ? printable(text) : text);
    }
  }
  return EXIT.ok;
}
