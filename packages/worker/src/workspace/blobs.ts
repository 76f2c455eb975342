import { EdgeError } from "@claude-edge/protocol";
import { createHash } from "node:crypto";

import { all, one } from "../account/rows.js";
import { BlobWriter } from "./blob-writer.js";
import { ByteReader, streamOf } from "./byte-reader.js";
import type { Packs } from "./packs.js";

/** Where a blob's bytes are. */
interface Place {
  hash: string;
  pack: number;
  start: number;
  size: number;
}

/** Blobs that follow each other in a pack are fetched together, up to this size. */
const RUN_BYTES = 16 * 1024 * 1024;

/** Runs that are fetched while one is being read: a fetch from R2 takes tens of milliseconds to begin. */
const AHEAD = 3;

/** How many names go into one query: SQLite takes 100 parameters. */
const NAMES_AT_ONCE = 100;

export type PackPlace = "r2" | "sql";

/**
 * The contents of an account's files, each once, by SHA-256. They are kept in packs: ten thousand small files are some
 * thirty objects in R2, not ten thousand, which would take minutes and cost five cents each time.
 */
export class Blobs {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #packs: Record<PackPlace, Packs | undefined>;
  /** Writers at work: what they have stored is in no state yet. */
  #writing = 0;
  /** Packs that are being written. */
  readonly #open = new Set<number>();

  constructor(storage: DurableObjectStorage, packs: Record<PackPlace, Packs | undefined>) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#packs = packs;
  }

  /** Something is being written: what is in no state yet is no garbage. */
  get busy(): boolean {
    return this.#writing > 0;
  }

  has(hash: string): boolean {
    return all(this.#sql, "SELECT 1 FROM blobs WHERE hash = ?", hash).length > 0;
  }

  /** Those of some blobs that are not there; each once. */
  missing(hashes: Iterable<string>): string[] {
    const wanted = new Set(hashes);
    for (const names of inGroups([...wanted])) {
      const query = `SELECT hash FROM blobs WHERE hash IN (${names.map(() => "?").join(", ")})`;
      for (const { hash } of all<{ hash: string }>(this.#sql, query, ...names)) wanted.delete(hash);
    }
    return [...wanted];
  }

  /**
   * Lets blobs be written. What `work` has added is kept if it succeeds; until it is over nothing is collected, so the
   * state that is to hold them is best made in it too.
   */
  async write<Value>(work: (writer: BlobWriter) => Promise<Value>): Promise<Value> {
    this.#writing += 1;
    const place: PackPlace = this.#packs.r2 ? "r2" : "sql";
    const isKnown = (hash: string) => this.has(hash);
    const writer = new BlobWriter(this.#storage, place, this.#packs[place]!, this.#open, isKnown);
    try {
      return await work(writer);
    } finally {
      await writer.abort();
      this.#writing -= 1;
    }
  }

  /**
   * A blob's bytes, or a stretch of them. A stream of all of them breaks off at its end if they are not what they were.
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

  /** Many blobs, one after the other in the order in which they are kept, each as {@link read} gives it. */
  async *readMany(
    hashes: Iterable<string>,
  ): AsyncGenerator<{ hash: string; size: number; bytes: AsyncGenerator<Uint8Array> }> {
    const runs = runsOf([...hashes].map((hash) => this.#placeOf(hash)));
    const ahead: Promise<ReadableStream<Uint8Array>>[] = [];
    const fetchNext = (index: number) => {
      const [first] = runs[index] ?? [];
      if (!first) return;
      const length = runs[index]!.reduce((sum, { size }) => sum + size, 0);
      const fetched = this.#fetch(first, first.start, length);
      fetched.catch(() => {});
      ahead.push(fetched);
    };
    for (let index = 0; index < AHEAD; index += 1) fetchNext(index);
    try {
      for (const [index, run] of runs.entries()) {
        const reader = new ByteReader(await ahead.shift()!);
        fetchNext(index + AHEAD);
        try {
          for (const { hash, size } of run) {
            yield { hash, size, bytes: this.#verified(hash, reader.take(size)) };
          }
        } finally {
          reader.cancel();
        }
      }
    } finally {
      for (const stream of ahead) void stream.then((opened) => opened.cancel()).catch(() => {});
    }
  }

  /** Passes a blob on; one that is not what was stored is forgotten, so that it can be stored again. */
  async *#verified(hash: string, bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    const digest = createHash("sha256");
    for await (const chunk of bytes) {
      digest.update(chunk);
      yield chunk;
    }
    if (digest.digest("hex") === hash) return;
    this.#sql.exec("DELETE FROM blobs WHERE hash = ?", hash);
    throw new EdgeError("file_damaged", `The content ${hash} is not what was stored.`);
  }

  // Collecting what is of no use any more.

  /**
   * Deletes the blobs that are not live. Packs with none left go whole; one that is less than half alive is written
   * anew without the rest.
   */
  async collect(isLive: (hash: string) => boolean): Promise<void> {
    const dead = all<{ hash: string }>(this.#sql, "SELECT hash FROM blobs")
      .map(({ hash }) => hash)
      .filter((hash) => !isLive(hash));
    for (const names of inGroups(dead)) {
      const query = `DELETE FROM blobs WHERE hash IN (${names.map(() => "?").join(", ")})`;
      this.#sql.exec(query, ...names);
    }
    await this.#removePacks();
    const sparse = all<{ id: number }>(
      this.#sql,
      `SELECT id FROM packs JOIN blobs ON blobs.pack = packs.id WHERE whole = 1
        GROUP BY id HAVING sum(blobs.size) * 2 < packs.size`,
    );
    for (const { id } of sparse) {
      // What is damaged in it stays as it is, and is said when it is read.
      await this.#rewrite(id).catch((error: unknown) => console.error(`pack ${id}`, error));
    }
    if (sparse.length > 0) await this.#removePacks();
  }

  /** Packs that were being written when the object ended, and those that hold nothing. */
  async #removePacks(): Promise<void> {
    const empty = all<{ id: number; place: PackPlace }>(
      this.#sql,
      "SELECT id, place FROM packs WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blobs.pack = packs.id)",
    );
    for (const [place, packs] of Object.entries(this.#packs)) {
      const ids = empty
        .filter((pack) => pack.place === place && !this.#open.has(pack.id))
        .map(({ id }) => id);
      if (!packs || ids.length === 0) continue;
      await packs.remove(ids);
      for (const id of ids) this.#sql.exec("DELETE FROM packs WHERE id = ?", id);
    }
  }

  async #rewrite(pack: number): Promise<void> {
    const hashes = all<{ hash: string }>(
      this.#sql,
      "SELECT hash FROM blobs WHERE pack = ? ORDER BY start",
      pack,
    ).map(({ hash }) => hash);
    await this.write(async (writer) => {
      for await (const { hash, size, bytes } of this.readMany(hashes)) {
        await writer.add(bytes, { size, hash, again: true });
      }
      await writer.end();
    });
  }

  #placeOf(hash: string): Place {
    const place = all<Place>(
      this.#sql,
      "SELECT hash, pack, start, size FROM blobs WHERE hash = ?",
      hash,
    )[0];
    if (!place) throw new EdgeError("file_damaged", `The content ${hash} is missing.`);
    return place;
  }

  async #fetch(
    { pack }: Place,
    start: number,
    length: number,
  ): Promise<ReadableStream<Uint8Array>> {
    // R2 knows no stretch of no bytes.
    if (length === 0) return new Blob([]).stream() as ReadableStream<Uint8Array>;
    const { place } = one<{ place: PackPlace }>(
      this.#sql,
      "SELECT place FROM packs WHERE id = ?",
      pack,
    );
    const packs = this.#packs[place];
    if (packs) return packs.read(pack, start, length);
    throw new EdgeError("file_damaged", "The file is in R2, and the Worker has no binding FILES.");
  }
}

/** Blobs in the order in which they are kept, those together that follow each other in a pack. */
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

function inGroups(names: string[]): string[][] {
  const groups = [];
  for (let first = 0; first < names.length; first += NAMES_AT_ONCE) {
    groups.push(names.slice(first, first + NAMES_AT_ONCE));
  }
  return groups;
}
