import { EdgeError, type RequestStatus } from "@claude-edge/protocol";

import { all } from "../sql/rows.js";

/** A request without its payload, which the session stores. */
export interface IndexedRequest {
  id: string;
  session_id: string;
}

const MAX_LISTED = 200;

/** An index of the requests of all sessions, to list them. */
export class RequestIndex {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  set(id: string, session: string, status: RequestStatus): void {
    this.#sql.exec(
      `INSERT INTO requests (id, session_id, status) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET status = excluded.status
          WHERE session_id = excluded.session_id`,
      id,
      session,
      status,
    );
  }

  has(id: string): boolean {
    return all(this.#sql, "SELECT 1 FROM requests WHERE id = ?", id).length > 0;
  }

  isPending(id: string): boolean {
    const query = "SELECT 1 FROM requests WHERE id = ? AND status = 'pending'";
    return all(this.#sql, query, id).length > 0;
  }

  /** A page of the list, oldest first. @throws EdgeError `request_not_found` for a cursor. */
  page(status: RequestStatus | undefined, after: string | undefined): IndexedRequest[] {
    if (after !== undefined && !this.has(after)) {
      throw new EdgeError("request_not_found", `There is no request ${after}.`);
    }
    return this.list(status, after);
  }

  /** Oldest first. */
  list(
    status: RequestStatus | undefined,
    after: string | undefined,
    limit: number = MAX_LISTED,
  ): IndexedRequest[] {
    return all<IndexedRequest>(
      this.#sql,
      `SELECT id, session_id FROM requests
        WHERE (?1 IS NULL OR status = ?1)
          AND position > coalesce((SELECT position FROM requests WHERE id = ?2), 0)
        ORDER BY position LIMIT ?3`,
      status ?? null,
      after ?? null,
      limit,
    );
  }

  removeAllOf(session: string): void {
    this.#sql.exec("DELETE FROM requests WHERE session_id = ?", session);
  }
}
