import { EdgeError } from "@claude-edge/protocol";
import { noConversation } from "@claude-edge/protocol/internal";

import { eachAtMost } from "../each-at-most.js";
import type { SessionAdmission } from "../session/account-port.js";
import type { Allowance } from "./allowance.js";
import type { Directory } from "./directory.js";
import type { Feed } from "./feed.js";
import type { IdempotencyKeys } from "./idempotency-keys.js";
import type { SessionPort } from "./ports.js";

/** A directory entry is removed by the next alarm if its session does not exist after this, milliseconds. */
const UNCONFIRMED_MS = 10 * 60_000;

/** Sessions that the alarm asks at a time whether they exist. */
const ASKED_AT_ONCE = 20;

/** The parts of an account that sessions are admitted with. */
interface Parts {
  directory: Directory;
  keys: IdempotencyKeys;
  feed: Feed;
  allowance(): Allowance;
  /** A session is about to be stored. */
  touch(): void;
  session(id: string): SessionPort;
  removeSession(id: string): void;
}

/** Admits sessions to the account's directory, and takes out those whose creation failed. */
export class SessionAdmissions {
  readonly #storage: DurableObjectStorage;
  readonly #parts: Parts;

  constructor(storage: DurableObjectStorage, parts: Parts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /**
   * Lists a session that is about to be made; `hidden`: not before it says that it exists. Gives its id, or that of the
   * session that its key made before. @throws EdgeError `session_not_found`, and as the allowance.
   */
  admit(
    { session, idempotency, listed }: Omit<SessionAdmission, "check">,
    hidden: boolean,
  ): string {
    const { directory, keys, feed } = this.#parts;
    const known = keys.useOf(idempotency);
    if (known && !directory.has(known.session_id)) {
      throw new EdgeError("session_not_found", noConversation(known.session_id));
    }
    if (known) return known.session_id;
    if (directory.has(session)) return session;
    this.#parts.allowance().assertSession();
    this.#parts.touch();
    this.#storage.transactionSync(() => {
      const now = Date.now();
      directory.reserve(listed, hidden, now);
      feed.ofSession(session, "created");
      keys.remember(idempotency, session, null, now);
    });
    return session;
  }

  /** Forgets a session that was to be created and was not: its key may make it again. One that exists stays. */
  removeUnmade(session: string): void {
    if (!this.#parts.directory.isUnconfirmed(session)) return;
    this.#parts.keys.forget(session);
    this.#parts.removeSession(session);
  }

  /** Takes out what was listed long ago and does not exist. */
  async removeAllUnmade(now: number): Promise<void> {
    const unconfirmed = this.#parts.directory.unconfirmed(now - UNCONFIRMED_MS);
    await eachAtMost(ASKED_AT_ONCE, unconfirmed, async (session) => {
      const exists = await this.#parts
        .session(session)
        .exists()
        .catch(() => true);
      if (!exists) this.removeUnmade(session);
    });
  }
}
