import { EdgeError } from "@claude-edge/protocol";

import { all } from "../sql/rows.js";
import type { Idempotency } from "./account-port.js";

/** How long keys are remembered, milliseconds. */
export const KEY_LIFE_MS = 24 * 60 * 60 * 1000;

/** @throws EdgeError `idempotency_conflict` when a key was used for another request. */
export function assertSameRequest(idempotency: Idempotency, fingerprint: string): void {
  if (fingerprint === idempotency.fingerprint) return;
  const message = "This Idempotency-Key was used for a different request.";
  throw new EdgeError("idempotency_conflict", message);
}

/** Idempotency keys of a session's requests that create no turn. */
export class IdempotencyTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Whether a request with the same key was handled before. @throws EdgeError `idempotency_conflict`. */
  isUsed(idempotency: Idempotency | undefined): boolean {
    if (!idempotency) return false;
    const query = "SELECT fingerprint FROM idempotency WHERE key = ?";
    const [use] = all<{ fingerprint: string }>(this.#sql, query, idempotency.key);
    if (!use) return false;
    assertSameRequest(idempotency, use.fingerprint);
    return true;
  }

  /** Records a request as handled. Call it in the request's transaction. */
  remember(idempotency: Idempotency | undefined, now: number): void {
    if (!idempotency) return;
    this.#sql.exec("DELETE FROM idempotency WHERE created_at < ?", now - KEY_LIFE_MS);
    this.#sql.exec(
      "INSERT INTO idempotency (key, fingerprint, created_at) VALUES (?, ?, ?)",
      idempotency.key,
      idempotency.fingerprint,
      now,
    );
  }
}
