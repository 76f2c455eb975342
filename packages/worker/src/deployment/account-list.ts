import type { AccountList, AccountResource } from "@claude-edge/protocol";

import { readCursor, writeCursor } from "../sql/cursor.js";
import { all } from "../sql/rows.js";

/** ?1 and ?2 are the last row of the page before, ?3 the limit. */
const LIST = `
  SELECT name, resource, active_at FROM accounts
  WHERE ?1 IS NULL OR (active_at, name) < (?1, ?2)
  ORDER BY active_at DESC, name DESC LIMIT ?3`;

/** The accounts of a deployment, as they last reported themselves. */
export class AccountListing {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  set(account: AccountResource): void {
    this.#sql.exec(
      `INSERT INTO accounts (name, resource, active_at) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET resource = excluded.resource, active_at = excluded.active_at`,
      account.name,
      JSON.stringify(account),
      Date.parse(account.last_active_at),
    );
  }

  remove(name: string): void {
    this.#sql.exec("DELETE FROM accounts WHERE name = ?", name);
  }

  /** The last active first. @throws EdgeError `invalid_request` for a cursor that did not come from here. */
  page(cursor: string | undefined, limit: number): AccountList {
    const before = cursor ? readCursor(cursor) : undefined;
    const rows = all<{ name: string; resource: string; active_at: number }>(
      this.#sql,
      LIST,
      before?.time ?? null,
      before?.id ?? null,
      limit + 1,
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      accounts: page.map(({ resource }) => JSON.parse(resource) as AccountResource),
      ...(last && rows.length > limit
        ? { next_cursor: writeCursor(last.active_at, last.name) }
        : {}),
    };
  }
}
