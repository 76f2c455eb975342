import { all } from "../sql/rows.js";

/** Which turns steer others: their prompts wait to be taken in by a turn that runs, or were. */
export class SteeringTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Turns whose prompt the running turn is to take in, in the order they came. */
  waiting(): string[] {
    const query =
      "SELECT id FROM turns WHERE priority = 'next' AND status = 'queued' ORDER BY position";
    return all<{ id: string }>(this.#sql, query).map(({ id }) => id);
  }

  /** Whether a prompt that is to stop the turn of before waits for one that began at this time. */
  hasUrgent(startedAt: number): boolean {
    const query =
      "SELECT 1 FROM turns WHERE priority = 'now' AND status = 'queued' AND created_at >= ?";
    return all(this.#sql, query, startedAt).length > 0;
  }

  /** Open turns whose prompt was taken in by this one. */
  takenInBy(turn: string): string[] {
    const query =
      "SELECT id FROM turns WHERE priority = 'next' AND status = 'running' AND steered_turn = ? ORDER BY position";
    return all<{ id: string }>(this.#sql, query, turn).map(({ id }) => id);
  }

  setTakenIn(turn: string, by: string, now: number): void {
    this.#sql.exec(
      "UPDATE turns SET status = 'running', steered_turn = ?, started_at = ? WHERE id = ?",
      by,
      now,
      turn,
    );
  }

  /** It was not taken in after all: it waits again. */
  setWaiting(turn: string): void {
    this.#sql.exec(
      "UPDATE turns SET status = 'queued', steered_turn = NULL, started_at = NULL WHERE id = ?",
      turn,
    );
  }
}
