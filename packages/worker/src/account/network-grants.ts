import type { NetworkScope } from "@claude-edge/protocol";

import { all } from "../sql/rows.js";

/** Grants of the account, of a session and of a turn that are kept: the newest. */
const MAX_GRANTS = 500;

/** Hosts that were allowed when somebody was asked about them, for the account, a session or a turn. */
export class NetworkGrants {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(host: string, scope: NetworkScope, session: string, turn: string): void {
    const sessionId = scope === "account" ? "" : session;
    const turnId = scope === "turn" ? turn : "";
    this.#sql.exec(
      "INSERT OR IGNORE INTO network_grants (session_id, turn_id, host) VALUES (?, ?, ?)",
      sessionId,
      turnId,
      host,
    );
    this.#sql.exec(
      `DELETE FROM network_grants WHERE position IN (
        SELECT position FROM network_grants WHERE session_id = ? AND turn_id = ?
        ORDER BY position DESC LIMIT -1 OFFSET ${MAX_GRANTS})`,
      sessionId,
      turnId,
    );
  }

  /** What is granted to a session and to a turn of it. */
  of({ id, turn }: { id: string; turn: string }): string[] {
    const query = "SELECT host FROM network_grants WHERE session_id = ? AND turn_id IN ('', ?)";
    return hosts(all(this.#sql, query, id, turn));
  }

  get ofAccount(): string[] {
    const query = "SELECT host FROM network_grants WHERE session_id = '' ORDER BY position";
    return hosts(all(this.#sql, query));
  }

  /** Withdraws what is granted to the account, but for some hosts. */
  withdraw(kept: readonly string[]): void {
    for (const host of this.ofAccount) {
      if (kept.includes(host)) continue;
      this.#sql.exec("DELETE FROM network_grants WHERE session_id = '' AND host = ?", host);
    }
  }

  endTurn(session: string, turn: string): void {
    const query = "DELETE FROM network_grants WHERE session_id = ? AND turn_id = ?";
    this.#sql.exec(query, session, turn);
  }

  endAllOf(session: string): void {
    this.#sql.exec("DELETE FROM network_grants WHERE session_id = ?", session);
  }
}

const hosts = (rows: { host: string }[]) => rows.map(({ host }) => host);
