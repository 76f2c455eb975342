import { toWireError, type CapacityCause } from "@claude-edge/protocol";

import { backoff, jittered } from "../backoff.js";
import { isOverloaded } from "../object-fault.js";
import { messageOf, unavailableReason } from "./failure.js";

/** How a kind of failure is waited for, milliseconds. */
interface Policy {
  /** The first pause; each further one is twice as long, up to `longestMs`. */
  firstMs: number;
  longestMs: number;
  /** Readers are told when it has lasted this long. */
  tellAfterMs: number;
}

/** A start that was refused: seconds to minutes, until a container somewhere sleeps. */
const CAPACITY: Policy = { firstMs: 1_000, longestMs: 20_000, tellAfterMs: 0 };

/** What is waited for: the session's previous turn may still be ending in the runner, whose reader has seen it end. */
type Cause = CapacityCause | "turn_running";

/** What may be waited for. All else is an answer, which the next attempt would give too. */
const POLICIES: Record<Cause, Policy> = {
  no_instance: CAPACITY,
  provisioning: CAPACITY,
  rate_limited: CAPACITY,
  container_full: CAPACITY,
  // Both of its containers are being replaced. One ends when its turns have.
  draining: { firstMs: 250, longestMs: 5_000, tellAfterMs: 5_000 },
  // The container's object was reset, or the way to it broke: over in less than a second, as a rule.
  unreachable: { firstMs: 250, longestMs: 5_000, tellAfterMs: 5_000 },
  overloaded: { firstMs: 1_000, longestMs: 20_000, tellAfterMs: 5_000 },
  turn_running: { firstMs: 500, longestMs: 2_000, tellAfterMs: Infinity },
};

/** What a failed attempt is waited for as; undefined when waiting would not help. */
function causeOf(failure: unknown): Cause | undefined {
  if (isOverloaded(failure)) return "overloaded";
  const { code, details } = toWireError(failure);
  // The object is of another version, and was asked for a while already.
  if (code === "version_skew") return "unreachable";
  // A start that fails may break its object, whose callers then get the platform's message.
  if (code === "internal") return asCause(unavailableReason(messageOf(failure))) ?? "unreachable";
  return asCause(code === "container_unavailable" ? details?.reason : code);
}

function asCause(named: unknown): Cause | undefined {
  return typeof named === "string" && Object.hasOwn(POLICIES, named) ? (named as Cause) : undefined;
}

/** A pause before the next attempt. */
export interface Pause {
  ms: number;
  /** What readers are told, once it has lasted long enough: what is waited for, and since when. */
  told?: { cause: CapacityCause; since: number };
}

/** For how long, and at what pauses, something is tried again that fails for lack of capacity. It does not wait itself. */
export class Patience {
  readonly #patienceMs: number;
  readonly #random: () => number;
  #since: number | undefined;
  #failures = 0;

  /**
   * @param patienceMs How long after the first failure the last attempt may begin.
   * @param since When the first attempt failed, if that was before a restart.
   */
  constructor(patienceMs: number, since?: number, random: () => number = Math.random) {
    this.#patienceMs = patienceMs;
    this.#since = since;
    this.#random = random;
  }

  /** The pause after a failed attempt; undefined when it is final, or patience has ended. */
  pauseAfter(failure: unknown, now: number = Date.now()): Pause | undefined {
    const cause = causeOf(failure);
    if (cause === undefined) return undefined;
    const since = (this.#since ??= now);
    const leftMs = since + this.#patienceMs - now;
    if (leftMs <= 0) return undefined;
    const { firstMs, longestMs, tellAfterMs } = POLICIES[cause];
    this.#failures += 1;
    const backoffMs = jittered(backoff(firstMs, this.#failures, longestMs), this.#random());
    const ms = Math.min(Math.max(backoffMs, this.#askedFor(failure)), leftMs);
    if (cause === "turn_running" || now - since < tellAfterMs) return { ms };
    return { ms, told: { cause, since } };
  }

  /** What the failure asks for as `retry-after`, and up to a quarter more. */
  #askedFor(failure: unknown): number {
    const seconds = toWireError(failure).details?.retry_after_s;
    return typeof seconds === "number" ? seconds * 1_000 * (1 + this.#random() / 4) : 0;
  }
}
