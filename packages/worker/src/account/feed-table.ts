import { FEED_KEPT_MS, MAX_FEED_ENTRIES, type FeedEntry } from "@claude-edge/protocol";

import { all, one } from "../sql/rows.js";

/** Old entries are removed each time so many were added. */
const SWEEP_EVERY = 100;

/** Entries that are read at a time. */
const BATCH = 100;

/** An entry that is about to be written. */
export type NewFeedEntry = Omit<FeedEntry, "seq" | "at">;

/** What of the feed a reader may see: all that fits what is given. */
export interface FeedFilter {
  session?: string | undefined;
  requestsOnly?: boolean | undefined;
}

interface Row {
  seq: number;
  at: number;
  session_id: string;
  kind: FeedEntry["kind"];
  ids: string;
}

/** The entries of the account's feed: those of a day, and a bounded number. */
export class FeedTable {
  readonly #sql: SqlStorage;
  readonly #most: number;
  #added = 0;

  constructor(sql: SqlStorage, most: number = MAX_FEED_ENTRIES) {
    this.#sql = sql;
    this.#most = most;
  }

  /** Call it in the transaction of the change. */
  add({ session_id, kind, ...ids }: NewFeedEntry, now: number): void {
    this.#sql.exec(
      "INSERT INTO feed (seq, at, session_id, kind, ids) VALUES (?, ?, ?, ?, ?)",
      Math.max(this.position(now) + 1, now),
      now,
      session_id ?? "",
      kind,
      JSON.stringify(ids),
    );
    this.#added += 1;
    if (this.#added % SWEEP_EVERY === 0) this.#sweep(now);
  }

  /** The newest seq. Before the first entry one that is less than it will have. */
  position(now: number): number {
    const { newest } = one<{ newest: number | null }>(
      this.#sql,
      "SELECT max(seq) AS newest FROM feed",
    );
    return newest ?? (this.#removed() || now - 1);
  }

  /** Whether a cursor is one whose successors are all here. */
  isComplete(after: number, now: number): boolean {
    return after >= this.#removed() && after <= Math.max(this.position(now), now);
  }

  /** A batch of entries after a seq, and the seq up to which it has looked. */
  read(
    after: number,
    { session, requestsOnly = false }: FeedFilter = {},
  ): { entries: FeedEntry[]; position: number } {
    const rows = all<Row>(
      this.#sql,
      "SELECT seq, at, session_id, kind, ids FROM feed WHERE seq > ? ORDER BY seq LIMIT ?",
      after,
      BATCH,
    );
    const entries = rows
      .filter(
        ({ session_id, kind }) =>
          (session === undefined || session === session_id) &&
          (!requestsOnly || kind.startsWith("request.")),
      )
      .map(({ seq, at, session_id, kind, ids }) => ({
        seq,
        at,
        kind,
        ...(session_id === "" ? {} : { session_id }),
        ...(JSON.parse(ids) as object),
      }));
    return { entries, position: rows.at(-1)?.seq ?? after };
  }

  #removed(): number {
    return all<{ seq: number }>(this.#sql, "SELECT seq FROM feed_removed")[0]?.seq ?? 0;
  }

  #sweep(now: number): void {
    const [beyond] = all<{ seq: number }>(
      this.#sql,
      "SELECT seq FROM feed ORDER BY seq DESC LIMIT 1 OFFSET ?",
      this.#most,
    );
    const { old } = one<{ old: number | null }>(
      this.#sql,
      "SELECT max(seq) AS old FROM feed WHERE seq < ? AND at < ?",
      now - FEED_KEPT_MS,
      now - FEED_KEPT_MS,
    );
    const upTo = Math.max(beyond?.seq ?? 0, old ?? 0);
    if (upTo === 0) return;
    this.#sql.exec("DELETE FROM feed WHERE seq <= ?", upTo);
    this.#sql.exec("DELETE FROM feed_removed");
    this.#sql.exec("INSERT INTO feed_removed (seq) VALUES (?)", upTo);
  }
}
