import { assertSameRequest, KEY_LIFE_MS } from "../session/idempotency-table.js";
import type { Idempotency } from "../session/account-port.js";
import { all } from "../sql/rows.js";

/** Old keys are looked for this often, milliseconds: an index to find them by would be another row for each key. */
const PURGE_MS = 60 * 60_000;

/** What an idempotency key was first used for. */
interface KeyUse {
  fingerprint: string;
  session_id: string;
  turn_id: string | null;
}

/** Idempotency keys of requests that create sessions, turns and tokens, and what each created. */
export class IdempotencyKeys {
  readonly #sql: SqlStorage;
  #purgedAt = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** What an earlier request with the same key created. @throws EdgeError `idempotency_conflict`. */
  useOf(idempotency: Idempotency | undefined): KeyUse | undefined {
    if (!idempotency) return undefined;
    const query = "SELECT fingerprint, session_id, turn_id FROM idempotency WHERE key = ?";
    const [use] = all<KeyUse>(this.#sql, query, idempotency.key);
    if (use) assertSameRequest(idempotency, use.fingerprint);
    return use;
  }

  /** Records what a request creates. Call it in the request's transaction. */
  remember(
    idempotency: Idempotency | undefined,
    session: string,
    turn: string | null,
    now: number,
  ): void {
    if (!idempotency) return;
    if (now - this.#purgedAt > PURGE_MS) {
      this.#purgedAt = now;
      this.#sql.exec("DELETE FROM idempotency WHERE created_at < ?", now - KEY_LIFE_MS);
    }
    this.#sql.exec(
      "INSERT INTO idempotency (key, fingerprint, session_id, turn_id, created_at) VALUES (?, ?, ?, ?, ?)",
      idempotency.key,
      idempotency.fingerprint,
      session,
      turn,
      now,
    );
  }

  /** What was to be made was not: its keys have not been used. */
  forget(session: string): void {
    this.#sql.exec("DELETE FROM idempotency WHERE session_id = ?", session);
  }
}
