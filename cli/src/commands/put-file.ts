import { basename, resolve } from "node:path";
import { Readable } from "node:stream";

import type { FileWritten } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { readLocal } from "../files/local.js";
import { openSession, workspacePath, type FilesFlags } from "../files/open.js";
import { humanBytes } from "../terminal/bytes.js";
import { printableName } from "../terminal/printable.js";
import { progressBar } from "../terminal/progress.js";

export interface PutFileFlags extends FilesFlags {
  mode?: number;
}

/** `claude-edge files put`. Gives the exit code. @throws EdgeError `usage`, `file_too_large`. */
export async function putFile(
  given: string,
  local: string,
  path: string | undefined,
  { mode, json = false, ...flags }: PutFileFlags,
  context: Context,
): Promise<number> {
  const { stdin, stdout, stderr, signal, cwd } = context;
  const isStdin = local === "-";
  if (isStdin && path === undefined) {
    throw new EdgeError("usage", "What comes on standard input needs a path to go to.");
  }
  const target = placeOf(path, basename(resolve(cwd, local)));
  const file = isStdin ? undefined : await readLocal(resolve(cwd, local), local);
  const data = file?.data ?? (Readable.toWeb(stdin as Readable) as ReadableStream<Uint8Array>);
  const session = await openSession(given, flags, context);
  const { onProgress, end } = progressBar("putting", context, json);
  let written: FileWritten;
  try {
    const options = { mode: mode ?? file?.mode, signal, onProgress };
    written = await session.files.put(target, data, options);
  } finally {
    end();
  }
  if (json) await writeJson(stdout, written);
  else stderr.write(`written: ${printableName(target)}${sizeOf(written)}\n`);
  return EXIT.ok;
}

/** With a slash behind, the path is a folder's; without one, the file goes into the workspace. */
function placeOf(path: string | undefined, name: string): string {
  if (path === undefined || path === ".") return name;
  return path.endsWith("/") ? `${workspacePath(path)}/${name}` : workspacePath(path);
}

const sizeOf = ({ entry, changed }: FileWritten) =>
  `${entry ? ` (${humanBytes(entry.size)})` : ""}${changed === 0 ? ", as it was" : ""}`;
