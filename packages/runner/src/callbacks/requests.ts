import { randomBytes } from "node:crypto";

import type { CallbackAnswer } from "@claude-edge/protocol";
import { requestId, type RequestFrame } from "@claude-edge/protocol/runner";

import type { FrameSink } from "../log/event-log.js";

/** The session that requests belong to. */
export interface RequestOwner {
  readonly id: string;
  readonly lastTurn: string;
}

interface HowToAsk {
  signal?: AbortSignal | undefined;
  /** The process is released when there is no answer by then, milliseconds. */
  holdMs?: number | undefined;
  /** The process is kept until there is an answer. */
  held?: boolean | undefined;
}

interface Pending {
  /** It can be answered in another process. */
  canWait: boolean;
  settle(answer: CallbackAnswer): void;
  /** Removes its timer and listener. */
  forget(): void;
}

/**
 * How long a process is held for an answer while its runner drains, milliseconds: a program answers within that, and a
 * person need not.
 */
const DRAINING_HOLD_MS = 2_000;

/** Called when a question that can outlive its process was not answered while the process was held. */
type OnHeldTooLong = () => void;

/** The pending requests of one session. Each is in the log; its answer comes over HTTP. */
export class Requests {
  readonly #owner: RequestOwner;
  readonly #log: FrameSink;
  readonly #onHeldTooLong: OnHeldTooLong;
  readonly #pending = new Map<string, Pending>();
  /** Counts the processes of the session, to tell questions of an earlier one. */
  #process = 0;
  /** The answered requests of the newest turn: an answer is repeated when its receipt was lost. */
  readonly #settled = new Set<string>();
  #isDraining = false;

  constructor(owner: RequestOwner, log: FrameSink, onHeldTooLong: OnHeldTooLong) {
    this.#owner = owner;
    this.#log = log;
    this.#onHeldTooLong = onHeldTooLong;
  }

  /**
   * Asks the outside. Never rejects; stays pending for ever when the process is gone before there is an answer.
   */
  async ask(
    kind: RequestFrame["request"]["kind"],
    payload: object,
    { signal, holdMs, held }: HowToAsk = {},
  ): Promise<CallbackAnswer> {
    // Earlier output of the agent is still on its way through the Agent SDK's stream, and must come first in the log.
    const process = this.#process;
    await new Promise((resolve) => setImmediate(resolve));
    if (process !== this.#process) return new Promise(() => {});
    const { id: session, lastTurn: turn } = this.#owner;
    const id = requestId(randomBytes(8).toString("hex"), session);
    const asked = { id, kind, payload: payload as Record<string, unknown> };
    const request = { ...asked, ...(held ? { held } : {}) };
    this.#log.append({ kind: "request", turn, request });
    return new Promise((resolve) => {
      const canWait = holdMs !== undefined;
      const hold = canWait ? setTimeout(this.#onHeldTooLong, this.#shorten(holdMs)) : undefined;
      hold?.unref();
      const forget = () => {
        clearTimeout(hold);
        signal?.removeEventListener("abort", onAbort);
        this.#pending.delete(id);
      };
      const settle = (answer: CallbackAnswer) => {
        this.#settled.add(id);
        forget();
        resolve(answer);
      };
      const onAbort = () => {
        this.#log.append({ kind: "request.cancelled", turn, request: id });
        settle({ error: { message: "The agent no longer waits for it." } });
      };
      this.#pending.set(id, { canWait, settle, forget });
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Answers a request. True if it was pending or has been answered before; false if it is unknown. */
  answer(id: string, answer: CallbackAnswer): boolean {
    this.#pending.get(id)?.settle(answer);
    return this.#settled.has(id);
  }

  /** The process is held no longer for what it has asked, and only briefly for what it will ask. */
  drain(): void {
    this.#isDraining = true;
    if ([...this.#pending.values()].some(({ canWait }) => canWait)) this.#onHeldTooLong();
  }

  /** Another turn begins. */
  clear(): void {
    this.#settled.clear();
  }

  /** The process that asked is gone: its requests are forgotten, with no frame in the log. */
  drop(): void {
    this.#process += 1;
    for (const pending of this.#pending.values()) pending.forget();
  }

  #shorten(holdMs: number): number {
    return this.#isDraining ? Math.min(holdMs, DRAINING_HOLD_MS) : holdMs;
  }
}
