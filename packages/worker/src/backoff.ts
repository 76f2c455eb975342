/** Nothing that failed is tried again less often than this unless it says so, milliseconds. */
const MAX_PAUSE_MS = 5 * 60_000;

/** How long to wait before the next try, milliseconds: twice as long after each failure, up to `longestMs`. */
export const backoff = (
  firstMs: number,
  failures: number,
  longestMs: number = MAX_PAUSE_MS,
): number => Math.min(firstMs * 2 ** Math.max(failures - 1, 0), longestMs);

/** Half of a pause at random: those that were refused together must not come back together. `random`: from 0 to 1. */
export const jittered = (ms: number, random: number): number => ms * (0.5 + random / 2);
