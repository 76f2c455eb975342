import { EdgeError } from "@claude-edge/protocol";

import { concat } from "./byte-reader.js";
import type { Packs, PackSink } from "./packs.js";

/**
 * R2 takes parts of a size from 5 MiB on, all but the last the same; two of these are in memory at the most. A full pack
 * of small blobs, 9 MiB at the most, goes in one piece: one request to R2 and not four.
 */
const PART_BYTES = 10 * 1024 * 1024;

/** R2 deletes this many at once. */
const DELETE_AT_ONCE = 1_000;

/** Packs as objects of a bucket. */
export class R2Packs implements Packs {
  readonly #bucket: R2Bucket;
  readonly #prefix: string;

  /** @param account What no other account has, and nobody can guess: packs are numbered by account. */
  constructor(bucket: R2Bucket, account: string) {
    this.#bucket = bucket;
    this.#prefix = `claude-edge/${account}/`;
  }

  open(id: number): PackSink {
    return new R2Sink(this.#bucket, this.#key(id));
  }

  async read(id: number, start: number, length: number): Promise<ReadableStream<Uint8Array>> {
    const range = { offset: start, length };
    const object = await this.#bucket.get(this.#key(id), { range });
    if (!object) throw new EdgeError("file_damaged", `The object ${this.#key(id)} is gone.`);
    return object.body as ReadableStream<Uint8Array>;
  }

  async remove(ids: number[]): Promise<void> {
    for (let first = 0; first < ids.length; first += DELETE_AT_ONCE) {
      const keys = ids.slice(first, first + DELETE_AT_ONCE).map((id) => this.#key(id));
      await this.#bucket.delete(keys);
    }
  }

  #key(id: number): string {
    return `${this.#prefix}${id}`;
  }
}

/** One object: in one piece if it is small, else part by part. */
class R2Sink implements PackSink {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #upload: R2MultipartUpload | undefined;
  readonly #parts: R2UploadedPart[] = [];

  constructor(bucket: R2Bucket, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > PART_BYTES) await this.#sendPart();
  }

  async end(): Promise<void> {
    const bytes = concat(this.#chunks);
    if (!this.#upload) await this.#bucket.put(this.#key, bytes);
    else {
      this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, bytes));
      await this.#upload.complete(this.#parts);
    }
    this.#chunks = [];
  }

  async abort(): Promise<void> {
    this.#chunks = [];
    await this.#upload?.abort();
  }

  async #sendPart(): Promise<void> {
    const bytes = concat(this.#chunks);
    const left = bytes.subarray(PART_BYTES);
    this.#chunks = left.length > 0 ? [left] : [];
    this.#bytes = left.length;
    this.#upload ??= await this.#bucket.createMultipartUpload(this.#key);
    const part = bytes.subarray(0, PART_BYTES);
    this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, part));
  }
}
