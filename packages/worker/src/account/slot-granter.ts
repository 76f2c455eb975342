import { eachAtMost } from "../each-at-most.js";
import { logger } from "../logger.js";
import type { SessionPort } from "./ports.js";
import type { OpenTurn, Slots } from "./slots.js";

/** Sessions that are called at a time: each call may have to load an object first. */
const AT_ONCE = 20;

/** A slot that was not confirmed for this long is checked with its session, milliseconds. */
const LEASE_MS = 60_000;

/** Retry delay for granting a slot to an unreachable session, milliseconds. */
const GRANT_RETRY_MS = 1_000;

/** A slot is revoked when its session was unreachable for this long, milliseconds. */
const LEASE_PATIENCE_MS = 10 * 60_000;

/** The account, as granting depends on it. */
interface GranterHost {
  readonly name: string;
  /** How many turns may run at once. */
  maxRunning(): number;
  session(id: string): SessionPort;
  waitUntil(work: Promise<unknown>): void;
  /** Nothing is being told: sees to an alarm for what could not be. */
  onIdle(): void;
}

/** Gives the account's slots to turns and tells their sessions, several at a time. */
export class SlotGranter {
  readonly #slots: Slots;
  readonly #host: GranterHost;
  /** Turns whose sessions are being told. */
  readonly #telling = new Map<string, Promise<void>>();
  /** Turns whose sessions could not be told: the alarm tells them again. */
  readonly #unreachable = new Set<string>();

  constructor(slots: Slots, host: GranterHost) {
    this.#slots = slots;
    this.#host = host;
  }

  /** When the alarm has to tell a session of a slot, or to check those that are given out. */
  dueAt(): number | undefined {
    const open = this.#slots.open();
    if (open.some(({ status, told }) => status === "running" && told === 0)) {
      return Date.now() + GRANT_RETRY_MS;
    }
    return open.some(({ status }) => status !== "waiting") ? Date.now() + LEASE_MS : undefined;
  }

  /** Gives out free slots. */
  grant(): void {
    this.#slots.grant(this.#host.maxRunning(), Date.now());
    this.tell();
  }

  /** Tells sessions that their turns may run. A session that cannot be reached holds up no other. */
  tell(): void {
    for (const turn of this.#slots.untold()) {
      if (this.#telling.size >= AT_ONCE) return;
      if (this.#telling.has(turn.id) || this.#unreachable.has(turn.id)) continue;
      const told = this.#tellOne(turn).finally(() => {
        this.#telling.delete(turn.id);
        this.tell();
      });
      this.#telling.set(turn.id, told);
      this.#host.waitUntil(told);
    }
    if (this.#telling.size === 0) this.#host.onIdle();
  }

  async #tellOne({ id, session_id }: OpenTurn): Promise<void> {
    try {
      const isHeld = await this.#host.session(session_id).grantTurn(id);
      if (isHeld) this.#slots.setTold(id);
      else this.#drop(id);
    } catch (error) {
      logger.warn("session not told of its slot", {
        account: this.#host.name,
        session: session_id,
        turn: id,
        error,
      });
      this.#unreachable.add(id);
    }
  }

  /** Gives out free slots, and tells also the sessions that could not be reached before. */
  async retry(): Promise<void> {
    this.#unreachable.clear();
    this.grant();
    while (this.#telling.size > 0) await Promise.all(this.#telling.values());
  }

  /** Asks sessions whether they still hold their slots, and takes back those that they do not. */
  async checkLeases(now: number): Promise<void> {
    const due = this.#slots
      .open()
      .filter(({ status, confirmed_at }) => status !== "waiting" && confirmed_at + LEASE_MS <= now);
    const bySession = Map.groupBy(due, ({ session_id }) => session_id);
    await eachAtMost(AT_ONCE, bySession, async ([session, turns]) => {
      try {
        const open = await this.#host.session(session).openTurnsOf(turns.map(({ id }) => id));
        const held = new Set(open);
        for (const { id } of turns) {
          if (held.has(id)) this.#slots.confirm(id, Date.now());
          else this.#drop(id);
        }
      } catch (error) {
        logger.warn("session not asked for its turns", {
          account: this.#host.name,
          session,
          error,
        });
        for (const { id, confirmed_at } of turns) {
          if (confirmed_at + LEASE_PATIENCE_MS <= now) this.#drop(id);
        }
      }
    });
  }

  /** Removes a turn that its session does not have: the session's object was reset before it was stored. */
  #drop(turn: string): void {
    this.#slots.end(turn);
    this.#slots.grant(this.#host.maxRunning(), Date.now());
  }
}
