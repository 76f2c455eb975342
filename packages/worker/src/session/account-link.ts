import { backoff } from "../backoff.js";
import type { Env } from "../env.js";
import { logger } from "../logger.js";
import { objectNamed } from "../objects.js";
import type { AccountPort, NumberedNotice, RefusedNotice } from "./account-port.js";
import type { Store } from "./store.js";

/** Delivery attempts before the alarm takes over. */
const MAX_TRIES = 3;
const RETRY_MS = 250;

/** The alarm tries again after this, milliseconds, and after ever longer while that fails. */
const STUCK_MS = 5_000;

/** Refusals of a notice by the account after which it is put aside, so that later ones are delivered. */
const MAX_REFUSALS = 3;

/** The same of a notice that the account does not know: a deployment takes its time, 20 minutes with these pauses. */
const MAX_SKEWED = 10;

/** How much of a notice that is put aside is logged, characters. */
const LOGGED_CHARS = 2_000;

/** The session's account. */
export const accountPort = (env: Env, name: string): AccountPort =>
  objectNamed<AccountPort>(env, "ACCOUNT", name);

/** Delivers the session's outbox to its account, in order. The account applies each notice once. */
export class AccountLink {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: Store;
  readonly #arm: () => Promise<void>;
  #delivering: Promise<void> | undefined;
  /** Deliveries that failed since the last that did not. */
  #failures = 0;
  #isStuck = false;
  /** The notice that was refused last, and how often in a row. */
  #refused: { id: number; index: number; times: number } | undefined;

  /** @param arm Sees to an alarm: what this memory does not come to is delivered then. */
  constructor(ctx: DurableObjectState, env: Env, store: Store, arm: () => Promise<void>) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = store;
    this.#arm = arm;
    store.outbox.onAdded = () => this.#ctx.waitUntil(this.deliver());
  }

  get port(): AccountPort {
    return accountPort(this.#env, this.#store.account);
  }

  /** The last delivery failed. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** How long the alarm waits before it delivers, milliseconds. */
  get retryMs(): number {
    return backoff(STUCK_MS, this.#failures);
  }

  /** Resolves when all pending notices are delivered, or when delivery has failed and is left to the alarm. */
  async deliver(): Promise<void> {
    await (this.#delivering ??= this.#deliverAll().finally(() => {
      this.#delivering = undefined;
    }));
    // A notice may have been added while the last call returned.
    if (this.#isStuck || !this.#store.exists || this.#store.outbox.isEmpty) return;
    await this.deliver();
  }

  /** Resolves when nothing is being delivered. */
  async settled(): Promise<void> {
    await this.#delivering;
  }

  /** Delivers the last notices of a session that is being deleted. @throws when the account cannot be reached. */
  async deliverLast(): Promise<void> {
    await this.#delivering;
    const { account, id } = this.#store;
    for (;;) {
      const notices = this.#store.outbox.next();
      if (notices.length === 0) return;
      const refused = await accountPort(this.#env, account).notify(id, notices);
      this.#settle(notices, refused);
    }
  }

  async #deliverAll(): Promise<void> {
    // Lets the transaction that added the notices finish first.
    await Promise.resolve();
    this.#isStuck = false;
    if (this.#store.exists && !this.#store.outbox.isEmpty) {
      this.#ctx.waitUntil(this.#arm());
    }
    for (let tries = 0; this.#store.exists;) {
      const notices = this.#store.outbox.next();
      if (notices.length === 0) return;
      try {
        const refused = await this.port.notify(this.#store.id, notices);
        if (!this.#store.exists) return;
        this.#settle(notices, refused);
        if (refused?.isSkew && this.#refused) {
          this.#isStuck = true;
          this.#failures += 1;
          return;
        }
        this.#failures = 0;
        if (!refused) tries = 0;
        else await scheduler.wait(RETRY_MS);
      } catch (error) {
        tries += 1;
        if (tries >= MAX_TRIES) {
          logger.warn("account not notified", { ...this.#store.subject, error });
          this.#isStuck = true;
          this.#failures += 1;
          return;
        }
        await scheduler.wait(RETRY_MS * tries);
      }
    }
  }

  /** Deletes what the account has applied, and puts a notice aside that it has refused too often. */
  #settle(notices: NumberedNotice[], refused: RefusedNotice | undefined): void {
    const { outbox } = this.#store;
    if (!refused) return outbox.delivered(notices.at(-1)!.id);
    const { id, index, message, isSkew } = refused;
    outbox.delivered(id - 1);
    const isSame = this.#refused?.id === id && this.#refused.index === index;
    const times = isSame ? this.#refused!.times + 1 : 1;
    this.#refused = { id, index, times };
    if (times < (isSkew ? MAX_SKEWED : MAX_REFUSALS)) return;
    const { notice } = notices.filter((numbered) => numbered.id === id)[index]!;
    const text = JSON.stringify(notice).slice(0, LOGGED_CHARS);
    logger.error("notice put aside", {
      ...this.#store.subject,
      notice: notice.kind,
      times,
      content: { message, notice: text },
    });
    outbox.remove(id, index);
    this.#refused = undefined;
  }
}
