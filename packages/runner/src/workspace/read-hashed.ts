import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  writeSync,
  type Stats,
} from "node:fs";

import { orUndefined } from "./failure.js";

/** Hash and size of some bytes. */
export interface Content {
  sha256: string;
  size: number;
}

/** Shared by all reads: a read does not pause while it is used. */
const chunk = Buffer.allocUnsafe(1024 * 1024);

/** A read pauses after so many bytes: 20 to 60 ms, for which the files of other sessions wait. */
const PAUSE_BYTES = 16 * 1024 * 1024;

/** Work that pauses now and then, so that something else can be done. */
export type Paced<Result> = Generator<void, Result>;

/** Does paced work without its pauses. */
export function atOnce<Result>(work: Paced<Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** How often a file that changes during the read is read again before the result is accepted. */
const TRIES = 3;

/** Receives a chunk, which is valid only during the call. */
type OnChunk = (bytes: Uint8Array) => void;

/** Reads a file to its end and hashes it. */
function* readAll(file: number, onChunk: OnChunk): Paced<Content> {
  const hash = createHash("sha256");
  let size = 0;
  for (;;) {
    const length = readSync(file, chunk, 0, chunk.length, size);
    if (length === 0) return { sha256: hash.digest("hex"), size };
    const bytes = chunk.subarray(0, length);
    hash.update(bytes);
    onChunk(bytes);
    size += length;
    if (size % PAUSE_BYTES === 0) yield;
  }
}

/** A file's content, with its stats just before the read. */
export interface Read extends Content {
  stats: Stats;
  readAt: number;
}

/**
 * Reads and hashes a file in one pass, so the hash always matches the chunks, even during concurrent writes. `onRestart`
 * is called when the file has changed and is read again. Undefined when there is no regular file: links are not followed,
 * and a pipe in its place does not block.
 */
export function* readHashed(
  path: string,
  onChunk: OnChunk,
  onRestart: () => void,
): Paced<Read | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = orUndefined(() => openSync(path, flags));
  if (file === undefined) return undefined;
  try {
    for (let left = TRIES; ; left -= 1) {
      const readAt = Date.now();
      const stats = fstatSync(file);
      if (!stats.isFile()) return undefined;
      const content = yield* readAll(file, onChunk);
      const after = fstatSync(file);
      const isUnchanged = after.size === content.size && after.ctimeMs === stats.ctimeMs;
      if (isUnchanged || left === 1) return { ...content, stats, readAt };
      onRestart();
    }
  } finally {
    closeSync(file);
  }
}

/** Hashes a file. Undefined when there is none. */
export const hashFile = (path: string): Read | undefined =>
  atOnce(
    readHashed(
      path,
      () => {},
      () => {},
    ),
  );

/** Writes all bytes: a single write may be partial. */
export function writeAll(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }
}
