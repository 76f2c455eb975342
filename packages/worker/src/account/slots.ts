import type { Priority, TurnStatus } from "@claude-edge/protocol";

import { all } from "../sql/rows.js";

/** A turn that has not ended. */
export interface OpenTurn {
  id: string;
  session_id: string;
  status: Extract<TurnStatus, "queued" | "running" | "waiting">;
  /** Of the queued turns of a session, the one with the lowest comes first. */
  rank: number;
  /** 1 when the session was told that the turn may run. */
  told: number;
  /** When the session last confirmed that it holds the slot. */
  confirmed_at: number;
  created_at: number;
  started_at: number | null;
}

const RANKS: Record<Priority, number> = { now: 1, next: 2, later: 3 };
const BEGUN = 0;

/** The queue of an account: its open turns in the order they came, and which of them have a slot. */
export class Slots {
  readonly #sql: SqlStorage;
  readonly #onMoved: (turn: string, session: string, status: OpenTurn["status"]) => void;

  /** @param onMoved Called in the transaction in which a turn gets another status. */
  constructor(
    sql: SqlStorage,
    onMoved: (turn: string, session: string, status: OpenTurn["status"]) => void = () => {},
  ) {
    this.#sql = sql;
    this.#onMoved = onMoved;
  }

  open(): OpenTurn[] {
    return all<OpenTurn>(
      this.#sql,
      "SELECT id, session_id, status, rank, told, confirmed_at, created_at, started_at FROM turns ORDER BY position",
    );
  }

  get(id: string): OpenTurn | undefined {
    return all<OpenTurn>(this.#sql, "SELECT * FROM turns WHERE id = ?", id)[0];
  }

  count(of: OpenTurn["status"]): number {
    return this.open().filter(({ status }) => status === of).length;
  }

  /** Appends a turn to the queue, if it is not in it. */
  enqueue(id: string, session: string, now: number, priority: Priority = "later"): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO turns (id, session_id, status, rank, confirmed_at, created_at)
        VALUES (?, ?, 'queued', ?, ?, ?)`,
      id,
      session,
      RANKS[priority],
      now,
      now,
    );
  }

  /**
   * Gives a turn that runs a slot, if it has none, over the account's limit too: its lease ran out while its session could
   * not be reached. What has begun is not stopped for that, but nothing else begins until there is room again.
   */
  hold(id: string, session: string, now: number): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO turns (id, session_id, status, told, confirmed_at, created_at, started_at)
        VALUES (?, ?, 'running', 1, ?, ?, ?)`,
      id,
      session,
      now,
      now,
      now,
    );
  }

  /**
   * Grants free slots in order, one per session. A turn that waits for an answer may do so for days: it blocks its own
   * session but takes no slot.
   * @param told A turn whose session is told by the answer to its call.
   */
  grant(atOnce: number, now: number, told?: string): void {
    const open = this.open();
    const busy = new Set<string>();
    let running = 0;
    for (const { status, session_id } of open) {
      if (status === "queued") continue;
      busy.add(session_id);
      if (status === "running") running += 1;
    }
    for (const { status, session_id } of open) {
      if (status !== "queued" || busy.has(session_id)) continue;
      if (running >= atOnce) return;
      running += 1;
      busy.add(session_id);
      // The session's place in the queue is that of its first turn.
      const [{ id }] = open
        .filter((turn) => turn.session_id === session_id && turn.status === "queued")
        .toSorted((one, other) => one.rank - other.rank) as [OpenTurn];
      this.#sql.exec(
        `UPDATE turns SET status = 'running', told = ?, confirmed_at = ?,
          started_at = coalesce(started_at, ?) WHERE id = ?`,
        id === told ? 1 : 0,
        now,
        now,
        id,
      );
      this.#onMoved(id, session_id, "running");
    }
  }

  /** Turns with a slot whose session was not told. */
  untold(): OpenTurn[] {
    return this.open().filter(({ status, told }) => status === "running" && told === 0);
  }

  setTold(id: string): void {
    this.#sql.exec("UPDATE turns SET told = 1 WHERE id = ? AND told = 0", id);
  }

  confirm(id: string, now: number): void {
    this.#sql.exec("UPDATE turns SET confirmed_at = ? WHERE id = ?", now, id);
  }

  setWaiting(id: string): void {
    this.#move(
      "UPDATE turns SET status = 'waiting' WHERE id = ? AND status != 'waiting'",
      id,
      "waiting",
    );
  }

  /** Puts a waiting turn back at its place in the queue, before its session's other turns. */
  requeue(id: string): void {
    this.#move(
      `UPDATE turns SET status = 'queued', rank = ${BEGUN} WHERE id = ? AND status = 'waiting'`,
      id,
      "queued",
    );
  }

  #move(query: string, id: string, status: OpenTurn["status"]): void {
    const [moved] = all<{ session_id: string }>(this.#sql, `${query} RETURNING session_id`, id);
    if (moved) this.#onMoved(id, moved.session_id, status);
  }

  end(id: string): void {
    this.#sql.exec("DELETE FROM turns WHERE id = ?", id);
  }

  endAllOf(session: string): void {
    this.#sql.exec("DELETE FROM turns WHERE session_id = ?", session);
  }
}
