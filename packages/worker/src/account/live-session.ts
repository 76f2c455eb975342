import type { LogEvent } from "./log-event.js";

/** Recent events are kept in memory up to this many characters per session; older ones are read from storage. */
const TAIL_CHARS = 8 * 1024 * 1024;

/** How long the recent events of a session without a running turn are kept for a reader who comes back, milliseconds. */
const TAIL_LIFE_MS = 60_000;

/**
 * What an account holds of a session in memory: the newest events, deltas among them, and who waits for more.
 * Readers pull from here at their own pace, so a slow one costs nothing but its own delay.
 */
export class LiveSession {
  /** The newest seq. */
  seq: number;
  /** What is stored of its running turn is being read again after a restart. */
  rewound = false;
  /** … or what was handed out of it without being stored: readers and own events wait until it is whole. */
  held = false;
  /** Readers that run the session's callbacks, and since when there is none. */
  callers = 0;
  callersGoneAt: number = Date.now();
  #tail: LogEvent[] = [];
  #chars = 0;
  #touched = 0;
  readonly #wakes = new Set<() => void>();

  constructor(seq: number) {
    this.seq = seq;
  }

  append(events: LogEvent[], now: number): void {
    for (const event of events) {
      this.#tail.push(event);
      this.#chars += event.data.length;
    }
    if (this.#chars > TAIL_CHARS) this.#shorten();
    this.#touched = now;
    this.wake();
  }

  /** Empties it, and goes on behind a seq. */
  reset(seq: number): void {
    this.#tail = [];
    this.#chars = 0;
    this.seq = seq;
  }

  /** Wakes every reader. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /** The first seq that is in memory; everything from there on is. */
  get start(): number {
    return this.#tail[0]?.seq ?? Number.MAX_SAFE_INTEGER;
  }

  /** The events in memory behind a seq. */
  since(after: number): LogEvent[] {
    let low = 0;
    let high = this.#tail.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#tail[middle]!.seq > after) high = middle;
      else low = middle + 1;
    }
    return this.#tail.slice(low);
  }

  /** Calls back when there is more, until the function it gives is called. */
  onAppend(wake: () => void): () => void {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  }

  /** Nobody reads it and nobody is likely to come back for its deltas. */
  isStale(now: number): boolean {
    return this.#wakes.size === 0 && now - this.#touched > TAIL_LIFE_MS;
  }

  #shorten(): void {
    let index = 0;
    while (this.#chars > TAIL_CHARS / 2 && index < this.#tail.length - 1) {
      this.#chars -= this.#tail[index]!.data.length;
      index += 1;
    }
    this.#tail.splice(0, index);
  }
}
