import { all, one } from "../sql/rows.js";
import type { Notice, NumberedNotice } from "./account-port.js";

/** The most rows in one call, and the most characters. How a session is listed may take a megabyte. */
const MAX_BATCH = 200;
const MAX_CHARS = 2_000_000;

/** The most notices in a row, and the most characters after which another begins: a row may hold 2 MB. */
const ROW_NOTICES = 100;
const ROW_CHARS = 100_000;

/**
 * Notices for the account, written in the transaction of their change and deleted after delivery. Those of a transaction
 * share a row, and its id.
 */
export class Outbox {
  readonly #sql: SqlStorage;
  /** The notices of the transaction that is open. */
  #open: Notice[] | undefined;
  /** Called when a notice was added. */
  onAdded: () => void = () => {};

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(notice: Notice): void {
    if (this.#open) this.#open.push(notice);
    else this.#write([notice]);
    this.onAdded();
  }

  /** Runs the work of a transaction, within it, and writes what it adds at its end. */
  collect<Value>(work: () => Value): Value {
    const outer = this.#open;
    const open = (this.#open = []);
    try {
      const value = work();
      if (outer) outer.push(...open);
      else this.#write(open);
      return value;
    } finally {
      this.#open = outer;
    }
  }

  #write(notices: Notice[]): void {
    // How the session is listed at the end is all that counts, and that there were events.
    const last = (of: Notice["kind"]) => notices.findLastIndex(({ kind }) => kind === of);
    const kept = { session: last("session"), event: last("event") };
    const wanted = notices.filter(
      ({ kind }, index) => (kind !== "session" && kind !== "event") || index === kept[kind],
    );
    let row: string[] = [];
    let chars = 0;
    const end = () => {
      if (row.length > 0) {
        this.#sql.exec("INSERT INTO outbox (data) VALUES (?)", `[${row.join(",")}]`);
      }
      [row, chars] = [[], 0];
    };
    for (const notice of wanted) {
      const text = JSON.stringify(notice);
      row.push(text);
      chars += text.length;
      if (row.length >= ROW_NOTICES || chars > ROW_CHARS) end();
    }
    end();
  }

  /** The oldest notices, with the ids of their rows. */
  next(): NumberedNotice[] {
    const notices: NumberedNotice[] = [];
    let chars = 0;
    const rows = this.#sql.exec<{ id: number; data: string }>(
      "SELECT id, data FROM outbox ORDER BY id LIMIT ?",
      MAX_BATCH,
    );
    for (const { id, data } of rows) {
      chars += data.length;
      if (chars > MAX_CHARS && notices.length > 0) break;
      for (const notice of JSON.parse(data) as Notice[]) notices.push({ id, notice });
    }
    return notices;
  }

  get isEmpty(): boolean {
    return all(this.#sql, "SELECT 1 FROM outbox LIMIT 1").length === 0;
  }

  /** Removes a notice that is not to be delivered from those with its id. */
  remove(id: number, index: number): void {
    const { data } = one<{ data: string }>(this.#sql, "SELECT data FROM outbox WHERE id = ?", id);
    const left = (JSON.parse(data) as Notice[]).toSpliced(index, 1);
    if (left.length === 0) this.#sql.exec("DELETE FROM outbox WHERE id = ?", id);
    else this.#sql.exec("UPDATE outbox SET data = ? WHERE id = ?", JSON.stringify(left), id);
  }

  /** Deletes delivered notices up to an id. */
  delivered(upTo: number): void {
    this.#sql.exec("DELETE FROM outbox WHERE id <= ?", upTo);
  }
}
