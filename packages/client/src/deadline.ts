import { TimeoutError } from "./errors.js";

/** A caller's signal, and the time a whole call may take. */
export interface Deadline {
  /** Aborts with the caller's signal, and with a {@link TimeoutError} when the time is over. */
  signal: AbortSignal | undefined;
  /** The call is over: nothing is left behind, on the caller's signal least of all. */
  end(): void;
}

/** Joined by hand: `AbortSignal.any` leaves something on a signal that outlives the call, until it is collected. */
export function deadline(signal: AbortSignal | undefined, totalMs: number | undefined): Deadline {
  if (totalMs === undefined) return { signal, end: () => {} };
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => controller.abort(new TimeoutError("total", totalMs)), totalMs);
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    },
  };
}
