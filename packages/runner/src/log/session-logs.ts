import { randomUUID } from "node:crypto";

import { EventLog } from "./event-log.js";

/** Unread frames of all sessions are kept up to this many characters: a container has memory for no more. */
const MAX_TOTAL_CHARS = 128 * 1024 * 1024;

/** One session may have this share of them: one that is not read must leave room for the others. */
const SESSION_SHARE = 0.5;

/** This share is left after deltas were dropped: dropping goes through whole logs, so it should not happen often. */
const SHARE_KEPT = 0.75;

/** A reader's hold on a log. */
export interface LogSubscription {
  log: EventLog;
  unsubscribe(): void;
}

/** The logs of a runner, one a session. */
export class SessionLogs {
  /** New with every start of the runner. */
  readonly boot: string = randomUUID();
  readonly #logs = new Map<string, EventLog>();
  /** The sessions whose logs are kept until they are removed. */
  readonly #open = new Set<string>();
  readonly #maxChars: number;
  #chars = 0;
  #isDraining = false;

  constructor(maxChars: number = MAX_TOTAL_CHARS) {
    this.#maxChars = maxChars;
  }

  get(session: string): EventLog | undefined {
    return this.#logs.get(session);
  }

  /** The cursor of a session's log; 0 when there is none. */
  cursorOf(session: string): number {
    return this.#logs.get(session)?.head.cursor ?? 0;
  }

  /** The log of a session, from now on kept until it is removed: its cursors must not start over. */
  open(session: string): EventLog {
    this.#open.add(session);
    return this.#getOrCreate(session);
  }

  /** Reads a session's log. That of a session that was never opened lasts only as long as it has readers. */
  subscribe(session: string, wake: () => void): LogSubscription {
    const log = this.#getOrCreate(session);
    const leave = log.subscribe(wake);
    return {
      log,
      unsubscribe: () => {
        leave();
        if (this.#logs.get(session) === log) this.#dropUnused(session);
      },
    };
  }

  /** A session that never emitted anything is gone. Readers that wait for its first frame may stay. */
  release(session: string): void {
    this.#open.delete(session);
    this.#dropUnused(session);
  }

  /** Drops a session's log; its readers get what is left of it, and its end. */
  remove(session: string): void {
    const log = this.#logs.get(session);
    this.#logs.delete(session);
    this.#open.delete(session);
    this.#chars -= log?.chars ?? 0;
    log?.end();
  }

  /** Readers are told that the runner drains. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  drain(): void {
    this.#isDraining = true;
    for (const log of this.#logs.values()) log.wake();
  }

  /** Whether every frame was acknowledged. */
  get isHandedOver(): boolean {
    return this.#chars === 0;
  }

  get hasReaders(): boolean {
    return [...this.#logs.values()].some((log) => log.hasReaders);
  }

  #dropUnused(session: string): void {
    if (!this.#open.has(session) && !this.#logs.get(session)?.hasReaders) {
      this.#logs.delete(session);
    }
  }

  #getOrCreate(session: string): EventLog {
    let log = this.#logs.get(session);
    if (!log) {
      const created = new EventLog(this.boot, SESSION_SHARE * this.#maxChars, (chars) => {
        if (this.#logs.get(session) === created) this.#onResize(chars);
      });
      log = created;
      this.#logs.set(session, log);
    }
    return log;
  }

  #onResize(chars: number): void {
    this.#chars += chars;
    if (chars < 0 || this.#chars <= this.#maxChars) return;
    const target = SHARE_KEPT * this.#maxChars;
    const logs = [...this.#logs.values()].filter(({ deltaChars }) => deltaChars > 0);
    for (const log of logs.toSorted((one, two) => two.chars - one.chars)) {
      if (this.#chars <= target) return;
      log.dropDeltas(log.chars - (this.#chars - target));
    }
  }
}
