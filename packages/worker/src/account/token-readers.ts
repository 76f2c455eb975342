import { all } from "../sql/rows.js";

/** A session that was read with a token. */
interface Reading {
  token: string;
  session_id: string;
}

/** Which sessions were read with which token, to notify them when it is revoked. */
export class TokenReaders {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(token: string, session: string): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO token_readers (token, session_id) VALUES (?, ?)",
      token,
      session,
    );
  }

  /** Readings with revoked tokens whose sessions have not been told. */
  untold(): Reading[] {
    return all<Reading>(
      this.#sql,
      `SELECT token, token_readers.session_id FROM tokens JOIN token_readers ON token = tokens.id
        WHERE revoked_at IS NOT NULL`,
    );
  }

  setTold({ token, session_id }: Reading): void {
    const query = "DELETE FROM token_readers WHERE token = ? AND session_id = ?";
    this.#sql.exec(query, token, session_id);
  }

  removeAllOf(session: string): void {
    this.#sql.exec("DELETE FROM token_readers WHERE session_id = ?", session);
  }
}
