import type { HostAndPort } from "@claude-edge/protocol";

import type { Refusal } from "./denial.js";
import { grantName } from "./network-policy.js";

/** A host that a program in a container wants to reach, and that somebody is to be asked about. */
export interface NetworkQuestion extends HostAndPort {
  /** The HTTP method. */
  method: string;
}

/** What has become of a question so far. */
export type NetworkReply =
  | { status: "allowed" }
  | { status: "denied"; message?: string | undefined }
  /** `requests`: the ids of those that are open; none yet while it cannot be asked. */
  | { status: "pending"; requests: string[] }
  /** There is nobody to ask: no turn runs. */
  | { status: "unasked" };

/** The part of an account's object that has its sessions ask. `session`: the one that the container belongs to alone. */
export interface QuestionPort {
  /** Safe to repeat: a turn asks once about a host. `known`: the open requests that it gave before. */
  askNetwork(
    session: string | undefined,
    question: NetworkQuestion,
    known: string[],
  ): Promise<NetworkReply>;
}

/** How often it is looked whether there is an answer, milliseconds, and how often in all: a call each. */
const LOOK_MS = 1_000;
const MAX_LOOKS = 500;

/** Calls that may fail in a row: the account's object may have been reset. */
const MAX_FAILURES = 3;

/** Requests of a container that are held at a time; more are refused while their question is open. */
const MAX_HELD = 50;

const MAX_MESSAGE_CHARS = 1_000;

/** Holds programs' requests while somebody is asked about their host. */
export class Questions {
  /** Until when requests are held, by container. Times, not a number: what a request that is cut off began never ends. */
  readonly #held = new Map<string, Set<{ until: number }>>();

  /**
   * Asks, and waits for the answer for up to `holdMs`. Undefined once the host is allowed. `otherwise`: the refusal when
   * there is nobody to ask. @throws Error when the account's object cannot be reached.
   */
  async ask(
    container: string,
    question: NetworkQuestion,
    ask: (question: NetworkQuestion, known: string[]) => Promise<NetworkReply>,
    { holdMs, signal, otherwise }: { holdMs: number; signal: AbortSignal; otherwise: Refusal },
  ): Promise<Refusal | undefined> {
    if (grantName(question) === undefined) return otherwise;
    let requests: string[] = [];
    let failures = 0;
    const look = async (): Promise<NetworkReply> => {
      try {
        const reply = await ask(question, requests);
        failures = 0;
        return reply;
      } catch (error) {
        failures += 1;
        if (failures >= MAX_FAILURES) throw error;
        return { status: "pending", requests };
      }
    };
    const place = this.#hold(container, holdMs);
    try {
      const pauseMs = Math.max(LOOK_MS, holdMs / MAX_LOOKS);
      for (;;) {
        const reply = await look();
        if (reply.status === "allowed") return undefined;
        if (reply.status === "unasked") return otherwise;
        if (reply.status === "denied") {
          return { reason: "refused", detail: reply.message?.slice(0, MAX_MESSAGE_CHARS) };
        }
        requests = reply.requests;
        if (Date.now() + pauseMs > place.until || signal.aborted) {
          return { reason: "unanswered", detail: requests.join(", ") };
        }
        await scheduler.wait(pauseMs);
      }
    } finally {
      this.#release(container, place);
    }
  }

  /** Takes a place among the requests that are held; one that is over at once if there are too many. */
  #hold(container: string, holdMs: number): { until: number } {
    const now = Date.now();
    const held = this.#held.get(container) ?? new Set();
    for (const place of held) if (place.until <= now) held.delete(place);
    const place = { until: held.size < MAX_HELD ? now + holdMs : now };
    held.add(place);
    this.#held.set(container, held);
    return place;
  }

  #release(container: string, place: { until: number }): void {
    const held = this.#held.get(container);
    held?.delete(place);
    if (held?.size === 0) this.#held.delete(container);
  }
}
