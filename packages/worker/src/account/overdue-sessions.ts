import { eachAtMost } from "../each-at-most.js";
import { logger } from "../logger.js";
import type { Directory } from "./directory.js";
import type { SessionPort } from "./ports.js";

/** Sessions that one alarm wakes, and how many of them at a time. */
const STEP = 50;
const AT_ONCE = 10;

/** The pause between two steps, and before a session that is still there is woken again, milliseconds. */
const STEP_MS = 1_000;
const AGAIN_MS = 3_600_000;

/** A session deletes itself within a minute, so what is listed for this much longer has to be woken, milliseconds. */
const GRACE_MS = 5 * 60_000;

/** An account with sessions looks this often whether the deployment's retention has changed, milliseconds. */
const LOOK_MS = 24 * 3_600_000;

interface Walked {
  readonly name: string;
  directory: Directory;
  session(id: string): SessionPort;
  removeSession(id: string): void;
}

/**
 * Wakes sessions that are kept for longer than the deployment's retention says: a session that is awake sets its own
 * alarm for its end, but one that nobody uses does not hear of a retention that was set after its last use.
 */
export class OverdueSessions {
  readonly #retentionMs: number | undefined;
  readonly #account: Walked;
  /** A new retention comes with a new object. */
  #lookAt = Date.now() + LOOK_MS;
  #notBefore = 0;
  /** The last session of the step before. */
  #after: { time: number; id: string } | undefined;

  constructor(retentionMs: number | undefined, account: Walked) {
    this.#retentionMs = retentionMs;
    this.#account = account;
  }

  /** When {@link step} has something to do; undefined without sessions that could be overdue. */
  dueAt(): number | undefined {
    const [oldest] = this.#account.directory.idleSince(Number.MAX_SAFE_INTEGER, 1);
    if (!oldest) return undefined;
    if (this.#retentionMs === undefined) return this.#lookAt;
    const due = Math.max(oldest.time + this.#retentionMs + GRACE_MS, this.#notBefore);
    return Math.min(due, this.#lookAt);
  }

  /** Wakes some of those that are overdue. */
  async step(now: number): Promise<void> {
    if (now >= this.#lookAt) this.#lookAt = now + LOOK_MS;
    if (this.#retentionMs === undefined || now < this.#notBefore) return;
    const { directory } = this.#account;
    const overdue = directory.idleSince(now - this.#retentionMs - GRACE_MS, STEP, this.#after);
    await eachAtMost(AT_ONCE, overdue, async ({ id }) => {
      try {
        // One that is gone is in no list either.
        if (!(await this.#account.session(id).exists())) this.#account.removeSession(id);
      } catch (error) {
        logger.warn("overdue session not reached", {
          account: this.#account.name,
          session: id,
          error,
        });
      }
    });
    const isFull = overdue.length === STEP;
    this.#after = isFull ? overdue.at(-1) : undefined;
    this.#notBefore = now + (isFull ? STEP_MS : AGAIN_MS);
  }
}
