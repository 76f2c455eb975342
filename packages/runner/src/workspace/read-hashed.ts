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

/** What bytes are called, and how many they are. */
export interface Content {
  sha256: string;
  size: number;
}

/** One for all: nothing else runs in the thread between a read and the write of what it gave. */
const chunk = Buffer.allocUnsafe(1024 * 1024);

/** A file that changes under its reader is read this often before what was read is taken. */
const TRIES = 3;

/** Takes what is read, in pieces that are valid for the length of the call. */
type Take = (bytes: Uint8Array) => void;

/** Reads to the end, hashing what `take` gets. */
function readAll(file: number, take: Take): Content {
  const hash = createHash("sha256");
  let size = 0;
  for (;;) {
    const length = readSync(file, chunk, 0, chunk.length, size);
    if (length === 0) return { sha256: hash.digest("hex"), size };
    const bytes = chunk.subarray(0, length);
    hash.update(bytes);
    take(bytes);
    size += length;
  }
}

/** A file's bytes, with the state it was in just before they were read. */
export interface Read extends Content {
  stats: Stats;
  readAt: number;
}

/**
 * Reads a file once, so that the hash is always that of the bytes `take` has got, even while somebody writes into it;
 * `again` is called when it changed meanwhile, and it is read anew. Undefined when there is no file: links are not
 * followed, and a pipe that has taken its place does not hold us up.
 */
export function readHashed(path: string, take: Take, again: () => void): Read | undefined {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = orUndefined(() => openSync(path, flags));
  if (file === undefined) return undefined;
  try {
    for (let left = TRIES; ; left -= 1) {
      const readAt = Date.now();
      const stats = fstatSync(file);
      if (!stats.isFile()) return undefined;
      const content = readAll(file, take);
      const after = fstatSync(file);
      const isQuiet = after.size === content.size && after.ctimeMs === stats.ctimeMs;
      if (isQuiet || left === 1) return { ...content, stats, readAt };
      again();
    }
  } finally {
    closeSync(file);
  }
}

/** What a file holds. Undefined when there is none. */
export const hashFile = (path: string): Read | undefined =>
  readHashed(
    path,
    () => {},
    () => {},
  );

/** Writes all of it: a write may take less than it is given. */
export function writeAll(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }
}
