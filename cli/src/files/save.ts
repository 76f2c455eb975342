import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, lstatSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { ConnectionError, type FileDownload } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

/** @throws EdgeError `files_exist` unless it may be overwritten, `usage` for a folder. */
export function assertFree(path: string, name: string, force = false): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new EdgeError("usage", `${name} is there, and a folder.`);
  if (!there || force) return;
  const message = `${name} is there already: --force overwrites it, --output names another.`;
  throw new EdgeError("files_exist", message);
}

/**
 * Writes a download into a file: beside it and then by renaming, so that nobody finds half of it; `assert` says that it
 * still may.
 * @throws ConnectionError when other bytes came than the file has.
 */
export async function saveFile(
  download: FileDownload,
  path: string,
  assert: () => void,
): Promise<void> {
  const temp = join(dirname(path), `.claude-edge-${randomUUID()}`);
  const hash = createHash("sha256");
  try {
    const hashed = async function* () {
      for await (const piece of download.stream) {
        hash.update(piece);
        yield piece;
      }
    };
    await pipeline(hashed, createWriteStream(temp, { flags: "wx", mode: download.mode }));
    if (hash.digest("hex") !== download.sha256) {
      throw new ConnectionError(`${download.path} was damaged on its way: its SHA-256 is another.`);
    }
    assert();
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}
