import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, lstatSync, rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { ConnectionError, type FileDownload } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";

/** @throws EdgeError `files_exist` unless it may be overwritten, `usage` for a folder. */
export function assertFree(path: string, name: string, force = false): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new EdgeError("usage", `${name} is there, and a folder.`);
  if (!there || force) return;
  const message = `${name} is there already: --force overwrites it, --output names another.`;
  throw new EdgeError("files_exist", message);
}

/**
 * Writes a download into a file, as {@link saveStream} does.
 * @throws ConnectionError when other bytes came than the file has.
 */
export function saveFile(
  download: FileDownload,
  path: string,
  assert: () => void,
  context: Pick<Context, "onQuit">,
): Promise<void> {
  const hash = createHash("sha256");
  async function* verified() {
    for await (const piece of download.stream) {
      hash.update(piece);
      yield piece;
    }
    if (hash.digest("hex") === download.sha256) return;
    throw new ConnectionError(`${download.path} was damaged on its way: its SHA-256 is another.`);
  }
  return saveStream(verified(), path, assert, context, download.mode);
}

/**
 * Writes a stream into a file: beside it and then by renaming, so that nobody finds half of it; `assert` says that it
 * still may.
 */
export async function saveStream(
  pieces: AsyncIterable<Uint8Array>,
  path: string,
  assert: () => void,
  { onQuit }: Pick<Context, "onQuit">,
  mode?: number,
): Promise<void> {
  const temp = join(dirname(path), `.claude-edge-${randomUUID()}`);
  const stay = onQuit(() => rmSync(temp, { force: true }));
  try {
    await pipeline(pieces, createWriteStream(temp, { flags: "wx", mode }));
    assert();
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  } finally {
    stay();
  }
}
