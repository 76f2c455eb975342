import { all, one } from "../sql/rows.js";
import { traceContext } from "./span-id.js";

/** A turn is told of this long after its end, milliseconds: the end of its last model call may be told after it. */
const SETTLED_MS = 2_000;

/** Turns that wait at the same time. Of more the oldest are left out. */
const MAX_WAITING = 1_000;

/** What of a turn is yet to be sent: its trace, and then its metrics. */
export type Unsent = "traces" | "metrics";

export interface UnsentTurn {
  turn_id: string;
  attempts: number;
}

/** Turns that have ended, and that the collector has yet to be told of. */
export class UnsentTable {
  readonly #sql: SqlStorage;
  /** There is a collector. Without one nothing is written. */
  readonly isOn: boolean;

  constructor(sql: SqlStorage, isOn: boolean) {
    this.#sql = sql;
    this.isOn = isOn;
  }

  /** A turn ends. Call it in that transaction. */
  add(turn: string, traceparent: () => string | undefined, now: number): void {
    if (!this.isOn) return;
    const { isSampled } = traceContext(turn, traceparent());
    const query = "SELECT count(*) AS waiting FROM unsent_turns";
    if (one<{ waiting: number }>(this.#sql, query).waiting >= MAX_WAITING) {
      this.#sql.exec(
        "DELETE FROM unsent_turns WHERE turn_id = (SELECT turn_id FROM unsent_turns ORDER BY due_at LIMIT 1)",
      );
    }
    this.#sql.exec(
      "INSERT INTO unsent_turns (turn_id, what, attempts, due_at) VALUES (?, ?, 0, ?)",
      turn,
      isSampled ? "traces" : "metrics",
      now + SETTLED_MS,
    );
  }

  /** When something is to be sent. */
  dueAt(): number | undefined {
    const query = "SELECT min(due_at) AS due FROM unsent_turns";
    return one<{ due: number | null }>(this.#sql, query).due ?? undefined;
  }

  /** Some turns that are due, those that wait longest first. */
  due(what: Unsent, now: number, limit: number): UnsentTurn[] {
    return all<UnsentTurn>(
      this.#sql,
      "SELECT turn_id, attempts FROM unsent_turns WHERE what = ? AND due_at <= ? ORDER BY due_at LIMIT ?",
      what,
      now,
      limit,
    );
  }

  /** A try failed. */
  postpone(turn: string, dueAt: number): void {
    const query = "UPDATE unsent_turns SET attempts = attempts + 1, due_at = ? WHERE turn_id = ?";
    this.#sql.exec(query, dueAt, turn);
  }

  /** What was to be sent of a turn has been, or is given up. */
  settle(turn: string, what: Unsent, now: number): void {
    if (what === "metrics") {
      this.#sql.exec("DELETE FROM unsent_turns WHERE turn_id = ?", turn);
      return;
    }
    this.#sql.exec(
      "UPDATE unsent_turns SET what = 'metrics', attempts = 0, due_at = ? WHERE turn_id = ?",
      now,
      turn,
    );
  }
}
