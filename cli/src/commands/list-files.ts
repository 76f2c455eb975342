import type { FileEntry } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { fileTable } from "../files/listing.js";
import { openState, workspacePath, type StateFlags } from "../files/open.js";

export interface ListFilesFlags extends StateFlags {
  recursive?: boolean;
}

/** `claude-edge files ls`. Gives the exit code. */
export async function listFiles(
  given: string,
  path: string | undefined,
  { recursive, json, ...flags }: ListFilesFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const { session, at } = await openState(given, flags, context);
  const entries: FileEntry[] = [];
  for await (const entry of session.files.list(workspacePath(path ?? ""), {
    recursive,
    at,
    signal,
  })) {
    if (json) await writeJson(stdout, entry);
    else entries.push(entry);
  }
  if (entries.length > 0) await write(stdout, fileTable(entries));
  else if (!json) stderr.write("no files\n");
  return EXIT.ok;
}
