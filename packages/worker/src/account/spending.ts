import { tokensOf, type ModelUsage } from "../egress/model-call.js";
import { one } from "../sql/rows.js";
import { dayOf } from "../session/model-call-table.js";

/** Tokens and cost of a day. */
export interface Spent {
  tokens: number;
  /** Picodollars. */
  cost: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** The account's model calls as counted by the gateway. Budgets are checked against them. */
export class Spending {
  readonly #sql: SqlStorage;
  readonly #onAdded: (before: Spent, after: Spent) => void;
  /** Cached sums of the newest day. */
  #spent: (Spent & { day: string }) | undefined;

  /** @param onAdded Called with the sums of the current day, when a call was added to them. */
  constructor(sql: SqlStorage, onAdded: (before: Spent, after: Spent) => void = () => {}) {
    this.#sql = sql;
    this.#onAdded = onAdded;
  }

  /** Counts a call; false when it was counted before. `session` is empty for a call without one. */
  add(session: string, call: number, day: string, used: ModelUsage): boolean {
    const before = this.spent(Date.now());
    const tokens = tokensOf(used);
    const { rowsWritten } = this.#sql.exec(
      "INSERT OR IGNORE INTO spending (session_id, call, day, tokens, cost) VALUES (?, ?, ?, ?, ?)",
      session,
      call,
      day,
      tokens,
      used.cost,
    );
    if (rowsWritten === 0) return false;
    if (this.#spent?.day === day) {
      this.#spent = { day, tokens: before.tokens + tokens, cost: before.cost + used.cost };
      this.#onAdded(before, this.#spent);
    }
    return true;
  }

  /** What was added was rolled back: the sums are read again. */
  forgetSums(): void {
    this.#spent = undefined;
  }

  /** The current day's total. */
  spent(now: number): Spent {
    const day = dayOf(now);
    if (this.#spent?.day === day) return this.#spent;
    this.#sql.exec("DELETE FROM spending WHERE day < ?", dayOf(now - DAY_MS));
    const sums = one<Spent>(
      this.#sql,
      "SELECT total(cost) AS cost, total(tokens) AS tokens FROM spending WHERE day = ?",
      day,
    );
    this.#spent = { day, ...sums };
    return this.#spent;
  }
}
