import type { AccountLimits } from "@claude-edge/protocol";

import type { BudgetLease } from "../session/account-port.js";
import { PICO } from "../session/model-call-table.js";
import { all, one } from "../sql/rows.js";
import type { Spent } from "./spending.js";

/** Lifetime of a lease, milliseconds. */
const LEASE_MS = 60_000;

/** The share of the remaining budget that one lease takes, so that several sessions can get one. */
const SHARE = 0.25;

/** Minimum size of a lease, in tokens and picodollars. Below it, each call is admitted individually. */
const MIN_TOKENS = 10_000;
const MIN_COST = 0.05 * PICO;

/**
 * Parts of the account's budgets that sessions may spend without asking. Leased amounts count as spent, so leases and
 * spending together stay within the budget; only calls in flight can exceed it.
 */
export class BudgetLeases {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Replaces a session's lease. An empty lease allows only the call that asked for it. */
  grant(session: string, limits: AccountLimits, spent: Spent, now: number): BudgetLease {
    this.#sql.exec(
      "DELETE FROM budget_leases WHERE session_id = ? OR expires_at <= ?",
      session,
      now,
    );
    const leased = this.#leased();
    const { tokens_per_day, dollars_per_day } = limits;
    const most = dollars_per_day === null ? null : dollars_per_day * PICO;
    const tokens = shareOf(tokens_per_day, spent.tokens + leased.tokens, MIN_TOKENS);
    const cost = shareOf(most, spent.cost + leased.cost, MIN_COST);
    const lease = { tokens, cost, expiresAt: now + LEASE_MS };
    if (tokens === 0 || cost === 0) return { ...lease, tokens: 0, cost: 0 };
    this.#sql.exec(
      "INSERT INTO budget_leases (session_id, tokens, cost, expires_at) VALUES (?, ?, ?, ?)",
      session,
      tokens ?? 0,
      cost ?? 0,
      lease.expiresAt,
    );
    return lease;
  }

  /** Whether the rest of a budget is fully leased. */
  isReserved({ tokens_per_day, dollars_per_day }: AccountLimits, spent: Spent): boolean {
    const leased = this.#leased();
    const isOver = (limit: number | null, used: number) => limit !== null && used >= limit;
    return (
      isOver(tokens_per_day, spent.tokens + leased.tokens) ||
      isOver(dollars_per_day, (spent.cost + leased.cost) / PICO)
    );
  }

  /** Revokes all leases and returns the sessions to notify. */
  revokeAll(now: number): string[] {
    return all<{ session_id: string; expires_at: number }>(
      this.#sql,
      "DELETE FROM budget_leases RETURNING session_id, expires_at",
    )
      .filter(({ expires_at }) => expires_at > now)
      .map(({ session_id }) => session_id);
  }

  remove(session: string): void {
    this.#sql.exec("DELETE FROM budget_leases WHERE session_id = ?", session);
  }

  #leased(): Spent {
    return one<Spent>(
      this.#sql,
      "SELECT total(tokens) AS tokens, total(cost) AS cost FROM budget_leases",
    );
  }
}

/** Size of a new lease: null without a limit, 0 when too little is left. */
function shareOf(limit: number | null, used: number, minimum: number): number | null {
  if (limit === null) return null;
  const share = Math.floor((limit - used) * SHARE);
  return share >= minimum ? share : 0;
}
