import type { BlobHead } from "@claude-edge/protocol/runner";

import type { Blobs } from "./blobs.js";

/** Lines are batched into chunks of this size, in characters: a chunk of a stream costs 50 to 200 µs, however small. */
const CHUNK_CHARS = 64 * 1024;

/** NDJSON, in chunks. */
export function* ndjson(lines: Iterable<object>): Generator<Uint8Array> {
  function* texts() {
    for (const line of lines) yield `${JSON.stringify(line)}\n`;
  }
  yield* encoded(texts());
}

/** Texts as bytes, batched into chunks of at least `chars` characters; the last may have fewer. */
export function* encoded(
  texts: Iterable<string>,
  chars: number = CHUNK_CHARS,
): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let chunk = "";
  for (const text of texts) {
    chunk += text;
    if (chunk.length < chars) continue;
    yield encoder.encode(chunk);
    chunk = "";
  }
  if (chunk !== "") yield encoder.encode(chunk);
}

/** Blobs, each as a line with its {@link BlobHead}, followed by its bytes. */
export async function* blobBytes(
  blobs: Blobs,
  hashes: Iterable<string>,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const { hash, size, bytes } of blobs.readMany(hashes)) {
    yield encoder.encode(`${JSON.stringify({ sha256: hash, size } satisfies BlobHead)}\n`);
    yield* bytes;
  }
}
