import { all } from "../sql/rows.js";

/** The newest of them are kept: one that was given up on long ago does not run any more. */
const MAX_KEPT = 8;

/**
 * Runners that were given up on, by their boots. Such a runner may live and still have frames that were applied here: it
 * is stopped before its container is used again, and its log is never read again.
 */
export class LostRunners {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  has(boot: string): boolean {
    return all(this.#sql, "SELECT 1 FROM lost_runners WHERE boot = ?", boot).length > 0;
  }

  add(boot: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO lost_runners (boot) VALUES (?)", boot);
    this.#sql.exec(
      `DELETE FROM lost_runners WHERE position <=
        (SELECT position FROM lost_runners ORDER BY position DESC LIMIT 1 OFFSET ?)`,
      MAX_KEPT,
    );
  }
}
