import { EdgeError } from "@claude-edge/protocol";

import type { KeyUse, Store } from "./store.js";

/** Makes a POST repeatable: its key, and a digest of what it asked for. */
export interface Idempotency {
  key: string;
  fingerprint: string;
}

/** The idempotency keys of an account's requests, and what they were used for. */
export class IdempotencyKeys {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What a request has made that came before with the same key. @throws EdgeError `idempotency_conflict`. */
  useOf(once: Idempotency | undefined): KeyUse | undefined {
    const use = once && this.#store.keyUse(once.key);
    if (use && use.fingerprint !== once.fingerprint) {
      const message = "This Idempotency-Key was used for a different request.";
      throw new EdgeError("idempotency_conflict", message);
    }
    return use;
  }

  /** Notes what a request has made. Call it in that transaction. */
  remember(once: Idempotency | undefined, session: string, turn: string | null): void {
    if (!once) return;
    const use = { fingerprint: once.fingerprint, session_id: session, turn_id: turn };
    this.#store.rememberKey(once.key, use, Date.now());
  }
}
