import { stat } from "node:fs/promises";
import { resolve } from "node:path";

import type { FileWritten } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";
import { MAX_UPLOAD_BYTES } from "@claude-edge/protocol/wire";

import { writeJson, type Context } from "../context.js";
import { tooLarge } from "../files/local.js";
import { countOf, openSession, workspacePath, type FilesFlags } from "../files/open.js";
import { packFolder, planFolder } from "../files/pack.js";
import { humanBytes } from "../terminal/bytes.js";
import { printableName } from "../terminal/printable.js";
import { progressBar } from "../terminal/progress.js";

export interface PushFilesFlags extends FilesFlags {
  path?: string;
}

/** `claude-edge files push`. Gives the exit code. @throws EdgeError `usage`, `file_too_large`. */
export async function pushFiles(
  given: string,
  folder: string,
  { path = "", json = false, ...flags }: PushFilesFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal, cwd } = context;
  const from = resolve(cwd, folder);
  const found = await stat(from).catch(() => undefined);
  if (!found?.isDirectory()) throw new EdgeError("usage", `${folder} is not a folder.`);
  const plan = await planFolder(from);
  for (const { path: left, reason } of plan.skipped) {
    stderr.write(`note: left out ${printableName(left)}: ${reason}\n`);
  }
  const { files, bytes } = plan;
  if (bytes > MAX_UPLOAD_BYTES) throw tooLarge(folder, bytes);
  const session = await openSession(given, flags, context);
  const { onProgress, end } = progressBar("pushing", context, json);
  let written: FileWritten;
  try {
    const tar = await packFolder(from, plan);
    const options = { path: workspacePath(path), signal, onProgress };
    written = await session.files.putTar(tar, options);
  } finally {
    end();
  }
  const sent = `${countOf(files, "file")} (${humanBytes(bytes)})`;
  if (json) await writeJson(stdout, { ...written, files, bytes });
  else stderr.write(`pushed: ${sent}, ${countOf(written.changed, "path")} changed\n`);
  return EXIT.ok;
}
