import { armAlarm } from "../arm-alarm.js";
import { logger } from "../logger.js";
import type { Lifecycle } from "./lifecycle.js";
import type { Outside } from "./outside.js";
import type { OverdueSessions } from "./overdue-sessions.js";
import type { PackLedger } from "./pack-ledger.js";
import type { SessionAdmissions } from "./session-admissions.js";
import type { SlotGranter } from "./slot-granter.js";
import type { Tokens } from "./tokens.js";

/** An alarm that fails goes on after this, milliseconds. */
const ALARM_RETRY_MS = 60_000;

/** The parts of an account that have work for its alarm. */
interface AlarmWork {
  readonly name: string;
  life: Lifecycle;
  outside: Outside;
  granter: SlotGranter;
  sessions: SessionAdmissions;
  tokens: Tokens;
  overdue: OverdueSessions;
  packs: PackLedger;
}

/**
 * The account's alarm: its erasure, webhooks, unconfirmed slots, sessions whose creation failed or that are overdue, packs
 * to delete, old entries of the audit log.
 */
export class AccountAlarm {
  readonly #storage: DurableObjectStorage;
  readonly #of: AlarmWork;

  constructor(storage: DurableObjectStorage, work: AlarmWork) {
    this.#storage = storage;
    this.#of = work;
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      // The platform would try six times, and never again.
      logger.error("alarm of the account failed", { account: this.#of.name, error });
      await this.#storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }

  async #run(): Promise<void> {
    const { life, outside, granter, sessions, tokens, overdue, packs } = this.#of;
    await life.onAlarm();
    if (life.isErasing) return;
    outside.webhooks.send();
    const now = Date.now();
    const isDue = (of: { dueAt(): number | undefined }) => (of.dueAt() ?? Infinity) <= now;
    await granter.checkLeases(now);
    await sessions.removeAllUnmade(now);
    await granter.retry();
    if (tokens.dueAt() !== undefined) await tokens.tellRevoked();
    if (isDue(overdue)) await overdue.step(now);
    if (isDue(packs)) await packs.sweep(now);
    if (isDue(outside.audit)) outside.audit.removeOld(now);
    await this.arm();
  }

  /** Sets the alarm for the next due work, or removes it. */
  arm(): Promise<void> {
    const { life, outside, granter, tokens, overdue, packs } = this.#of;
    const works = [granter, tokens, packs, overdue, life, outside.webhooks, outside.audit];
    return armAlarm(this.#storage, () => works.map((work) => work.dueAt()));
  }
}
