import { all } from "./rows.js";

/** A container that an account knows of. */
export interface ContainerRow {
  name: string;
  boot: string;
  cursor: number;
  used_at: number;
}

/** The containers an account knows of, and the sessions whose process is ready in one. */
export class ContainerTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(name: string): ContainerRow | undefined {
    return all<ContainerRow>(this.#sql, "SELECT * FROM containers WHERE name = ?", name)[0];
  }

  all(): ContainerRow[] {
    return all<ContainerRow>(this.#sql, "SELECT * FROM containers");
  }

  /** Frames of a boot's log up to the cursor are applied. */
  setCursor(name: string, boot: string, cursor: number, now: number): void {
    this.#sql.exec(
      `INSERT INTO containers VALUES (?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, cursor = excluded.cursor, used_at = excluded.used_at`,
      name,
      boot,
      cursor,
      now,
    );
  }

  delete(name: string): void {
    this.#sql.exec("DELETE FROM containers WHERE name = ?", name);
    this.#sql.exec("DELETE FROM spares WHERE container = ?", name);
  }

  addSpare(session: string, container: string, boot: string, asks: boolean): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO spares (session_id, container, boot, asks) VALUES (?, ?, ?, ?)",
      session,
      container,
      boot,
      asks ? 1 : 0,
    );
  }

  /** Takes a session id whose process is ready in the container, the newest of its kind, if there is one. */
  takeSpare(container: string, asks: boolean): string | undefined {
    const spare = all<{ session_id: string }>(
      this.#sql,
      "DELETE FROM spares WHERE session_id = (SELECT session_id FROM spares WHERE container = ? AND asks = ? ORDER BY rowid DESC LIMIT 1) RETURNING session_id",
      container,
      asks ? 1 : 0,
    )[0];
    return spare?.session_id;
  }

  dropSpares(container: string): void {
    this.#sql.exec("DELETE FROM spares WHERE container = ?", container);
  }
}
