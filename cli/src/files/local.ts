import { readFile, stat } from "node:fs/promises";

import { EdgeError } from "@claude-edge/protocol/errors";
import { MAX_UPLOAD_BYTES } from "@claude-edge/protocol/wire";

import { humanBytes } from "../terminal/bytes.js";

/** A file of this machine, in memory: so it can be sent again when the first try fails. */
export interface LocalFile {
  data: Uint8Array;
  /** Permission bits. */
  mode: number;
}

/** @throws EdgeError `usage` for what is no file, `file_too_large`. */
export async function readLocal(path: string, name: string): Promise<LocalFile> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const isMissing = error.code === "ENOENT" || error.code === "ENOTDIR";
    throw new EdgeError("usage", isMissing ? `There is no ${name}.` : error.message);
  });
  if (found.isDirectory()) {
    throw new EdgeError("usage", `${name} is a folder: claude-edge files push sends one.`);
  }
  if (found.size > MAX_UPLOAD_BYTES) throw tooLarge(name, found.size);
  return { data: await readFile(path), mode: found.mode & 0o777 };
}

export const tooLarge = (name: string, bytes: number): EdgeError =>
  new EdgeError("file_too_large", `${name} has ${humanBytes(bytes)}.`);
