import { EdgeError } from "@claude-edge/protocol";

const MINUTE_MS = 60_000;

/**
 * A token bucket with the capacity of one minute, so a burst after a pause is allowed. It is kept in memory only; a
 * restart forgets at most a minute.
 */
export class RequestRate {
  #left = Infinity;
  #at = 0;

  /** Takes a request. @throws EdgeError `rate_limited`, with the seconds to wait in `details.retry_after_s`. */
  take(perMinute: number | null, now: number): void {
    if (perMinute === null) return;
    const refilled = this.#left + ((now - this.#at) / MINUTE_MS) * perMinute;
    this.#left = Math.min(refilled, perMinute);
    this.#at = now;
    if (this.#left >= 1) {
      this.#left -= 1;
      return;
    }
    const waitMs = perMinute === 0 ? MINUTE_MS : ((1 - this.#left) / perMinute) * MINUTE_MS;
    const message = `The account has sent its ${perMinute} requests of this minute.`;
    const details = { limit: "requests_per_minute", allowed: perMinute };
    const retry_after_s = Math.max(Math.ceil(waitMs / 1000), 1);
    throw new EdgeError("rate_limited", message, { ...details, retry_after_s });
  }
}
