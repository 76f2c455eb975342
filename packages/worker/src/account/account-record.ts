import { all } from "../sql/rows.js";

interface Row {
  created_at: number;
  active_at: number;
  reported: number;
  reported_at: number | null;
}

/** A new account is put into the deployment's list after this, milliseconds: its first turn goes first. */
const LIST_MS = 1_000;

/** An account in use reports at most this often, milliseconds: 100 000 of them come to 110 reports a second. */
const REPORT_MS = 15 * 60_000;

/** A failed report is repeated after this, milliseconds. */
const RETRY_MS = 60_000;

/** Since when the account exists, its last activity, and when the deployment's list is to be told of it. */
export class AccountRecord {
  readonly #sql: SqlStorage;
  #activeAt = 0;
  /** It is stored that there was activity since the last report. */
  #isNoted = false;
  #notBefore = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get #row(): Row | undefined {
    return all<Row>(this.#sql, "SELECT * FROM account")[0];
  }

  get exists(): boolean {
    return this.#row !== undefined;
  }

  get createdAt(): number {
    return this.#row?.created_at ?? 0;
  }

  get activeAt(): number {
    return Math.max(this.#activeAt, this.#row?.active_at ?? 0);
  }

  /** Notes activity, which creates the account. Writes at most one row an interval. Not in a transaction that may fail. */
  touch(now: number): void {
    this.#activeAt = now;
    if (this.#isNoted) return;
    const row = this.#row;
    if (!row)
      this.#sql.exec(
        "INSERT INTO account (created_at, active_at, reported, reported_at) VALUES (?, ?, 0, NULL)",
        now,
        now,
      );
    else if (row.reported) this.#sql.exec("UPDATE account SET active_at = ?, reported = 0", now);
    this.#isNoted = true;
  }

  /** When the next report is due; undefined: there is nothing to report. */
  dueAt(): number | undefined {
    const row = this.#row;
    if (!row || row.reported) return undefined;
    const { created_at, reported_at } = row;
    const due = reported_at === null ? created_at + LIST_MS : reported_at + REPORT_MS;
    return Math.max(due, this.#notBefore);
  }

  /** A report of the state at `now` has arrived. */
  setReported(now: number): void {
    const isNewer = this.#activeAt > now;
    this.#sql.exec(
      "UPDATE account SET active_at = ?, reported = ?, reported_at = ?",
      this.activeAt,
      isNewer ? 0 : 1,
      now,
    );
    this.#isNoted = isNewer;
  }

  /** A report has failed. */
  postpone(now: number): void {
    this.#notBefore = now + RETRY_MS;
  }

  /** What was in memory is of an account that is gone. */
  forget(): void {
    this.#activeAt = 0;
    this.#isNoted = false;
  }
}
