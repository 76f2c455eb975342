import type { CreateTokenRequest, TokenList, TokenResource } from "@claude-edge/protocol";

import { backoff } from "../backoff.js";
import { eachAtMost } from "../each-at-most.js";
import { logger } from "../logger.js";
import type { Idempotency } from "../session/account-port.js";
import type { Audit } from "./audit.js";
import type { IdempotencyKeys } from "./idempotency-keys.js";
import type { SessionPort } from "./ports.js";
import { TokenReaders } from "./token-readers.js";
import { TokenTable } from "./token-table.js";

/** A session that could not be told of a revoked token is first told again after this, milliseconds. */
const RETRY_MS = 5_000;

/** Sessions that are told at a time. */
const AT_ONCE = 20;

interface TokensHost {
  readonly name: string;
  readonly keys: IdempotencyKeys;
  readonly audit: Audit;
  session(id: string): SessionPort;
  /** Sees to an alarm: sessions that cannot be told now are told then. */
  arm(): void;
}

/** The tokens of an account: made, listed, revoked; sessions that are read with one are told that it was revoked. */
export class Tokens {
  readonly #storage: DurableObjectStorage;
  readonly #host: TokensHost;
  readonly #table: TokenTable;
  readonly #readers: TokenReaders;
  /** Rounds in which a session could not be told, since the last in which all were. */
  #failures = 0;
  #isTellingDue: boolean;

  constructor(storage: DurableObjectStorage, host: TokensHost) {
    this.#storage = storage;
    this.#host = host;
    this.#table = new TokenTable(storage.sql);
    this.#readers = new TokenReaders(storage.sql);
    this.#isTellingDue = this.#readers.untold().length > 0;
  }

  isRevoked(token: string): boolean {
    return this.#table.isRevoked(token);
  }

  /** Notes that a session is read with a token. */
  addReader(token: string, session: string): void {
    this.#readers.add(token, session);
  }

  removeReaders(session: string): void {
    this.#readers.removeAllOf(session);
  }

  /** Stores a token that is about to be signed. @throws EdgeError `idempotency_conflict`. */
  create(request: CreateTokenRequest, idempotency?: Idempotency): TokenResource {
    const { name, keys, audit } = this.#host;
    const used = keys.useOf(idempotency);
    // `session_id` holds the token's id: the fingerprint covers the path, so this key was used to create a token.
    const made = used && this.#table.get(used.session_id, name);
    if (made) return made;
    return this.#storage.transactionSync(() => {
      const now = Date.now();
      const token = this.#table.create(name, request, now);
      if (!used) keys.remember(idempotency, token.id, null, now);
      const { id, account: _account, created_at: _created, ...details } = token;
      audit.add("token.created", id, { details });
      return token;
    });
  }

  /** Newest first. */
  list(cursor: number | undefined, limit: number): TokenList {
    return this.#table.list(this.#host.name, cursor, limit);
  }

  /** Revokes a token and ends the streams that use it. */
  async revoke(id: string): Promise<TokenResource> {
    this.#storage.transactionSync(() => {
      if (this.#table.isRevoked(id)) return;
      this.#table.revoke(id, Date.now());
      this.#host.audit.add("token.revoked", id);
    });
    await this.tellRevoked();
    return this.#table.get(id, this.#host.name)!;
  }

  /** When the alarm has to tell a session that a token was revoked; undefined: all know. */
  dueAt(): number | undefined {
    return this.#isTellingDue ? Date.now() + backoff(RETRY_MS, this.#failures) : undefined;
  }

  /** Ends what is read with tokens that were revoked. A session that cannot be told now is told by the alarm. */
  async tellRevoked(): Promise<void> {
    const untold = this.#readers.untold();
    this.#isTellingDue = untold.length > 0;
    if (!this.#isTellingDue) return;
    this.#host.arm();
    let isToldToAll = true;
    await eachAtMost(AT_ONCE, untold, async (reading) => {
      try {
        await this.#host.session(reading.session_id).revokeToken(reading.token);
        this.#readers.setTold(reading);
      } catch (error) {
        isToldToAll = false;
        const { session_id: session } = reading;
        logger.warn("session not told of a revocation", {
          account: this.#host.name,
          session,
          error,
        });
      }
    });
    this.#isTellingDue = !isToldToAll;
    this.#failures = isToldToAll ? 0 : this.#failures + 1;
    if (this.#isTellingDue) this.#host.arm();
  }
}
