import { EdgeError, type Prompt, type SessionOptions } from "@claude-edge/protocol";
import type { OneMessage, StartTurn, TranscriptEntry } from "@claude-edge/protocol/runner";

import { cut } from "../sql/parts.js";
import { all } from "../sql/rows.js";

/** A request of the Messages API as an ephemeral session of one turn. */
export interface NewMessage {
  session: string;
  turn: string;
  options: SessionOptions;
  /** The conversation so far. */
  transcript: TranscriptEntry["entry"][];
  /** The new message. Without it, the transcript ends with the new message, under the turn's id. */
  prompt?: Prompt | undefined;
  message: OneMessage;
  /** The id of the HTTP request. */
  requestId?: string | undefined;
}

/** Stored apart from the turn, because the prompt may exceed the size of a row. */
type MessageStart = Pick<StartTurn, "message" | "resume"> & { prompt?: Prompt };

/** Extra state of an ephemeral session: its turn's input, and whether its one model call was made. */
export class EphemeralTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  insert({ prompt, message }: NewMessage): void {
    const start: MessageStart =
      prompt === undefined ? { message, resume: true } : { message, prompt };
    this.#sql.exec("INSERT INTO message (asked) VALUES (0)");
    for (const [part, data] of cut(JSON.stringify(start)).entries()) {
      this.#sql.exec("INSERT INTO message_start (part, data) VALUES (?, ?)", part, data);
    }
  }

  /** The input of the session's turn; empty for other sessions. */
  start(): Partial<MessageStart> {
    const parts = all<{ data: string }>(this.#sql, "SELECT data FROM message_start ORDER BY part");
    if (parts.length === 0) return {};
    return JSON.parse(parts.map(({ data }) => data).join("")) as MessageStart;
  }

  /**
   * Allows a single model call. After a truncated or cut-off answer, Claude Code would continue with another call, which
   * would be another message.
   * @throws EdgeError `model_error`.
   */
  takeCall(): void {
    // Reads first: this runs for every model call of every session, and a write would wait for its commit.
    const [found] = all<{ asked: number }>(this.#sql, "SELECT asked FROM message");
    if (!found) return;
    if (found.asked) throw new EdgeError("model_error", "The answer broke off.");
    this.#sql.exec("UPDATE message SET asked = 1");
  }

  /** The call failed, so another one is allowed. */
  returnCall(): void {
    this.#sql.exec("UPDATE message SET asked = 0");
  }
}
