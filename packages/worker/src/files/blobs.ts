import { EdgeError } from "@claude-edge/protocol";
import { createHash } from "node:crypto";

import { BlobIndex, type Pack, type Place } from "./blob-index.js";
import { BlobWriter } from "./blob-writer.js";
import { ByteReader, streamOf } from "./byte-reader.js";
import type { R2Packs } from "./r2-packs.js";
import type { SqlPacks } from "./sql-packs.js";

/** Adjacent blobs in a pack are fetched together, up to this size. */
const RUN_BYTES = 16 * 1024 * 1024;

/** How many runs are prefetched: a fetch from R2 takes tens of milliseconds to start. */
const PREFETCHED_RUNS = 3;

/** Where packs are kept. New ones go to R2 if there is any. */
export interface PackStores {
  r2?: R2Packs | undefined;
  sql: SqlPacks;
  /** The session's folder in R2. */
  folder(): string;
  /** Packs in R2 are not needed any more. Called in the transaction that forgets them. */
  onReleased(keys: string[]): void;
}

/**
 * The contents of a session's files, deduplicated by SHA-256. Blobs are stored in packs: ten thousand small files become
 * about thirty objects in R2. One object per file would take minutes and cost five cents each time.
 */
export class Blobs {
  readonly #storage: DurableObjectStorage;
  readonly #stores: PackStores;
  readonly index: BlobIndex;
  /** Active writers. Their blobs are not referenced by any state yet. */
  #writing = 0;
  /** The object's storage is about to be deleted. */
  #isClosed = false;
  /** Ids of packs that are being written. */
  readonly #openIds = new Set<number>();

  constructor(storage: DurableObjectStorage, stores: PackStores) {
    this.#storage = storage;
    this.#stores = stores;
    this.index = new BlobIndex(storage.sql);
  }

  /** A write is in progress: blobs that no state references yet are not garbage. */
  get busy(): boolean {
    return this.#writing > 0;
  }

  has(hash: string): boolean {
    return this.index.find(hash) !== undefined;
  }

  /** Returns the hashes that are not stored, deduplicated. */
  missing(hashes: Iterable<string>): string[] {
    const wanted = new Set(hashes);
    const stored = this.index.findAll(wanted);
    return [...wanted].filter((hash) => !stored.has(hash));
  }

  /**
   * Runs `work` with a writer. Its blobs are kept if it succeeds. Garbage collection is blocked until it returns, so
   * `work` should also record the state that references them.
   */
  async write<Value>(work: (writer: BlobWriter) => Promise<Value>): Promise<Value> {
    this.#writing += 1;
    const { r2, sql } = this.#stores;
    const writer = new BlobWriter({
      packs: r2 ?? sql,
      folder: () => (r2 ? this.#stores.folder() : undefined),
      index: this.index,
      openIds: this.#openIds,
      isClosed: () => this.#isClosed,
    });
    try {
      return await work(writer);
    } finally {
      await writer.abort();
      this.#writing -= 1;
    }
  }

  /**
   * Reads a blob, or a range of it. A stream of the whole blob fails at its end if the hash does not match.
   * @throws EdgeError `file_damaged`.
   */
  async read(
    hash: string,
    range?: { start: number; length: number },
  ): Promise<ReadableStream<Uint8Array>> {
    const place = this.#placeOf(hash);
    if (range) return this.#fetch(place, place.start + range.start, range.length);
    const reader = new ByteReader(await this.#fetch(place, place.start, place.size));
    return streamOf(this.#verified(hash, reader.take(place.size)), () => reader.cancel());
  }

  /** Reads many blobs in storage order, each verified as by {@link read}. */
  async *readMany(
    hashes: Iterable<string>,
  ): AsyncGenerator<{ hash: string; size: number; bytes: AsyncGenerator<Uint8Array> }> {
    const runs = runsOf(this.#placesOf([...hashes]));
    const prefetched: Promise<ReadableStream<Uint8Array>>[] = [];
    const fetchNext = (index: number) => {
      const [first] = runs[index] ?? [];
      if (!first) return;
      const length = runs[index]!.reduce((sum, { size }) => sum + size, 0);
      const fetched = this.#fetch(first, first.start, length);
      fetched.catch(() => {});
      prefetched.push(fetched);
    };
    for (let index = 0; index < PREFETCHED_RUNS; index += 1) fetchNext(index);
    try {
      for (const [index, run] of runs.entries()) {
        const reader = new ByteReader(await prefetched.shift()!);
        fetchNext(index + PREFETCHED_RUNS);
        try {
          for (const { hash, size } of run) {
            yield { hash, size, bytes: this.#verified(hash, reader.take(size)) };
          }
        } finally {
          reader.cancel();
        }
      }
    } finally {
      for (const stream of prefetched)
        void stream.then((opened) => opened.cancel()).catch(() => {});
    }
  }

  /** Passes a blob through and checks its hash. A damaged blob is deleted from the index so that it can be stored again. */
  async *#verified(hash: string, bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    const digest = createHash("sha256");
    for await (const chunk of bytes) {
      digest.update(chunk);
      yield chunk;
    }
    if (digest.digest("hex") === hash) return;
    const place = this.index.find(hash);
    if (place) this.index.keep(place.pack, (other) => other !== hash);
    throw new EdgeError("file_damaged", `The content ${hash} is not what was stored.`);
  }

  // Garbage collection.

  /**
   * Keeps the blobs of packs that are alive. Removes packs that hold none, and those whose write was cut off by a restart.
   * Returns those that are less than half alive.
   */
  sweep(packs: Pack[], isLive: (hash: string) => boolean): Pack[] {
    const sparse: Pack[] = [];
    const dead: Pack[] = [];
    for (const pack of packs) {
      if (this.#openIds.has(pack.id)) continue;
      this.index.keep(pack.id, isLive);
      const left = [...this.index.of(pack.id).values()];
      const bytes = left.reduce((sum, { size }) => sum + size, 0);
      if (left.length === 0) dead.push(pack);
      else if (bytes * 2 < pack.size) sparse.push(pack);
    }
    this.#removePacks(dead);
    return sparse;
  }

  /** Writes what is alive in a pack anew, into others, and removes it. @throws EdgeError `file_damaged`. */
  async rewrite(pack: Pack): Promise<void> {
    const hashes = [...this.index.of(pack.id).keys()];
    await this.write(async (writer) => {
      for await (const { hash, size, bytes } of this.readMany(hashes)) {
        await writer.add(bytes, { size, hash, rewrite: true });
      }
      await writer.end();
      this.sweep([pack], () => false);
    });
  }

  #removePacks(packs: Pack[]): void {
    const keys = packs.flatMap(({ key }) => (key === null ? [] : [key]));
    this.#storage.transactionSync(() => {
      for (const pack of packs) {
        if (pack.key === null) this.#stores.sql.remove(pack);
        this.index.removePack(pack.id);
      }
      if (keys.length > 0) this.#stores.onReleased(keys);
    });
  }

  /** Ends writing: the object's storage is about to be deleted. Active writers remove what they wrote. */
  close(): void {
    this.#isClosed = true;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #placeOf(hash: string): Place {
    return this.#placesOf([hash])[0]!;
  }

  #placesOf(hashes: string[]): Place[] {
    const places = this.index.findAll(hashes);
    return hashes.map((hash) => {
      const place = places.get(hash);
      if (place) return place;
      throw new EdgeError("file_damaged", `The content ${hash} is missing.`);
    });
  }

  async #fetch(
    { pack }: Place,
    start: number,
    length: number,
  ): Promise<ReadableStream<Uint8Array>> {
    // Its id may be another session's by now, with packs of the same numbers.
    if (this.#isClosed) throw new EdgeError("session_not_found", "The session was deleted.");
    // R2 rejects an empty range.
    if (length === 0) return new Blob([]).stream() as ReadableStream<Uint8Array>;
    const name = this.index.pack(pack)!;
    const packs = name.key === null ? this.#stores.sql : this.#stores.r2;
    if (packs) return packs.read(name, start, length);
    throw new EdgeError("file_damaged", "The file is in R2, and the Worker has no binding FILES.");
  }
}

/** Groups blobs into runs of adjacent ones, in storage order. */
function runsOf(places: Place[]): Place[][] {
  const runs: Place[][] = [];
  let end = { pack: -1, at: 0, from: 0 };
  for (const place of places.toSorted((a, b) => a.pack - b.pack || a.start - b.start)) {
    const follows = place.pack === end.pack && place.start === end.at;
    const fits = place.start + place.size - end.from <= RUN_BYTES;
    if (follows && fits) runs.at(-1)!.push(place);
    else runs.push([place]);
    const from = follows && fits ? end.from : place.start;
    end = { pack: place.pack, at: place.start + place.size, from };
  }
  return runs;
}
