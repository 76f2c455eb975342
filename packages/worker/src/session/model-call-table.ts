import type { Usage } from "@claude-edge/protocol";

import { CallIds } from "../egress/call-ids.js";
import type { ModelCall, ModelUsage } from "../egress/model-call.js";
import { all } from "../sql/rows.js";
import type { Outbox } from "./outbox.js";

/** Costs are integers in picodollars. A price per million tokens with six decimals is still an integer, so sums are exact. */
export const PICO = 1e12;

/** The day in UTC, YYYY-MM-DD. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

interface CallRow extends ModelUsage {
  day: string;
  turn_id: string;
  model: string;
}

/**
 * The session's model calls, as counted by the gateway. A turn's usage comes from the Agent SDK's result message. These
 * rows replace it only when no result will arrive because the process is gone.
 */
export class ModelCallTable {
  readonly #sql: SqlStorage;
  readonly #outbox: Outbox;
  readonly #ids = new CallIds();

  constructor(sql: SqlStorage, outbox: Outbox) {
    this.#sql = sql;
    this.#outbox = outbox;
  }

  /** `turn`: the turn that makes the call; empty when none has started. */
  begin(session: string, turn: string, now: number): ModelCall {
    return { id: this.#ids.next(now), session: turn === "" ? "" : session, turn, direct: false };
  }

  /** Counts a call, unless it was counted before. */
  end({ id, turn, session }: ModelCall, model: string, used: ModelUsage, now: number): void {
    const { told, ended } = this.#marks();
    if (session === "" || id <= told) return;
    const day = dayOf(now);
    const isOpen = id > ended;
    const { rowsWritten } = this.#sql.exec(
      `INSERT OR IGNORE INTO model_calls (id, day, turn_id, model, input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens, cost, open)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      day,
      turn,
      model,
      used.input_tokens,
      used.output_tokens,
      used.cache_read_input_tokens,
      used.cache_creation_input_tokens,
      used.cost,
      isOpen ? 1 : 0,
    );
    // The process is gone, so no result will account for it.
    if (rowsWritten > 0 && !isOpen) this.#addUsage(turn, model, day, used);
  }

  /** Whether a call was counted here, or by a result. */
  has({ id }: ModelCall): boolean {
    if (id <= this.#marks().told) return true;
    return all(this.#sql, "SELECT 1 FROM model_calls WHERE id = ?", id).length > 0;
  }

  /** Records the usage of a result, which covers all calls so far. */
  applyResult(turn: string, { models }: Usage, now: number): void {
    for (const [model, figures] of Object.entries(models)) {
      const cost = Math.round(figures.cost_usd * PICO);
      this.#addUsage(turn, model, dayOf(now), { ...figures, cost });
    }
    this.#sql.exec("DELETE FROM model_calls");
    this.#mark("told");
  }

  /** The session's process is gone: records the usage of calls that no result covered. */
  settleWithoutResult(): void {
    const rows = all<CallRow>(
      this.#sql,
      `UPDATE model_calls SET open = 0 WHERE open = 1 RETURNING day, turn_id, model,
        input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens, cost`,
    );
    for (const { turn_id, model, day, ...used } of rows) this.#addUsage(turn_id, model, day, used);
    this.#mark("ended");
  }

  #addUsage(turn: string, model: string, day: string, used: ModelUsage): void {
    const { input_tokens, output_tokens, cache_read_input_tokens } = used;
    const { cache_creation_input_tokens, cost } = used;
    const figures = {
      input_tokens: Math.round(input_tokens),
      output_tokens: Math.round(output_tokens),
      cache_read_input_tokens: Math.round(cache_read_input_tokens),
      cache_creation_input_tokens: Math.round(cache_creation_input_tokens),
      cost,
    };
    this.#outbox.add({ kind: "usage", turn, day, model, used: figures });
  }

  #marks(): { told: number; ended: number } {
    const query = "SELECT told, ended FROM metered";
    return all<{ told: number; ended: number }>(this.#sql, query)[0] ?? { told: 0, ended: 0 };
  }

  /** Includes calls in flight: marks up to the highest id that can have been assigned by now. */
  #mark(column: "told" | "ended"): void {
    const marks = { ...this.#marks(), [column]: this.#ids.highest(Date.now()) };
    this.#sql.exec("DELETE FROM metered");
    this.#sql.exec("INSERT INTO metered (told, ended) VALUES (?, ?)", marks.told, marks.ended);
  }
}
