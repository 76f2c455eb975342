import { EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { countOf, openSession, workspacePath, type FilesFlags } from "../files/open.js";
import { printableName } from "../terminal/printable.js";

export interface DeleteFilesFlags extends FilesFlags {
  recursive?: boolean;
}

/** `claude-edge files rm`. Gives the exit code. */
export async function deleteFiles(
  given: string,
  paths: string[],
  { recursive, json, ...flags }: DeleteFilesFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const session = await openSession(given, flags, context);
  for (const path of paths) {
    const written = await session.files.delete(workspacePath(path), { recursive, signal });
    if (json) await writeJson(stdout, written);
    else stderr.write(`deleted: ${printableName(path)} (${countOf(written.changed, "path")})\n`);
  }
  return EXIT.ok;
}
