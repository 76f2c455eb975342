import { resolve } from "node:path";

import { EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { countOf, openState, workspacePath, type StateFlags } from "../files/open.js";
import { unpack, type Unpacked } from "../files/unpack.js";
import { humanBytes } from "../terminal/bytes.js";
import { printableName } from "../terminal/printable.js";
import { progressBar } from "../terminal/progress.js";

export interface PullFilesFlags extends StateFlags {
  path?: string;
  force?: boolean;
}

/** `claude-edge files pull`. Gives the exit code. @throws EdgeError `files_exist`, `name_collision`. */
export async function pullFiles(
  given: string,
  folder: string,
  { path = "", force, json = false, ...flags }: PullFilesFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal, cwd } = context;
  const { session, at } = await openState(given, flags, context);
  const { onProgress, end } = progressBar("pulling", context, json);
  let unpacked: Unpacked;
  try {
    const tar = await session.files.tar(workspacePath(path), { at, signal, onProgress });
    unpacked = await unpack(tar, resolve(cwd, folder), { force });
  } finally {
    end();
  }
  for (const { path: link, reason } of unpacked.skipped) {
    stderr.write(`note: left out the link ${printableName(link)}: ${reason}\n`);
  }
  const { files, bytes } = unpacked;
  if (json) await writeJson(stdout, unpacked);
  else stderr.write(`pulled: ${countOf(files, "file")} (${humanBytes(bytes)}) into ${folder}\n`);
  return EXIT.ok;
}
