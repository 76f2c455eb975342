import {
  DEFAULT_SCOPES,
  TOKEN_LIFE_S,
  type CreateTokenRequest,
  type Scope,
  type TokenList,
  type TokenResource,
} from "@claude-edge/protocol";

import { all } from "./rows.js";

interface TokenRow {
  position: number;
  id: string;
  name: string | null;
  scopes: string | null;
  session_id: string | null;
  created_at: number | null;
  expires_at: number | null;
  revoked_at: number | null;
}

/** Rows outlive their tokens by more than clocks are apart, milliseconds. */
const AFTERLIFE_MS = 60 * 60 * 1000;

const iso = (ms: number) => new Date(ms).toISOString();

/** The tokens that an account minted, and those it revoked; not the tokens themselves. */
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
      name,
    }: CreateTokenRequest,
    now: number,
  ): TokenResource {
    const id = crypto.randomUUID();
    const createdAt = Math.floor(now / 1000) * 1000;
    this.#sql.exec("DELETE FROM tokens WHERE expires_at < ?", createdAt - AFTERLIFE_MS);
    this.#sql.exec(
      `INSERT INTO tokens (id, name, scopes, session_id, created_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?)`,
      id,
      name ?? null,
      JSON.stringify([...new Set(scopes)]),
      session_id ?? null,
      createdAt,
      expires_in === "never" ? null : createdAt + expires_in * 1000,
    );
    return this.get(id, account)!;
  }

  /** The first time counts. One that was not minted here is written down too, for good: its time is not known. */
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

  /** Newest first, behind a cursor. */
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
  const { id, name, scopes, session_id, created_at, expires_at, revoked_at } = row;
  return {
    id,
    account,
    ...(name === null ? {} : { name }),
    ...(scopes === null ? {} : { scopes: JSON.parse(scopes) as Scope[] }),
    ...(session_id === null ? {} : { session_id }),
    ...(created_at === null ? {} : { created_at: iso(created_at) }),
    expires_at: expires_at === null ? null : iso(expires_at),
    ...(revoked_at === null ? {} : { revoked_at: iso(revoked_at) }),
  };
}
