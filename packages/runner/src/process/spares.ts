import { randomUUID } from "node:crypto";

import { SPARE_RESERVED_MS } from "@claude-edge/protocol/runner";

/** A spare takes 0.3 s of a core: it is started once the container has been idle for this long, milliseconds. */
const REFILL_DELAY_MS = 500;

/** After a failure, the next one is started after this, and after each further failure twice as late, milliseconds. */
const RETRY_MS = 5_000;
const MAX_RETRY_MS = 10 * 60_000;

/** What is needed of a process here. */
interface SpareProcess {
  readonly alive: boolean;
  close(): Promise<void>;
}

/** What a process has from its start. */
export interface SpareKind {
  /** It is for sessions that ask for approvals. */
  asks: boolean;
  /** Variables of its environment: placeholders of secrets. */
  variables?: Record<string, string> | undefined;
}

export const isSameKind = (left: SpareKind, right: SpareKind): boolean =>
  left.asks === right.asks && isSameEnvironment(left, right);

/** They come in the order of their names. */
const isSameEnvironment = (
  { variables: one = {} }: SpareKind,
  { variables: other = {} }: SpareKind,
) => JSON.stringify(one) === JSON.stringify(other);

export interface Spare<Process> {
  process: Process;
  kind: SpareKind;
  /** Set while it is reserved: ends it. */
  reservation?: NodeJS.Timeout | undefined;
}

export interface SparesContext<Process> {
  /** Starts a process for a session with this id. */
  prepare(id: string, kind: SpareKind): Promise<Process>;
  /** Whether the container has the time and the memory to start one. */
  hasCapacity(): boolean;
  /** A spare was dropped, and with it the session that it was for. */
  onDropped(id: string): void;
}

/** Processes that are kept ready for new sessions, by the session id that they will have. */
export class Spares<Process extends SpareProcess> {
  readonly #wanted: number;
  readonly #context: SparesContext<Process>;
  readonly #ready = new Map<string, Spare<Process>>();
  /** What the newest session without a process wanted: the next one is likely to want the same. */
  #expected: SpareKind = { asks: false };
  #refill: NodeJS.Timeout | undefined;
  #preparing: Promise<void> | undefined;
  /** Failures in a row, and when the next spare may be started after them. */
  #failures = 0;
  #notBefore = 0;
  #isClosed = false;

  constructor(wanted: number, context: SparesContext<Process>) {
    this.#wanted = wanted;
    this.#context = context;
  }

  has(id: string): boolean {
    return this.#ready.has(id);
  }

  /** Removes a spare from the pool and returns it. */
  take(id: string): Spare<Process> | undefined {
    const spare = this.#ready.get(id);
    this.#ready.delete(id);
    clearTimeout(spare?.reservation);
    return spare;
  }

  /** Reserves the newest spare of a kind, and returns the id of the session whose first turn claims it. */
  reserve(asks: boolean): string | undefined {
    for (const [id, spare] of [...this.#ready].toReversed()) {
      const { kind } = spare;
      // One with other variables than those of now would be ended by the session that takes it.
      if (spare.reservation || kind.asks !== asks || !isSameEnvironment(kind, this.#expected))
        continue;
      const { alive } = spare.process;
      if (alive) {
        // Its id may be a session's by now: nobody else is given it.
        spare.reservation = setTimeout(() => this.#drop(id), SPARE_RESERVED_MS);
        spare.reservation.unref();
      } else this.#drop(id);
      // Only now that one is missing: asking again and again must not put it off.
      this.scheduleRefill();
      if (alive) return id;
    }
    return undefined;
  }

  /** Makes a reserved spare free again: no session was created under its id. One that is there in its place ends it. */
  release(id: string): void {
    const spare = this.#ready.get(id);
    if (!spare?.reservation) return;
    clearTimeout(spare.reservation);
    spare.reservation = undefined;
    if (this.#free(spare.kind).length > this.#wanted) this.#drop(id);
  }

  /** Sets the kind that is prepared from now on. */
  expect(kind: SpareKind): void {
    this.#expected = kind;
  }

  /** Drops one to free its memory. False when there is none of that kind. */
  dropOne(kind: "free" | "reserved"): boolean {
    for (const [id, { reservation }] of this.#ready) {
      if ((reservation !== undefined) !== (kind === "reserved")) continue;
      this.#drop(id);
      return true;
    }
    return false;
  }

  pauseRefill(): void {
    clearTimeout(this.#refill);
  }

  scheduleRefill(): void {
    clearTimeout(this.#refill);
    if (this.#isClosed || this.#wanted === 0) return;
    if (this.#free(this.#expected).length >= this.#wanted) return;
    const delay = Math.max(REFILL_DELAY_MS, this.#notBefore - Date.now());
    this.#refill = setTimeout(() => {
      if (this.#preparing || !this.#context.hasCapacity()) return this.scheduleRefill();
      this.#preparing = this.#prepare().finally(() => {
        this.#preparing = undefined;
        this.scheduleRefill();
      });
    }, delay);
    this.#refill.unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    await this.#preparing;
    await Promise.all([...this.#ready.values()].map(({ process }) => process.close()));
  }

  /** The ids of the spares of a kind that are not reserved, the oldest first. */
  #free(kind: SpareKind): string[] {
    const free = [...this.#ready].filter(
      ([, spare]) => isSameKind(spare.kind, kind) && !spare.reservation,
    );
    return free.map(([id]) => id);
  }

  #drop(id: string): void {
    const spare = this.take(id);
    this.#context.onDropped(id);
    void spare?.process.close();
  }

  async #prepare(): Promise<void> {
    const id = randomUUID();
    const kind = this.#expected;
    for (const [other, spare] of this.#ready) {
      if (!spare.reservation && !isSameKind(spare.kind, kind)) this.#drop(other);
    }
    try {
      const process = await this.#context.prepare(id, kind);
      if (this.#isClosed) return await process.close();
      this.#ready.set(id, { process, kind });
      this.#failures = 0;
    } catch {
      // A spare only saves time: without one a session starts cold, and its turn reports what is wrong.
      this.#notBefore = Date.now() + Math.min(RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS);
      this.#failures += 1;
      this.#context.onDropped(id);
    }
  }
}
