import {
  DEFAULT_SCOPES,
  TOKEN_LIFE_S,
  type CreateTokenRequest,
  type Scope,
  type TokenList,
  type TokenResource,
} from "@claude-edge/protocol";

import { iso } from "../iso.js";
import { all } from "../sql/rows.js";

interface TokenRow {
  position: number;
  id: string;
  name: string | null;
  scopes: string | null;
  session_id: string | null;
  request_id: string | null;
  created_at: number | null;
  expires_at: number | null;
  revoked_at: number | null;
}

/** Rows are kept this long after a token's expiry, to allow for clock skew, milliseconds. */
const RETENTION_MS = 60 * 60 * 1000;

/** Metadata of the tokens that an account minted or revoked. The tokens themselves are not stored. */
export class TokenTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Times are whole seconds, as in the token. */
  create(
    account: string,
    {
      scopes = [...DEFAULT_SCOPES],
      expires_in = TOKEN_LIFE_S,
      session_id,
      request_id,
      name,
    }: CreateTokenRequest,
    now: number,
  ): TokenResource {
    const id = crypto.randomUUID();
    const createdAt = Math.floor(now / 1000) * 1000;
    this.#sql.exec("DELETE FROM tokens WHERE expires_at < ?", createdAt - RETENTION_MS);
    this.#sql.exec(
      `INSERT INTO tokens (id, name, scopes, session_id, request_id, created_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)`,
      id,
      name ?? null,
      JSON.stringify([...new Set(scopes)]),
      session_id ?? null,
      request_id ?? null,
      createdAt,
      expires_in === "never" ? null : createdAt + expires_in * 1000,
    );
    return this.get(id, account)!;
  }

  /** Keeps the first revocation's time. A token that was minted elsewhere is kept for good: its expiry is unknown. */
  revoke(id: string, now: number): void {
    this.#sql.exec(
      `INSERT INTO tokens (id, revoked_at) VALUES (?, ?)
        ON CONFLICT (id) DO UPDATE SET revoked_at = coalesce(revoked_at, excluded.revoked_at)`,
      id,
      now,
    );
  }

  isRevoked(id: string): boolean {
    const query = "SELECT 1 FROM tokens WHERE id = ? AND revoked_at IS NOT NULL";
    return all(this.#sql, query, id).length > 0;
  }

  get(id: string, account: string): TokenResource | undefined {
    const row = all<TokenRow>(this.#sql, "SELECT * FROM tokens WHERE id = ?", id)[0];
    return row && toToken(row, account);
  }

  /** Newest first, after a cursor. */
  list(account: string, cursor: number | undefined, limit: number): TokenList {
    const rows = all<TokenRow>(
      this.#sql,
      "SELECT * FROM tokens WHERE position < ? ORDER BY position DESC LIMIT ?",
      cursor ?? Number.MAX_SAFE_INTEGER,
      limit + 1,
    );
    const page = rows.slice(0, limit);
    return {
      tokens: page.map((row) => toToken(row, account)),
      ...(rows.length > limit ? { next_cursor: String(page.at(-1)!.position) } : {}),
    };
  }
}

function toToken(row: TokenRow, account: string): TokenResource {
  const { id, name, scopes, session_id, request_id, created_at, expires_at, revoked_at } = row;
  return {
    id,
    account,
    ...(name === null ? {} : { name }),
    ...(scopes === null ? {} : { scopes: JSON.parse(scopes) as Scope[] }),
    ...(session_id === null ? {} : { session_id }),
    ...(request_id === null ? {} : { request_id }),
    ...(created_at === null ? {} : { created_at: iso(created_at) }),
    expires_at: expires_at === null ? null : iso(expires_at),
    ...(revoked_at === null ? {} : { revoked_at: iso(revoked_at) }),
  };
}
