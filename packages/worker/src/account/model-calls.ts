import { begunAt, CallIds } from "../egress/call-ids.js";
import type { ModelCall, ModelUsage } from "../egress/model-call.js";
import type { BudgetLease } from "../session/account-port.js";
import { dayOf } from "../session/model-call-table.js";
import type { Allowance } from "./allowance.js";
import type { Lifecycle } from "./lifecycle.js";
import type { SessionPort } from "./ports.js";
import type { Spending } from "./spending.js";
import type { UsageTable } from "./usage-table.js";

/** The parts of an account that its model calls are counted in. */
interface Parts {
  allowance(): Allowance;
  spending: Spending;
  usage: UsageTable;
  life: Lifecycle;
  /** The account is about to store something. */
  touch(): void;
  session(id: string): Pick<SessionPort, "endBudgetLease">;
}

/** The account's budget for model calls: leased to sessions, and spent by calls as the gateway counts them. */
export class ModelCalls {
  readonly #storage: DurableObjectStorage;
  readonly #parts: Parts;
  /** Ids of calls that belong to no session. */
  readonly #callIds = new CallIds();

  constructor(storage: DurableObjectStorage, parts: Parts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /** @throws EdgeError `budget_spent`, `account_erasing`. */
  async lease(session: string): Promise<BudgetLease> {
    this.#parts.life.assertServes();
    const allowance = this.#parts.allowance();
    allowance.assertBudget();
    if (allowance.isReserved) await this.revokeLeases();
    return this.#parts.allowance().lease(session);
  }

  /** Revokes all leases: sessions ask again before their next model call. */
  async revokeLeases(): Promise<void> {
    const notified = this.#parts
      .allowance()
      .revokeLeases()
      .map((session) => this.#parts.session(session).endBudgetLease());
    // If a session cannot be reached, its object was reset, which drops the lease.
    await Promise.allSettled(notified);
  }

  /** Counts a call once. `orphan`: the turn and model of one that no agent's result accounts for. */
  spend(
    { id, session }: ModelCall,
    day: string,
    used: ModelUsage,
    orphan: { turn: string; model: string } | undefined,
  ): void {
    const { life, spending, usage } = this.#parts;
    life.assertHere();
    if (life.isGone(begunAt(id))) return;
    this.#storage.transactionSync(() => {
      if (!spending.add(session, id, day, used) || !orphan) return;
      usage.add(orphan.turn, session, orphan.model, day, used);
    });
  }

  /** Admits a call that belongs to no session. @throws EdgeError `budget_spent`, `account_erasing`. */
  begin(): ModelCall {
    this.#parts.life.assertServes();
    this.#parts.allowance().assertBudget();
    this.#parts.touch();
    return { id: this.#callIds.next(Date.now()), session: "", turn: "", direct: true };
  }

  /** Counts such a call once. */
  end(call: ModelCall, model: string, used: ModelUsage): void {
    this.spend(call, dayOf(Date.now()), used, call.direct ? { turn: "", model } : undefined);
  }
}
