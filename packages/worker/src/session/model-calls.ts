import {
  tokensOf,
  type CallTiming,
  type ModelCall,
  type ModelUsage,
} from "../egress/model-call.js";
import type { Env } from "../env.js";
import { logger } from "../logger.js";
import { accountPort } from "./account-link.js";
import type { BudgetLease } from "./account-port.js";
import { dayOf } from "./model-call-table.js";
import type { SessionParts } from "./parts.js";
import { modelStep, refusedModelStep } from "./turn-timings.js";

/** What the calls are counted in. */
interface Host {
  parts(): SessionParts;
  names(): { account: string; id: string };
}

/** The session's model calls: admitted within the account's budget, counted once, and timed for the turn's trace. */
export class ModelCalls {
  readonly #env: Env;
  readonly #host: Host;
  /** The budget before the account is asked again. */
  #lease: BudgetLease | undefined;

  constructor(env: Env, host: Host) {
    this.#env = env;
    this.#host = host;
  }

  /** Admits a call if there is budget left. @throws EdgeError `budget_spent`, `model_error`. */
  async begin(): Promise<ModelCall> {
    const { account, id } = this.#host.names();
    if (!this.#isWithinLease()) {
      // The account must know of earlier calls to tell whether there is budget left.
      await this.#host.parts().link.deliver();
      this.#lease = await accountPort(this.#env, account).leaseBudget(id);
    }
    const { store } = this.#host.parts();
    if (store.exists) store.ephemeral.takeCall();
    const turn = store.exists ? store.newestBegun() : undefined;
    return store.modelCalls.begin(id, turn ?? "", Date.now());
  }

  /**
   * Counts a call once. If the account cannot be reached, a notice counts it as soon as it can be: an ordinary call costs
   * no notice, whose rows it would be half of.
   */
  async end(call: ModelCall, model: string, used: ModelUsage, timing?: CallTiming): Promise<void> {
    const { account, id } = this.#host.names();
    const { store } = this.#host.parts();
    const now = Date.now();
    const day = dayOf(now);
    if (this.#lease?.tokens) this.#lease.tokens -= tokensOf(used);
    if (this.#lease?.cost) this.#lease.cost -= used.cost;
    if (store.exists) store.modelCalls.end(call, model, used, now);
    if (store.exists && timing) store.timings.add(call.turn, modelStep(timing, model, used));
    // While a session is being deleted, what it has counted is still told.
    const isCounted = store.exists || (store.isDeleting && store.modelCalls.has(call));
    // If the session was deleted meanwhile, the account records the usage.
    const orphan = isCounted || call.session === "" ? undefined : { turn: call.turn, model };
    try {
      // Call ids are unique per session only, so even a call without a turn carries the session.
      await accountPort(this.#env, account).spend({ ...call, session: id }, day, used, orphan);
    } catch (error) {
      // Without a session there is nothing to keep it in: the gateway reports it again.
      if (!store.exists) throw error;
      logger.warn("account not told of a model call", {
        account,
        session: id,
        turn: call.turn,
        error,
      });
      store.outbox.add({ kind: "call", id: call.id, day, used });
    }
  }

  /** The model API refused a call. */
  fail(call?: ModelCall, status = 0, timing?: CallTiming): void {
    const { store } = this.#host.parts();
    if (!store.exists) return;
    store.ephemeral.returnCall();
    if (call && timing) store.timings.add(call.turn, refusedModelStep(timing, status));
  }

  /** Ends the lease: the account is asked before the next call. */
  endLease(): void {
    this.#lease = undefined;
  }

  /** Whether the leased budget allows another call. */
  #isWithinLease(): boolean {
    const { tokens, cost, expiresAt } = this.#lease ?? { tokens: 0, cost: 0, expiresAt: 0 };
    return Date.now() < expiresAt && (tokens === null || tokens > 0) && (cost === null || cost > 0);
  }
}
