import { EdgeError } from "@claude-edge/protocol";

import { GrowingBuffer } from "./growing-buffer.js";
import type { PackName, Packs, PackSink } from "./packs.js";

/**
 * Size of a multipart upload's parts, and the most that an upload holds in memory. R2 wants at least 5 MiB and equal
 * parts except for the last. A pack of small blobs is at most 9 MiB, so it takes one request to R2 instead of three.
 */
const PART_BYTES = 9 * 1024 * 1024;

/** All packs of an account. The object's id tells deployments apart that share a bucket. */
export const accountPrefix = (accountObject: string): string => `claude-edge/${accountObject}/`;

/** The packs of one session, which its forks may refer to: all keys in it start with this. */
export const inFolder = (folder: string): string => `${folder}/`;

/** The folder of a pack's key. */
export const folderOf = (key: string): string => key.slice(0, key.indexOf("/"));

/**
 * Packs as objects of a bucket. A session writes into a folder of its own, and reads from those of sessions it was forked
 * from. It deletes none: the account does, when no session refers to them any more (`account/pack-ledger.ts`).
 */
export class R2Packs implements Packs {
  readonly #bucket: R2Bucket;
  readonly #prefix: () => string;

  /** @param prefix The account's. */
  constructor(bucket: R2Bucket, prefix: () => string) {
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  open({ key }: PackName): PackSink {
    return new R2Sink(this.#bucket, this.#prefix() + key);
  }

  async read(
    { key }: PackName,
    start: number,
    length: number,
  ): Promise<ReadableStream<Uint8Array>> {
    const range = { offset: start, length };
    const object = await this.#bucket.get(this.#prefix() + key, { range });
    if (!object) throw new EdgeError("file_damaged", `The object ${key} is gone.`);
    return object.body as ReadableStream<Uint8Array>;
  }
}

/** Writes one object: with a single put if it is small, as a multipart upload otherwise. */
class R2Sink implements PackSink {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  readonly #buffer = new GrowingBuffer(PART_BYTES);
  #upload: R2MultipartUpload | undefined;
  readonly #parts: R2UploadedPart[] = [];
  #isWhole = false;

  constructor(bucket: R2Bucket, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      if (this.#buffer.isFull) await this.#sendPart();
      at += this.#buffer.add(chunk.subarray(at));
    }
  }

  async end(): Promise<void> {
    if (!this.#upload) await this.#bucket.put(this.#key, this.#buffer.bytes);
    else {
      await this.#sendPart();
      await this.#upload.complete(this.#parts);
    }
    this.#buffer.drop();
    this.#isWhole = true;
  }

  async abort(): Promise<void> {
    this.#buffer.drop();
    if (this.#isWhole) await this.#bucket.delete([this.#key]);
    else await this.#upload?.abort();
  }

  async #sendPart(): Promise<void> {
    this.#upload ??= await this.#bucket.createMultipartUpload(this.#key);
    this.#parts.push(await this.#upload.uploadPart(this.#parts.length + 1, this.#buffer.bytes));
    this.#buffer.clear();
  }
}
