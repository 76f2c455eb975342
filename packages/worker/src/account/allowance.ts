import {
  EdgeError,
  type AccountLimits,
  type LimitsReport,
  type TurnStatus,
  type UpdateLimitsRequest,
} from "@claude-edge/protocol";

import type { Env } from "../env.js";
import type { ModelUsage } from "../model/model-call.js";
import { Limits } from "./limits.js";
import type { ModelCall } from "./model-calls.js";
import { RequestRate } from "./request-rate.js";
import type { Store } from "./store.js";
import { PICO } from "./usage-table.js";

/** What an account may still do: its limits, held against what it does. */
export class Allowance {
  readonly #store: Store;
  readonly #limits: Limits;
  readonly #rate = new RequestRate();

  constructor(sql: SqlStorage, env: Env, store: Store) {
    this.#store = store;
    this.#limits = new Limits(sql, env);
  }

  /** @throws EdgeError `setting_invalid`. */
  get limits(): AccountLimits {
    return this.#limits.current;
  }

  report(account: string): LimitsReport {
    const spent = this.#store.modelCalls.spent(Date.now());
    return {
      account,
      limits: this.#limits.current,
      own: this.#limits.own,
      used: {
        running_turns: this.#count("running"),
        queued_turns: this.#count("queued"),
        sessions: this.#store.countSessions(),
        tokens_today: spent.tokens,
        dollars_today: spent.cost / PICO,
      },
    };
  }

  update(changes: UpdateLimitsRequest): void {
    this.#store.transaction(() => this.#limits.update(changes));
  }

  /** One request more. @throws EdgeError `rate_limited`. */
  takeRequest(): void {
    this.#rate.take(this.limits.requests_per_minute, Date.now());
  }

  /** One session more. @throws EdgeError `too_many_sessions`. */
  assertSession(): void {
    const { max_sessions: most } = this.limits;
    if (most === null || this.#store.countSessions() < most) return;
    throw new EdgeError("too_many_sessions", `The account has ${most} sessions, its limit.`);
  }

  /** One turn more; one that can run at once does not wait. @throws EdgeError `queue_full`, `budget_spent`. */
  assertTurn(): void {
    const { max_queued_turns: most, max_concurrent_turns: atOnce } = this.limits;
    const waiting = this.#count("queued");
    if (waiting >= most && (waiting > 0 || this.#count("running") >= atOnce)) {
      throw new EdgeError("queue_full", `${waiting} turns of this account are waiting already.`);
    }
    this.#assertBudget();
  }

  /**
   * One model call more. What those come to that are under way is not known yet: each of them may go over the budget.
   * @throws EdgeError `budget_spent`, `model_error`.
   */
  beginModelCall(session: string | undefined): ModelCall {
    this.#assertBudget();
    if (session) this.#store.messages.takeCall(session);
    return this.#store.modelCalls.begin(session, Date.now());
  }

  endModelCall(call: ModelCall, model: string, used: ModelUsage): void {
    this.#store.transaction(() => this.#store.modelCalls.end(call, model, used, Date.now()));
  }

  #assertBudget(): void {
    const now = Date.now();
    this.#limits.assertBudget(this.#store.modelCalls.spent(now), now);
  }

  #count(of: TurnStatus): number {
    return this.#store.openTurns().filter(({ status }) => status === of).length;
  }
}
