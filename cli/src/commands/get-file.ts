import { basename, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";

import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { openState, workspacePath, type StateFlags } from "../files/open.js";
import { assertFree, saveFile } from "../files/save.js";
import { humanBytes } from "../terminal/bytes.js";
import { printableName } from "../terminal/printable.js";
import { progressBar } from "../terminal/progress.js";

export interface GetFileFlags extends StateFlags {
  output?: string;
  force?: boolean;
}

/** `claude-edge files get`. Gives the exit code. @throws EdgeError `usage`, `files_exist`. */
export async function getFile(
  given: string,
  path: string,
  { output, force, json = false, ...flags }: GetFileFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal, cwd } = context;
  const isToStdout = output === "-";
  if (isToStdout && json) throw new EdgeError("usage", "--json and --output - exclude each other.");
  const name = output ?? basename(workspacePath(path));
  const target = output === undefined ? join(cwd, basename(name)) : resolve(cwd, output);
  // Before anything is asked for; and once more when it has come.
  if (!isToStdout) assertFree(target, name, force);
  const { session, at } = await openState(given, flags, context);
  const { onProgress, end } = progressBar("getting", context, json || isToStdout);
  const download = await session.files.get(path, { at, signal, onProgress });
  try {
    if (isToStdout) {
      await pipeline(download.stream, stdout, { end: false });
      return EXIT.ok;
    }
    await saveFile(download, target, () => assertFree(target, name, force), context);
  } finally {
    end();
  }
  const { size, sha256, mode, checkpoint } = download;
  if (json) await writeJson(stdout, { path, size, sha256, mode, checkpoint, saved_to: target });
  else stderr.write(`saved: ${printableName(name)} (${humanBytes(size)})\n`);
  return EXIT.ok;
}
