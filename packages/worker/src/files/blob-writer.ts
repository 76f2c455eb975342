import { EdgeError } from "@claude-edge/protocol";
import { createHash } from "node:crypto";

import type { BlobIndex } from "./blob-index.js";
import { concat } from "../bytes.js";
import type { PackName, Packs, PackSink } from "./packs.js";

/** Smaller blobs share packs, which are closed at this size; larger ones have one each. */
const SMALL_BYTES = 1024 * 1024;
const PACK_BYTES = 8 * 1024 * 1024;

/** A pack has no more blobs than this: its row lists them, in 90 bytes each. */
const PACK_BLOBS = 2_000;

/** The hash and size of a blob, computed from its bytes. */
export interface Blob {
  sha256: string;
  size: number;
}

interface OpenPack extends PackName {
  sink: PackSink;
  size: number;
  /** Offset and size of each blob in the pack, by hash. */
  blobs: Map<string, { start: number; size: number }>;
}

/** Constraints on a blob that are known before it is read. */
export interface Expected {
  size?: number | undefined;
  hash?: string;
  /** Writes the blob even if it is stored already: it moves to the new pack. */
  rewrite?: boolean;
}

/** Where a writer's blobs go. */
interface BlobTarget {
  packs: Packs;
  /** The folder of new packs in R2; undefined in SQLite. */
  folder(): string | undefined;
  index: BlobIndex;
  /** Ids of packs that are being written. */
  openIds: Set<number>;
  /** The object's storage is about to be deleted. */
  isClosed(): boolean;
}

/** Writes blobs into packs. A blob is stored once its pack is complete; {@link end} completes the last pack. */
export class BlobWriter {
  readonly #to: BlobTarget;
  #pack: OpenPack | undefined;

  constructor(target: BlobTarget) {
    this.#to = target;
  }

  /**
   * Adds a blob. A blob that is stored already is read and discarded.
   * @throws EdgeError `file_damaged` when size or hash differ from those expected, `storage_full`, `session_not_found`.
   */
  async add(bytes: AsyncIterable<Uint8Array>, expected: Expected = {}): Promise<Blob> {
    const { size = Infinity } = expected;
    return size <= SMALL_BYTES ? this.#addSmall(bytes, expected) : this.#addLarge(bytes, expected);
  }

  /** Completes the current pack. @throws EdgeError `session_not_found`. */
  async end(): Promise<void> {
    this.#assertOpen();
    const pack = this.#pack;
    if (!pack) return;
    await pack.sink.end();
    this.#assertOpen();
    this.#pack = undefined;
    this.#to.openIds.delete(pack.id);
    this.#to.index.add(pack.id, pack.size, pack.blobs);
  }

  /** Drops the current pack, if there is one. */
  async abort(): Promise<void> {
    const pack = this.#pack;
    if (!pack) return;
    this.#pack = undefined;
    // Its rows were deleted with the session; another session may have rows under the same numbers.
    if (this.#to.isClosed() && pack.key === null) return;
    // What this cannot delete in R2 is deleted with all of the session's packs.
    await pack.sink.abort().catch(() => {});
    this.#to.openIds.delete(pack.id);
    if (!this.#to.isClosed()) this.#to.index.removePack(pack.id);
  }

  async #addSmall(bytes: AsyncIterable<Uint8Array>, expected: Expected): Promise<Blob> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    const all = concat(chunks);
    const blob = { sha256: createHash("sha256").update(all).digest("hex"), size: all.length };
    assertExpected(blob, expected);
    if (this.#isStored(blob.sha256, expected)) return blob;
    this.#assertOpen();
    const pack = (this.#pack ??= this.#openPack());
    await pack.sink.write(all);
    this.#addToIndex(pack, blob);
    if (pack.size >= PACK_BYTES || pack.blobs.size >= PACK_BLOBS) await this.end();
    return blob;
  }

  async #addLarge(bytes: AsyncIterable<Uint8Array>, expected: Expected): Promise<Blob> {
    await this.end();
    const pack = (this.#pack = this.#openPack());
    const digest = createHash("sha256");
    let size = 0;
    for await (const chunk of bytes) {
      digest.update(chunk);
      size += chunk.length;
      this.#assertOpen();
      await pack.sink.write(chunk);
    }
    const blob = { sha256: digest.digest("hex"), size };
    assertExpected(blob, expected);
    if (this.#isStored(blob.sha256, expected)) {
      await this.abort();
      return blob;
    }
    this.#addToIndex(pack, blob);
    await this.end();
    return blob;
  }

  /** After a deletion nothing is written any more: the storage may be another session's by now. */
  #assertOpen(): void {
    if (this.#to.isClosed()) throw new EdgeError("session_not_found", "The session was deleted.");
  }

  #isStored(hash: string, { rewrite = false }: Expected): boolean {
    return (
      !rewrite && (this.#pack?.blobs.has(hash) === true || this.#to.index.find(hash) !== undefined)
    );
  }

  #addToIndex(pack: OpenPack, { sha256: hash, size }: Blob): void {
    pack.blobs.set(hash, { start: pack.size, size });
    pack.size += size;
  }

  #openPack(): OpenPack {
    const { packs, index, openIds } = this.#to;
    const name = index.addPack(this.#to.folder());
    openIds.add(name.id);
    return { ...name, sink: packs.open(name), size: 0, blobs: new Map() };
  }
}

function assertExpected({ sha256, size }: Blob, expected: Expected): void {
  const isExpectedSize = expected.size === undefined || expected.size === size;
  if (isExpectedSize && (expected.hash === undefined || expected.hash === sha256)) return;
  const { hash = "it", size: wanted = "?" } = expected;
  const message = `Of ${hash}, ${wanted} bytes, came ${sha256}, ${size} bytes.`;
  throw new EdgeError("file_damaged", message);
}
