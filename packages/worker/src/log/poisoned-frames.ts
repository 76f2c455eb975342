import type { LogFrame } from "@claude-edge/protocol/runner";

import { all, one } from "../sql/rows.js";

/** How often a frame is tried before it is put aside. */
export const MAX_TRIES = 3;

/** The newest of them are kept, and so much of each, in characters. */
const MAX_KEPT = 20;
const BODY_CHARS = 4_000;
const ERROR_CHARS = 1_000;

/**
 * Frames of a runner's log that could not be applied. How often the current one was tried is in the session's row, which
 * can be updated when the database is full.
 */
export class PoisonedFrames {
  readonly #sql: SqlStorage;
  /** The turns of those that are kept: every frame asks for its own. */
  #turns: Set<string> | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The cursor of the frame that could not be applied last, until it is applied or put aside. */
  get failing(): number | undefined {
    const query = "SELECT failing_cursor FROM session";
    return one<{ failing_cursor: number | null }>(this.#sql, query).failing_cursor ?? undefined;
  }

  /** Notes a failure; returns how often this frame has failed now. */
  noteFailure(cursor: number): number {
    const { failures } = one<{ failures: number }>(
      this.#sql,
      `UPDATE session SET failures = CASE WHEN failing_cursor = ?1 THEN failures + 1 ELSE 1 END,
        failing_cursor = ?1 RETURNING failures`,
      cursor,
    );
    return failures;
  }

  /** The frame was applied, or put aside. */
  clearFailure(): void {
    this.#sql.exec("UPDATE session SET failing_cursor = NULL, failures = 0");
  }

  add(boot: string, frame: LogFrame, error: unknown, now: number): void {
    this.#turns = undefined;
    this.#sql.exec(
      `INSERT INTO poisoned_frames (boot, cursor, turn_id, kind, error, body, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)`,
      boot,
      frame.cursor,
      frame.turn,
      frame.kind,
      String(error).slice(0, ERROR_CHARS),
      JSON.stringify(frame).slice(0, BODY_CHARS),
      now,
    );
    this.#sql.exec(
      `DELETE FROM poisoned_frames WHERE position <=
        (SELECT position FROM poisoned_frames ORDER BY position DESC LIMIT 1 OFFSET ?)`,
      MAX_KEPT,
    );
  }

  /** Whether a frame of this turn was put aside. */
  has(turn: string): boolean {
    const query = "SELECT turn_id FROM poisoned_frames";
    this.#turns ??= new Set(
      all<{ turn_id: string }>(this.#sql, query).map(({ turn_id }) => turn_id),
    );
    return this.#turns.has(turn);
  }
}
