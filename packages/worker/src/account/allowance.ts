import {
  EdgeError,
  type AccountLimits,
  type LimitsReport,
  type UpdateLimitsRequest,
} from "@claude-edge/protocol";

import type { Env } from "../env.js";
import type { BudgetLease } from "../session/account-port.js";
import { PICO } from "../session/model-call-table.js";
import { objectBytes } from "../settings.js";
import { StorageRoom } from "../sql/storage-room.js";
import { BudgetLeases } from "./budget-leases.js";
import type { Directory } from "./directory.js";
import { Limits } from "./limits.js";
import { RequestRate } from "./request-rate.js";
import type { Slots } from "./slots.js";
import type { Spending, Spent } from "./spending.js";

/** The parts of an account that count against its limits. */
interface Counted {
  directory: Directory;
  slots: Slots;
  spending: Spending;
}

/** Checks an account's limits against its current use. */
export class Allowance {
  readonly #counted: Counted;
  readonly #limits: Limits;
  readonly #room: StorageRoom;
  readonly #rate = new RequestRate();
  readonly #leases: BudgetLeases;

  constructor(sql: SqlStorage, env: Env, counted: Counted) {
    this.#counted = counted;
    this.#limits = new Limits(sql, env);
    this.#leases = new BudgetLeases(sql);
    this.#room = new StorageRoom(sql, objectBytes(env));
  }

  /** @throws EdgeError `setting_invalid`. */
  get limits(): AccountLimits {
    return this.#limits.current;
  }

  report(account: string): LimitsReport {
    const { directory, slots, spending } = this.#counted;
    const spent = spending.spent(Date.now());
    return {
      account,
      limits: this.#limits.current,
      own: this.#limits.own,
      used: {
        running_turns: slots.count("running"),
        queued_turns: slots.count("queued"),
        sessions: directory.count,
        tokens_today: spent.tokens,
        dollars_today: spent.cost / PICO,
      },
    };
  }

  /** Call it in a transaction. */
  update(changes: UpdateLimitsRequest): void {
    this.#limits.update(changes);
  }

  /** Whether a budget is spent by the second of two sums and was not by the first. */
  spends(before: Spent, after: Spent): boolean {
    return !this.#limits.isSpent(before) && this.#limits.isSpent(after);
  }

  /** Counts a request against the rate limit. @throws EdgeError `rate_limited`. */
  takeRequest(): void {
    this.#rate.take(this.limits.requests_per_minute, Date.now());
  }

  /** Asserts that the account can store something new. @throws EdgeError `storage_full`. */
  assertRoom(): void {
    this.#room.assertFree("The account");
  }

  /** Asserts that another session is allowed. @throws EdgeError `too_many_sessions`, `storage_full`. */
  assertSession(): void {
    this.assertRoom();
    const { max_sessions: most } = this.limits;
    if (most === null || this.#counted.directory.count < most) return;
    throw new EdgeError("too_many_sessions", `The account has ${most} sessions, its limit.`);
  }

  /** Asserts that another turn is allowed. A turn that can run at once does not queue. @throws EdgeError `queue_full`, `budget_spent`, `storage_full`. */
  assertTurn(): void {
    this.assertRoom();
    const { max_queued_turns: most, max_concurrent_turns: atOnce } = this.limits;
    const { slots } = this.#counted;
    const waiting = slots.count("queued");
    if (waiting >= most && (waiting > 0 || slots.count("running") >= atOnce)) {
      throw new EdgeError("queue_full", `${waiting} turns of this account are waiting already.`);
    }
    this.assertBudget();
  }

  /** Leases a part of the budget to a session. @throws EdgeError `budget_spent`. */
  lease(session: string): BudgetLease {
    const now = Date.now();
    this.assertBudget();
    return this.#leases.grant(session, this.limits, this.#counted.spending.spent(now), now);
  }

  /** Whether existing leases must be revoked before granting another. */
  get isReserved(): boolean {
    return this.#leases.isReserved(this.limits, this.#counted.spending.spent(Date.now()));
  }

  /** Revokes all leases and returns the sessions to notify. */
  revokeLeases(): string[] {
    return this.#leases.revokeAll(Date.now());
  }

  removeLease(session: string): void {
    this.#leases.remove(session);
  }

  /**
   * Asserts that another model call is allowed. The cost of calls in flight is unknown, so each may exceed the budget.
   * @throws EdgeError `budget_spent`.
   */
  assertBudget(): void {
    const now = Date.now();
    this.#limits.assertBudget(this.#counted.spending.spent(now), now);
  }
}
