import type {
  SessionList,
  SessionResource,
  SessionStatus,
  TurnStatus,
} from "@claude-edge/protocol";

import { readCursor, writeCursor } from "../sql/cursor.js";
import { all, one } from "../sql/rows.js";
import { networkOf } from "./network.js";

interface Row {
  resource: string;
  /** The status of its first open turn. */
  open: TurnStatus | null;
}

/** Which sessions are listed: those that fit all that is given. */
export interface SessionFilter {
  tag?: string | undefined;
  status?: SessionStatus | undefined;
  /** Text in the title, in upper or lower case. */
  title?: string | undefined;
}

/** ?1 to ?3 are the filter, ?4 and ?5 the last row of the page before, ?6 the limit. */
const LIST = `
  SELECT * FROM (
    SELECT id, resource, updated_at, (
      SELECT status FROM turns WHERE session_id = sessions.id ORDER BY position LIMIT 1
    ) AS open FROM sessions WHERE hidden = 0
  )
  WHERE (?1 IS NULL OR EXISTS (SELECT 1 FROM json_each(resource, '$.tags') WHERE value = ?1))
    AND (?2 IS NULL OR ?2 = CASE WHEN open IS NULL THEN 'idle' WHEN open = 'waiting' THEN open ELSE 'running' END)
    AND (?3 IS NULL OR instr(lower(json_extract(resource, '$.title')), lower(?3)) > 0)
    AND (?4 IS NULL OR (updated_at, id) < (?4, ?5))
  ORDER BY updated_at DESC, id DESC LIMIT ?6`;

/** The sessions of an account, as its lists show them. */
export class Directory {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Adds a session that is about to be created. `hidden`: it is not listed until it confirms its creation. */
  reserve(resource: SessionResource, hidden: boolean, now: number): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO sessions (id, resource, hidden, unconfirmed_since, updated_at, network)
        VALUES (?, ?, ?, ?, ?, ?)`,
      resource.id,
      JSON.stringify(resource),
      hidden ? 1 : 0,
      now,
      now,
      networkColumn(resource),
    );
  }

  /**
   * Updates and confirms a session's entry. A removed session stays removed. Says what is new to readers of the list: more
   * than that the session goes on.
   */
  show(resource: SessionResource, storedBytes: number): "created" | "changed" | undefined {
    const [before] = all<{ resource: string; hidden: number; unconfirmed_since: number | null }>(
      this.#sql,
      "SELECT resource, hidden, unconfirmed_since FROM sessions WHERE id = ?",
      resource.id,
    );
    if (!before) return undefined;
    this.#sql.exec(
      `UPDATE sessions SET resource = ?, hidden = 0, unconfirmed_since = NULL, updated_at = ?,
        stored_bytes = ?, network = ? WHERE id = ?`,
      JSON.stringify(resource),
      Date.parse(resource.updated_at),
      storedBytes,
      networkColumn(resource),
      resource.id,
    );
    if (before.hidden) return "created";
    if (before.unconfirmed_since !== null) return undefined;
    return settingsOf(JSON.parse(before.resource) as SessionResource) === settingsOf(resource)
      ? undefined
      : "changed";
  }

  has(id: string): boolean {
    return all(this.#sql, "SELECT 1 FROM sessions WHERE id = ?", id).length > 0;
  }

  /** Whether lists show it: a fork they do not until it is complete. */
  isListed(id: string): boolean {
    return all(this.#sql, "SELECT 1 FROM sessions WHERE id = ? AND hidden = 0", id).length > 0;
  }

  /** Whether it has not been said yet that the session exists. */
  isUnconfirmed(id: string): boolean {
    const query = "SELECT 1 FROM sessions WHERE id = ? AND unconfirmed_since IS NOT NULL";
    return all(this.#sql, query, id).length > 0;
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM sessions WHERE id = ?", id);
  }

  get count(): number {
    return one<{ count: number }>(this.#sql, "SELECT count(*) AS count FROM sessions").count;
  }

  /** The sessions in sum; `newest` is the last activity of any, 0 without sessions. */
  sums(): { sessions: number; bytes: number; newest: number } {
    return one(
      this.#sql,
      `SELECT count(*) AS sessions, coalesce(sum(stored_bytes), 0) AS bytes,
        coalesce(max(updated_at), 0) AS newest FROM sessions`,
    );
  }

  /** Sessions without an open turn that were last used up to a time, oldest first; `after` is the last of the step before. */
  idleSince(
    time: number,
    limit: number,
    after?: { time: number; id: string },
  ): { time: number; id: string }[] {
    return all(
      this.#sql,
      `SELECT id, updated_at AS time FROM sessions
        WHERE updated_at <= ? AND unconfirmed_since IS NULL AND (updated_at, id) > (?, ?)
          AND NOT EXISTS (SELECT 1 FROM turns WHERE session_id = sessions.id)
        ORDER BY updated_at, id LIMIT ?`,
      time,
      after?.time ?? 0,
      after?.id ?? "",
      limit,
    );
  }

  /** A page of the list, newest first. @throws EdgeError `invalid_request` for a cursor that did not come from here. */
  page(cursor: string | undefined, limit: number, filter: SessionFilter): SessionList {
    const before = cursor ? readCursor(cursor) : undefined;
    const sessions = this.list(limit + 1, before, filter);
    if (sessions.length <= limit) return { sessions };
    const page = sessions.slice(0, limit);
    const last = page.at(-1)!;
    return { sessions: page, next_cursor: writeCursor(Date.parse(last.updated_at), last.id) };
  }

  /** Newest first; `before` is the last row of the page before. */
  list(
    limit: number,
    before?: { time: number; id: string },
    { tag, status, title }: SessionFilter = {},
  ): SessionResource[] {
    const rows = all<Row>(
      this.#sql,
      LIST,
      tag ?? null,
      status ?? null,
      title ?? null,
      before?.time ?? null,
      before?.id ?? null,
      limit,
    );
    return rows.map(({ resource, open }) => ({
      ...(JSON.parse(resource) as SessionResource),
      status: open === "waiting" ? "waiting" : open ? "running" : "idle",
    }));
  }

  /** Sessions that were added before a time and never confirmed: they may not exist. */
  unconfirmed(before: number): string[] {
    return all<{ id: string }>(
      this.#sql,
      "SELECT id FROM sessions WHERE unconfirmed_since <= ?",
      before,
    ).map(({ id }) => id);
  }
}

/** What callers set of a session, comparable. */
function settingsOf(resource: SessionResource): string {
  const { status: _s, last_seq: _l, updated_at: _u, expires_at: _e, ...settings } = resource;
  return JSON.stringify(settings);
}

function networkColumn(resource: SessionResource): string | null {
  const network = networkOf(resource);
  return network ? JSON.stringify(network) : null;
}
