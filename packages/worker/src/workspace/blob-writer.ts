import { EdgeError } from "@claude-edge/protocol";
import { createHash } from "node:crypto";

import { one } from "../account/rows.js";
import type { PackPlace } from "./blobs.js";
import { concat } from "./byte-reader.js";
import type { Packs, PackSink } from "./packs.js";

/** Smaller blobs share packs, which are closed at this size; larger ones have one each. */
const SMALL_BYTES = 1024 * 1024;
const PACK_BYTES = 8 * 1024 * 1024;

/** What a blob was found to be. */
export interface Blob {
  sha256: string;
  size: number;
}

interface OpenPack {
  id: number;
  sink: PackSink;
  size: number;
  /** Where in it each blob begins. */
  blobs: Map<string, { start: number; size: number }>;
}

/** What is known of a blob before it is read. */
export interface Expected {
  size?: number | undefined;
  hash?: string;
  /** It is there already, and is to be kept in this place instead. */
  again?: boolean;
}

/** Writes blobs into packs. One of them is there once its pack is whole; {@link end} makes the last one whole. */
export class BlobWriter {
  readonly #storage: DurableObjectStorage;
  readonly #place: PackPlace;
  readonly #packs: Packs;
  readonly #open: Set<number>;
  readonly #isKnown: (hash: string) => boolean;
  #pack: OpenPack | undefined;

  constructor(
    storage: DurableObjectStorage,
    place: PackPlace,
    packs: Packs,
    open: Set<number>,
    isKnown: (hash: string) => boolean,
  ) {
    this.#storage = storage;
    this.#place = place;
    this.#packs = packs;
    this.#open = open;
    this.#isKnown = isKnown;
  }

  /**
   * Adds a blob; one that is known is read and left.
   * @throws EdgeError `file_damaged` for one that is not what was expected, `storage_full`.
   */
  async add(bytes: AsyncIterable<Uint8Array>, expected: Expected = {}): Promise<Blob> {
    const { size = Infinity } = expected;
    return size <= SMALL_BYTES ? this.#addSmall(bytes, expected) : this.#addLarge(bytes, expected);
  }

  /** Makes the pack whole that is being written. */
  async end(): Promise<void> {
    const pack = this.#pack;
    if (!pack) return;
    await pack.sink.end();
    this.#pack = undefined;
    this.#open.delete(pack.id);
    this.#storage.transactionSync(() => {
      const { sql } = this.#storage;
      sql.exec("UPDATE packs SET whole = 1, size = ? WHERE id = ?", pack.size, pack.id);
      for (const [hash, { start, size }] of pack.blobs) {
        // Two of the same that were written side by side: either will do.
        sql.exec("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", hash, pack.id, start, size);
      }
    });
  }

  /** Drops the pack that is being written; harmless when there is none. */
  async abort(): Promise<void> {
    const pack = this.#pack;
    if (!pack) return;
    this.#pack = undefined;
    // What cannot be taken away now is taken away with what else is of no use.
    await pack.sink.abort().catch(() => {});
    this.#open.delete(pack.id);
    this.#storage.sql.exec("DELETE FROM packs WHERE id = ?", pack.id);
  }

  async #addSmall(bytes: AsyncIterable<Uint8Array>, expected: Expected): Promise<Blob> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    const all = concat(chunks);
    const blob = { sha256: createHash("sha256").update(all).digest("hex"), size: all.length };
    assertIs(blob, expected);
    if (this.#isThere(blob.sha256, expected)) return blob;
    const pack = (this.#pack ??= this.#openPack());
    await pack.sink.write(all);
    this.#note(pack, blob);
    if (pack.size >= PACK_BYTES) await this.end();
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
      await pack.sink.write(chunk);
    }
    const blob = { sha256: digest.digest("hex"), size };
    assertIs(blob, expected);
    if (this.#isThere(blob.sha256, expected)) {
      await this.abort();
      return blob;
    }
    this.#note(pack, blob);
    await this.end();
    return blob;
  }

  #isThere(hash: string, { again = false }: Expected): boolean {
    return !again && (this.#pack?.blobs.has(hash) === true || this.#isKnown(hash));
  }

  #note(pack: OpenPack, { sha256: hash, size }: Blob): void {
    pack.blobs.set(hash, { start: pack.size, size });
    pack.size += size;
  }

  #openPack(): OpenPack {
    const { id } = one<{ id: number }>(
      this.#storage.sql,
      "INSERT INTO packs (place, size, whole) VALUES (?, 0, 0) RETURNING id",
      this.#place,
    );
    this.#open.add(id);
    return { id, sink: this.#packs.open(id), size: 0, blobs: new Map() };
  }
}

function assertIs({ sha256, size }: Blob, expected: Expected): void {
  const isSize = expected.size === undefined || expected.size === size;
  if (isSize && (expected.hash === undefined || expected.hash === sha256)) return;
  const { hash = "it", size: wanted = "?" } = expected;
  const message = `Of ${hash}, ${wanted} bytes, came ${sha256}, ${size} bytes.`;
  throw new EdgeError("file_damaged", message);
}
