import { backoff } from "../backoff.js";
import { sendToCollector } from "../egress/collector.js";
import type { Env } from "../env.js";
import { logger } from "../logger.js";
import { readCollector } from "../otlp-settings.js";
import { metricsRequest } from "./otlp-metrics.js";
import { tracesRequest, type EndedTurn } from "./otlp-spans.js";
import type { Store } from "./store.js";
import type { Unsent, UnsentTurn } from "./unsent-table.js";

/** Turns of one request: a trace has 1 000 steps at most, some 600 kB. */
const AT_ONCE = 5;

/** How often a request is tried, and the pauses in between, milliseconds: over an hour in all. */
const MAX_ATTEMPTS = 12;
const RETRY_MS = 5_000;
const MAX_PAUSE_MS = 600_000;

/** How long a session that is being deleted waits for the collector, milliseconds. */
const LAST_TRY_MS = 2_000;

/**
 * Sends turns that have ended to the collector: first their traces, then their metrics. The alarm begins it, and no turn
 * waits for it. A try whose answer is lost is repeated, with the same ids of spans.
 */
export class TraceExport {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: Store;
  readonly #onDone: () => void;
  /** A request is under way. */
  isSending = false;

  /** @param onDone There may be more to send, later. */
  constructor(ctx: DurableObjectState, env: Env, store: Store, onDone: () => void) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = store;
    this.#onDone = onDone;
  }

  /** When the alarm has something to send. Without a collector nothing is ever written. */
  dueAt(): number | undefined {
    const isOn = this.#store.unsent.isOn && !this.isSending;
    return isOn ? this.#store.unsent.dueAt() : undefined;
  }

  /** Begins to send what is due, and does not wait for it. */
  send(): void {
    const due = this.dueAt();
    if (due === undefined || due > Date.now()) return;
    this.isSending = true;
    const work = this.#sendAll(Date.now()).finally(() => {
      this.isSending = false;
      this.#onDone();
    });
    this.#ctx.waitUntil(work);
  }

  /** Sends what is left of a session that is being deleted: once. */
  async sendLast(): Promise<void> {
    if (this.#store.unsent.isOn) await this.#sendAll(Infinity, LAST_TRY_MS);
  }

  async #sendAll(now: number, timeoutMs?: number): Promise<void> {
    // The metrics of a turn are due when its trace has arrived: in the same round.
    const round = Math.min(now, Date.now());
    for (const what of ["traces", "metrics"] as const) {
      for (;;) {
        const turns = this.#isReadable ? this.#store.unsent.due(what, now, AT_ONCE) : [];
        if (turns.length === 0) break;
        if (!(await this.#try(what, turns, round, timeoutMs))) return;
      }
    }
  }

  /** False when the collector cannot be had now. */
  async #try(
    what: Unsent,
    turns: readonly UnsentTurn[],
    round: number,
    timeoutMs?: number,
  ): Promise<boolean> {
    const collector = readCollector(this.#env);
    const ended = turns.flatMap(({ turn_id }) => this.#endedTurn(turn_id) ?? []);
    const body = what === "traces" ? tracesRequest(ended) : metricsRequest(ended);
    const sent =
      collector && ended.length > 0
        ? await sendToCollector(collector, what, body, timeoutMs)
        : ({ isSent: true } as const);
    if (!this.#isReadable) return false;
    const { unsent } = this.#store;
    if (sent.isSent) {
      for (const { turn_id } of turns) unsent.settle(turn_id, what, round);
      return true;
    }
    const { why, isPassing, retryAfterMs = 0 } = sent;
    for (const { turn_id, attempts } of turns) {
      const isLast = !isPassing || attempts + 1 >= MAX_ATTEMPTS;
      const pause = Math.max(backoff(RETRY_MS, attempts, MAX_PAUSE_MS), retryAfterMs);
      if (isLast) unsent.settle(turn_id, what, round);
      else unsent.postpone(turn_id, Date.now() + Math.min(pause, MAX_PAUSE_MS));
      if (isLast) logger.error(`${what} not sent`, { ...this.#store.subject, turn: turn_id, why });
    }
    return !isPassing;
  }

  /** Also while it is being deleted, until nothing is left of it. */
  get #isReadable(): boolean {
    return this.#store.exists || this.#store.isDeleting;
  }

  #endedTurn(id: string): EndedTurn | undefined {
    const turn = this.#store.turnResource(id);
    return turn && { account: this.#store.account, trace: this.#store.traceOf(id), turn };
  }
}
