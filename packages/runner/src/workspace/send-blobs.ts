import { open, type FileHandle } from "node:fs/promises";

import type { Place } from "./spool.js";

const CHUNK_BYTES = 256 * 1024;

/** Merges adjacent places into one read: blobs are mostly requested in storage order. */
function mergeAdjacent(places: Place[]): Place[] {
  const ranges: Place[] = [];
  for (const place of places) {
    const last = ranges.at(-1);
    if (last?.file === place.file && last.offset + last.size === place.offset) {
      last.size += place.size;
    } else if (place.size > 0) ranges.push({ ...place });
  }
  return ranges;
}

/** Concatenates the bytes of blobs. Opens all files first, so they may be deleted afterwards. */
export async function readBlobs(places: Place[]): Promise<AsyncGenerator<Uint8Array>> {
  const ranges = mergeAdjacent(places);
  const files = new Map<string, FileHandle>();
  try {
    for (const { file } of ranges) if (!files.has(file)) files.set(file, await open(file));
  } catch (error) {
    await closeAll(files);
    throw error;
  }
  return read(ranges, files);
}

async function* read(ranges: Place[], files: Map<string, FileHandle>): AsyncGenerator<Uint8Array> {
  try {
    for (const { file, offset, size } of ranges) {
      for (let done = 0; done < size;) {
        const length = Math.min(CHUNK_BYTES, size - done);
        const { bytesRead, buffer } = await files
          .get(file)!
          .read(Buffer.allocUnsafe(length), 0, length, offset + done);
        if (bytesRead === 0) throw new Error(`${file} ends too early.`);
        yield buffer.subarray(0, bytesRead);
        done += bytesRead;
      }
    }
  } finally {
    await closeAll(files);
  }
}

async function closeAll(files: Map<string, FileHandle>): Promise<void> {
  await Promise.all([...files.values()].map((file) => file.close()));
}
