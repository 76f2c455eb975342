import { EdgeError } from "@claude-edge/protocol";

import { all, one } from "../account/rows.js";
import { concat, streamOf } from "./byte-reader.js";
import type { Packs, PackSink } from "./packs.js";

/** How much goes into a row: a row may hold 2 MB. All parts of a pack but the last have it. */
const PART_BYTES = 1024 * 1024;

/** Packs as rows of the account's own storage, for deployments without R2: up to a limit, for all it holds is 10 GB. */
export class SqlPacks implements Packs {
  readonly #sql: SqlStorage;
  readonly #most: number;

  constructor(sql: SqlStorage, most: number) {
    this.#sql = sql;
    this.#most = most;
  }

  open(id: number): PackSink {
    return new SqlSink(this.#sql, id, (bytes) => this.#assertRoom(bytes));
  }

  // oxlint-disable-next-line require-await -- as R2 is read
  async read(id: number, start: number, length: number): Promise<ReadableStream<Uint8Array>> {
    return streamOf(this.#bytes(id, start, length));
  }

  // oxlint-disable-next-line require-await -- as R2 is written
  async remove(ids: number[]): Promise<void> {
    for (const id of ids) this.#sql.exec("DELETE FROM pack_parts WHERE pack = ?", id);
  }

  // oxlint-disable-next-line require-await -- as R2 is read
  async *#bytes(id: number, start: number, length: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < start + length;) {
      const part = Math.floor(at / PART_BYTES);
      const row = all<{ data: ArrayBuffer }>(
        this.#sql,
        "SELECT data FROM pack_parts WHERE pack = ? AND part = ?",
        id,
        part,
      )[0];
      const offset = at - part * PART_BYTES;
      const bytes = new Uint8Array(row?.data ?? new ArrayBuffer(0)).subarray(
        offset,
        offset + start + length - at,
      );
      if (bytes.length === 0) throw new EdgeError("file_damaged", `Pack ${id} is incomplete.`);
      yield bytes;
      at += bytes.length;
    }
  }

  /** @param more What a pack that is being written comes to. */
  #assertRoom(more: number): void {
    const { bytes } = one<{ bytes: number }>(
      this.#sql,
      "SELECT coalesce(sum(size), 0) AS bytes FROM packs WHERE place = 'sql'",
    );
    if (bytes + more <= this.#most) return;
    const limit = `${Math.floor(this.#most / 1024 / 1024)} MiB`;
    const message = `The account's files take ${limit}, the most that is kept without R2.`;
    throw new EdgeError("storage_full", message, { limit_bytes: this.#most });
  }
}

class SqlSink implements PackSink {
  readonly #sql: SqlStorage;
  readonly #id: number;
  readonly #assertRoom: (bytes: number) => void;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #part = 0;

  constructor(sql: SqlStorage, id: number, assertRoom: (bytes: number) => void) {
    this.#sql = sql;
    this.#id = id;
    this.#assertRoom = assertRoom;
  }

  // oxlint-disable-next-line require-await -- as R2 is written
  async write(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < PART_BYTES) return;
    const bytes = concat(this.#chunks);
    let at = 0;
    for (; bytes.length - at >= PART_BYTES; at += PART_BYTES) {
      this.#insert(bytes.subarray(at, at + PART_BYTES));
    }
    this.#chunks = [bytes.subarray(at)];
    this.#bytes = bytes.length - at;
  }

  // oxlint-disable-next-line require-await -- as R2 is written
  async end(): Promise<void> {
    if (this.#bytes > 0) this.#insert(concat(this.#chunks));
    this.#chunks = [];
  }

  // oxlint-disable-next-line require-await -- as R2 is written
  async abort(): Promise<void> {
    this.#chunks = [];
    this.#sql.exec("DELETE FROM pack_parts WHERE pack = ?", this.#id);
  }

  #insert(bytes: Uint8Array): void {
    this.#assertRoom(this.#part * PART_BYTES + bytes.length);
    this.#sql.exec(
      "INSERT INTO pack_parts (pack, part, data) VALUES (?, ?, ?)",
      this.#id,
      this.#part,
      bytes.slice().buffer,
    );
    this.#part += 1;
  }
}
