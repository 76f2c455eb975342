import { EdgeError } from "@claude-edge/protocol";

import { partKey } from "../sql/parts.js";
import { all, one } from "../sql/rows.js";
import { mib, storageFull, type StorageRoom } from "../sql/storage-room.js";
import { concat } from "../bytes.js";
import { streamOf } from "./byte-reader.js";
import type { PackName, Packs, PackSink } from "./packs.js";

/** Size of a row's data, for all parts of a pack but the last. A row may hold 2 MB. */
const PART_BYTES = 1024 * 1024;

/** Packs as rows in the session's SQLite, for deployments without R2. Limited, because the rest has to fit in too. */
export class SqlPacks implements Packs {
  readonly #sql: SqlStorage;
  readonly #room: StorageRoom;
  readonly #limitBytes: number;
  /** What the packs take, those that are being written with them. Summed up when first asked. */
  #usedBytes: number | undefined;

  constructor(sql: SqlStorage, room: StorageRoom, limitBytes: number) {
    this.#sql = sql;
    this.#room = room;
    this.#limitBytes = limitBytes;
  }

  open({ id }: PackName): PackSink {
    return new SqlSink(this.#sql, id, (bytes) => this.#take(bytes));
  }

  // oxlint-disable-next-line require-await -- as R2 is read
  async read({ id }: PackName, start: number, length: number): Promise<ReadableStream<Uint8Array>> {
    return streamOf(this.#bytes(id, start, length));
  }

  /** Call it before the pack's row is deleted. */
  remove({ id, size }: { id: number; size: number }): void {
    deleteParts(this.#sql, id);
    this.#take(-size);
  }

  // oxlint-disable-next-line require-await -- as R2 is read
  async *#bytes(id: number, start: number, length: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < start + length;) {
      const part = Math.floor(at / PART_BYTES);
      const row = all<{ data: ArrayBuffer }>(
        this.#sql,
        "SELECT data FROM pack_parts WHERE id = ?",
        partKey(id, part),
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

  /** Takes room, or gives it back. @throws EdgeError `storage_full`. */
  #take(bytes: number): void {
    this.#usedBytes ??= one<{ bytes: number }>(
      this.#sql,
      "SELECT coalesce(sum(size), 0) AS bytes FROM packs WHERE key IS NULL",
    ).bytes;
    if (bytes > 0 && this.#usedBytes + bytes > this.#limitBytes) {
      const limit = mib(this.#limitBytes);
      const message = `The session's files take ${limit}, the most that is kept without R2`;
      throw storageFull(message, this.#limitBytes);
    }
    if (bytes > 0) this.#room.assertFree("The session");
    this.#usedBytes += bytes;
  }
}

function deleteParts(sql: SqlStorage, pack: number): void {
  sql.exec(
    "DELETE FROM pack_parts WHERE id >= ? AND id < ?",
    partKey(pack, 0),
    partKey(pack + 1, 0),
  );
}

class SqlSink implements PackSink {
  readonly #sql: SqlStorage;
  readonly #id: number;
  /** Takes room, or gives it back. */
  readonly #take: (bytes: number) => void;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #part = 0;
  /** Bytes in rows. */
  #stored = 0;

  constructor(sql: SqlStorage, id: number, take: (bytes: number) => void) {
    this.#sql = sql;
    this.#id = id;
    this.#take = take;
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
    deleteParts(this.#sql, this.#id);
    this.#take(-this.#stored);
    this.#stored = 0;
  }

  #insert(bytes: Uint8Array): void {
    this.#take(bytes.length);
    this.#sql.exec(
      "INSERT INTO pack_parts (id, data) VALUES (?, ?)",
      partKey(this.#id, this.#part),
      bytes.slice().buffer,
    );
    this.#part += 1;
    this.#stored += bytes.length;
  }
}
