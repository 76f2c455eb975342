/** Ids leave room for this many calls a millisecond. */
const IDS_PER_MS = 1_024;

/** When a model call began, milliseconds since 1970, by its id. */
export const begunAt = (id: number): number => id / IDS_PER_MS;

/** Ids of model calls: each is higher than those before it, also over a restart and with a clock that goes back. */
export class CallIds {
  #last = 0;

  next(now: number): number {
    this.#last = Math.max(this.#last + 1, now * IDS_PER_MS);
    return this.#last;
  }

  /** The highest id that can have been assigned by now. */
  highest(now: number): number {
    this.#last = Math.max(this.#last, now * IDS_PER_MS);
    return this.#last;
  }
}
