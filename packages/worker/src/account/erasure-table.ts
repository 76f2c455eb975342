import { backoff } from "../backoff.js";
import { all } from "../sql/rows.js";

interface Row {
  started_at: number;
  ended_at: number | null;
  failures: number;
  error: string | null;
}

/** A failed step is first repeated after this, milliseconds. */
const RETRY_MS = 1_000;

const SECOND_MS = 1_000;

/** The account's erasure: the one that goes on, or when the last one was. */
export class ErasureTable {
  readonly #sql: SqlStorage;
  #row: Row | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#row = all<Row>(sql, "SELECT * FROM erasure")[0];
  }

  /** The erasure that goes on. */
  get open(): { startedAt: number; error: string | null } | undefined {
    if (!this.#row || this.#row.ended_at !== null) return undefined;
    return { startedAt: this.#row.started_at, error: this.#row.error };
  }

  begin(now: number): void {
    this.#set({ started_at: now, ended_at: null, failures: 0, error: null });
  }

  /** A step went through, or why it did not. */
  note(error: string | undefined): void {
    const { failures } = this.#row!;
    if (error === undefined && failures === 0) return;
    const failed = error === undefined ? 0 : failures + 1;
    this.#set({ ...this.#row!, failures: failed, error: error ?? null });
  }

  /** How long the next step waits, milliseconds. */
  get pauseMs(): number {
    const { failures } = this.#row!;
    return failures === 0 ? 0 : backoff(RETRY_MS, failures);
  }

  /** Tokens name whole seconds: those of the second in which it began must not open what is made after its end. */
  get endsFrom(): number {
    return (Math.floor(this.#row!.started_at / SECOND_MS) + 1) * SECOND_MS;
  }

  /** Call it when the tables are empty, in the same transaction. */
  keepEnded(now: number): void {
    this.#set({ ...this.#row!, ended_at: now, failures: 0, error: null });
  }

  /** A token that was issued then is of an account that was erased since. */
  isOlder(issuedAt: number): boolean {
    return this.#row !== undefined && issuedAt <= this.#row.started_at;
  }

  /** A model call that began then is of an account that was erased since, or is being erased. */
  isGone(begunAt: number): boolean {
    return this.#row !== undefined && begunAt <= (this.#row.ended_at ?? Infinity);
  }

  #set(row: Row): void {
    this.#row = row;
    this.#sql.exec("DELETE FROM erasure");
    const { started_at, ended_at, failures, error } = row;
    this.#sql.exec(
      "INSERT INTO erasure (started_at, ended_at, failures, error) VALUES (?, ?, ?, ?)",
      started_at,
      ended_at,
      failures,
      error,
    );
  }
}
