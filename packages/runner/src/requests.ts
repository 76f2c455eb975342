import { randomUUID } from "node:crypto";

import type { CallbackAnswer, RequestKind } from "@claude-edge/protocol";

import type { EventLog } from "./event-log.js";

/** What a request belongs to: a session, and its newest turn. */
export interface RequestOwner {
  readonly id: string;
  readonly lastTurn: string;
}

interface HowToAsk {
  signal?: AbortSignal | undefined;
  /** The process is let go when there is no answer by then. */
  holdMs?: number | undefined;
  /** The process stays until there is one. */
  held?: boolean | undefined;
}

interface Pending {
  settle(answer: CallbackAnswer): void;
  /** Takes its timer and listener away. */
  forget(): void;
}

/** A question that can wait was not answered while its process was held. */
type OnHeldTooLong = () => void;

/** The requests of one session that wait for their answers. Each is in the log; the answer comes over HTTP. */
export class Requests {
  readonly #owner: RequestOwner;
  readonly #log: EventLog;
  readonly #onHeldTooLong: OnHeldTooLong;
  readonly #pending = new Map<string, Pending>();
  /** Counts the processes that have asked. */
  #process = 0;
  /** Those that are answered, of the newest turn: the word of it may have been lost. */
  readonly #settled = new Set<string>();

  constructor(owner: RequestOwner, log: EventLog, onHeldTooLong: OnHeldTooLong) {
    this.#owner = owner;
    this.#log = log;
    this.#onHeldTooLong = onHeldTooLong;
  }

  /**
   * Puts a question to the outside. Never rejects; stays pending when the process is let go with it. With `holdMs`, the
   * process is let go when there is no answer by then.
   */
  async ask(
    kind: RequestKind,
    payload: object,
    { signal, holdMs, held }: HowToAsk = {},
  ): Promise<CallbackAnswer> {
    // What the agent said before it asked is still on its way through the Agent SDK's stream: it comes first.
    const process = this.#process;
    await new Promise((resolve) => setImmediate(resolve));
    if (process !== this.#process) return new Promise(() => {});
    const id = randomUUID();
    const { id: session, lastTurn: turn } = this.#owner;
    const asked = { id, kind, payload: payload as Record<string, unknown> };
    const request = { ...asked, ...(held ? { held } : {}) };
    this.#log.append({ kind: "request", session, turn, request });
    return new Promise((resolve) => {
      const hold = holdMs === undefined ? undefined : setTimeout(this.#onHeldTooLong, holdMs);
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
        this.#log.append({ kind: "request.cancelled", session, turn, request: id });
        settle({ error: { message: "The agent no longer waits for it." } });
      };
      this.#pending.set(id, { settle, forget });
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Gives an answer to whoever waits for it. False when nobody does, or ever did: told again it is as good as taken. */
  answer(id: string, answer: CallbackAnswer): boolean {
    this.#pending.get(id)?.settle(answer);
    return this.#settled.has(id);
  }

  /** Another turn begins. */
  clear(): void {
    this.#settled.clear();
  }

  /** The process that asked is gone: nobody waits any more, and nothing is said of it. */
  drop(): void {
    this.#process += 1;
    for (const pending of this.#pending.values()) pending.forget();
  }
}
