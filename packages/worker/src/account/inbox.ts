import { all } from "../sql/rows.js";

/** How far the outbox of each session has been applied. */
export class Inbox {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The id of the last applied notice of a session; 0 for none. */
  applied(session: string): number {
    const query = "SELECT applied FROM inbox WHERE session_id = ?";
    return all<{ applied: number }>(this.#sql, query, session)[0]?.applied ?? 0;
  }

  setApplied(session: string, id: number): void {
    this.#sql.exec(
      `INSERT INTO inbox (session_id, applied) VALUES (?, ?)
        ON CONFLICT (session_id) DO UPDATE SET applied = excluded.applied`,
      session,
      id,
    );
  }

  /** Forgets a removed session: a later session with the same id starts at 0. */
  remove(session: string): void {
    this.#sql.exec("DELETE FROM inbox WHERE session_id = ?", session);
  }
}
