import type { LogFields, LogSubject } from "@claude-edge/protocol/internal";

import { logger } from "../logger.js";
import type { TurnRow } from "./row-types.js";
import type { TurnEnd } from "./turn-end.js";

/** Logs the starts and ends of turns, each once it is committed: a frame that tells of one may be applied twice. */
export class TurnLog {
  #depth = 0;
  readonly #uncommitted: (() => void)[] = [];

  /** Runs a transaction. What is logged in one that fails is dropped. */
  during<Value>(transact: () => Value): Value {
    const before = this.#uncommitted.length;
    this.#depth += 1;
    try {
      return transact();
    } catch (error) {
      this.#uncommitted.length = before;
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  /** A transaction was committed. */
  commit(): void {
    if (this.#depth > 0) return;
    for (const write of this.#uncommitted.splice(0)) write();
  }

  /** A runner has begun a turn. `prompt`: read only if logs may hold it. */
  started(
    subject: LogSubject,
    { id, created_at, started_at, resumed }: TurnRow,
    prompt: () => unknown,
  ): void {
    const fields: LogFields = {
      ...subject,
      turn: id,
      queued_ms: (started_at ?? created_at) - created_at,
      ...(resumed > 0 ? { resumed } : {}),
      ...(logger.settings.content ? { content: { prompt: prompt() } } : {}),
    };
    this.#add(() => logger.info("turn started", fields));
  }

  ended(
    subject: LogSubject,
    { id, created_at, started_at }: TurnRow,
    { status, error, usage, result }: TurnEnd,
    now: number,
  ): void {
    const fields: LogFields = {
      ...subject,
      turn: id,
      status,
      duration_ms: now - (started_at ?? created_at),
      cost_usd: usage?.cost_usd,
      error,
      content: { answer: result?.text },
    };
    const level = status === "failed" ? "warn" : "info";
    this.#add(() => logger.log(level, "turn ended", fields));
  }

  #add(write: () => void): void {
    this.#uncommitted.push(write);
    this.commit();
  }
}
