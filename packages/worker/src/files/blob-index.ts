import { all, one } from "../sql/rows.js";
import { inFolder } from "./r2-packs.js";
import type { PackName } from "./packs.js";

/** The location of a blob's bytes. */
export interface Place {
  hash: string;
  pack: number;
  start: number;
  size: number;
}

/** A pack, without the list of its blobs. */
export interface Pack extends PackName {
  size: number;
  /** 0 while it is being written. */
  whole: number;
}

type Blobs = Map<string, { start: number; size: number }>;
type Row = [hash: string, start: number, size: number];

/**
 * How many packs are held decoded: 1.5 MB at most. Blobs that are asked for one after the other are mostly in few packs.
 */
const MAX_DECODED = 8;

/** Hex digits of a hash that its key has: 28 bits are a small integer to V8. */
const KEY_DIGITS = 7;

/** Ids of packs begin here. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** Characters of a blob in its pack's list, about. */
const BLOB_CHARS = 80;

const keyOf = (hash: string): number => Number.parseInt(hash.slice(0, KEY_DIGITS), 16);

/**
 * Where blobs are. The row of a pack lists its blobs, so that storing them is one row, however many there are; in memory
 * there is, for the first bits of each hash, in which packs to look: 40 bytes a blob, 10 MB for 50 000 checkpoints of
 * five files. It is read once, when first asked.
 */
export class BlobIndex {
  readonly #sql: SqlStorage;
  #packs: Map<number, number | number[]> | undefined;
  readonly #decoded = new Map<number, Blobs>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(hash: string): Place | undefined {
    return this.findAll([hash]).get(hash);
  }

  /** The places of those that are stored. */
  findAll(hashes: Iterable<string>): Map<string, Place> {
    const packs = this.#loaded();
    const wanted = new Map<number, string[]>();
    for (const hash of hashes) {
      for (const pack of listOf(packs.get(keyOf(hash)))) {
        const inPack = wanted.get(pack);
        if (inPack) inPack.push(hash);
        else wanted.set(pack, [hash]);
      }
    }
    const places = new Map<string, Place>();
    for (const [pack, candidates] of wanted) {
      const blobs = this.of(pack);
      for (const hash of candidates) {
        const blob = blobs.get(hash);
        if (blob) places.set(hash, { hash, pack, ...blob });
      }
    }
    return places;
  }

  /** The blobs of a pack, in its order. */
  of(pack: number): Blobs {
    let blobs = this.#decoded.get(pack);
    if (!blobs) {
      const query = "SELECT blobs FROM packs WHERE id = ?";
      blobs = decode(all<{ blobs: string }>(this.#sql, query, pack)[0]?.blobs ?? "[]");
    }
    // The last one used is the last to go.
    this.#decoded.delete(pack);
    this.#decoded.set(pack, blobs);
    for (const oldest of this.#decoded.keys()) {
      if (this.#decoded.size <= MAX_DECODED) break;
      this.#decoded.delete(oldest);
    }
    return blobs;
  }

  pack(id: number): Pack | undefined {
    return all<Pack>(this.#sql, "SELECT id, key, size, whole FROM packs WHERE id = ?", id)[0];
  }

  /** Packs in the order of their ids: the next ones after one. */
  packsAfter(id: number, limit: number): Pack[] {
    const query = "SELECT id, key, size, whole FROM packs WHERE id > ? ORDER BY id LIMIT ?";
    return all<Pack>(this.#sql, query, id, limit);
  }

  /** How many blobs there are, about. */
  estimate(): number {
    const query = "SELECT coalesce(sum(length(blobs)), 0) AS chars FROM packs";
    return Math.ceil(one<{ chars: number }>(this.#sql, query).chars / BLOB_CHARS);
  }

  /** Adds a pack that is about to be written, in a folder of R2 or in SQLite. */
  addPack(folder: string | undefined): PackName {
    const prefix = folder === undefined ? null : inFolder(folder);
    return this.#insertPack("? || id", prefix);
  }

  /** Adds a pack in R2 that another session wrote. It has no blobs yet. */
  adoptPack(key: string): number {
    return this.#insertPack("?", key).id;
  }

  /** @param key What its key is, as an expression of its id and one parameter. */
  #insertPack(key: string, parameter: string | null): PackName {
    // The time makes sure that the id of a pack that is gone is not given again, for which AUTOINCREMENT would write
    // another row: an object of that key in R2 is deleted late.
    return one<PackName & Record<string, SqlStorageValue>>(
      this.#sql,
      `INSERT INTO packs (id, key, size, whole, blobs)
        SELECT id, ${key}, 0, 0, '[]' FROM (SELECT max(coalesce(max(id) + 1, 0), ?) AS id FROM packs)
        RETURNING id, key`,
      parameter,
      Date.now() - EPOCH_MS,
    );
  }

  removePack(id: number): void {
    this.#sql.exec("DELETE FROM packs WHERE id = ?", id);
  }

  /** A pack is whole. */
  add(pack: number, size: number, blobs: Blobs): void {
    this.#sql.exec(
      "UPDATE packs SET whole = 1, size = ?, blobs = ? WHERE id = ?",
      size,
      encode(blobs),
      pack,
    );
    if (this.#packs) for (const hash of blobs.keys()) addTo(this.#packs, hash, pack);
  }

  /** Keeps some of a pack's blobs. */
  keep(pack: number, isKept: (hash: string) => boolean): void {
    const before = this.of(pack);
    const kept = new Map([...before].filter(([hash]) => isKept(hash)));
    if (kept.size === before.size) return;
    this.#sql.exec("UPDATE packs SET blobs = ? WHERE id = ?", encode(kept), pack);
    this.#decoded.delete(pack);
    const packs = this.#loaded();
    for (const hash of before.keys()) if (!kept.has(hash)) removeFrom(packs, hash, pack);
  }

  #loaded(): Map<number, number | number[]> {
    if (this.#packs) return this.#packs;
    const packs = (this.#packs = new Map<number, number | number[]>());
    const rows = this.#sql.exec<{ id: number; blobs: string }>("SELECT id, blobs FROM packs");
    for (const { id, blobs } of rows)
      for (const hash of decode(blobs).keys()) addTo(packs, hash, id);
    return packs;
  }
}

const listOf = (packs: number | number[] | undefined): number[] =>
  packs === undefined ? [] : typeof packs === "number" ? [packs] : packs;

function addTo(packs: Map<number, number | number[]>, hash: string, pack: number): void {
  const key = keyOf(hash);
  const known = packs.get(key);
  // Another blob has the same key, or two writers stored this one at the same time.
  packs.set(key, known === undefined ? pack : [...listOf(known), pack]);
}

function removeFrom(packs: Map<number, number | number[]>, hash: string, pack: number): void {
  const key = keyOf(hash);
  const known = listOf(packs.get(key));
  // Once: two blobs of a pack may have the same key.
  const at = known.indexOf(pack);
  const left = known.filter((_pack, index) => index !== at);
  if (left.length === 0) packs.delete(key);
  else packs.set(key, left);
}

const decode = (text: string): Blobs =>
  new Map((JSON.parse(text) as Row[]).map(([hash, start, size]) => [hash, { start, size }]));

const encode = (blobs: Blobs): string =>
  JSON.stringify([...blobs].map(([hash, { start, size }]): Row => [hash, start, size]));
