import { EdgeError, type Prompt, type SessionOptions } from "@claude-edge/protocol";
import type { OneMessage, StartTurn, TranscriptEntry } from "@claude-edge/protocol/runner";

import { cut } from "./parts.js";
import { all } from "./rows.js";

/** Nobody comes back for an answer later than this after its end, milliseconds. */
const LEFT_MS = 15_000;

/** A request of the Messages API as a session of one turn. */
export interface NewMessage {
  session: string;
  turn: string;
  options: SessionOptions;
  /** What was said before. */
  transcript: TranscriptEntry["entry"][];
  /** What is said now; without it, it is in the transcript too, as the entry with the turn's id. */
  prompt?: Prompt | undefined;
  message: OneMessage;
}

/** The prompt may be larger than a row of a turn is. */
type MessageStart = Pick<StartTurn, "message" | "resume"> & { prompt?: Prompt };

/**
 * Sessions that stand for one request of the Messages API each: in no list, and gone when the request is over. Whoever
 * made one deletes it; what is left behind, because that was cut off, is swept.
 */
export class MessageSessions {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  insert({ session, prompt, message }: NewMessage): void {
    const start: MessageStart =
      prompt === undefined ? { message, resume: true } : { message, prompt };
    this.#sql.exec("INSERT INTO message_sessions (session_id) VALUES (?)", session);
    for (const [part, data] of cut(JSON.stringify(start)).entries()) {
      this.#sql.exec("INSERT INTO message_starts VALUES (?, ?, ?)", session, part, data);
    }
  }

  /** What its turn begins with; nothing of a session that is an agent's. */
  startOf(session: string): Partial<MessageStart> {
    const parts = all<{ data: string }>(
      this.#sql,
      "SELECT data FROM message_starts WHERE session_id = ? ORDER BY part",
      session,
    );
    if (parts.length === 0) return {};
    return JSON.parse(parts.map(({ data }) => data).join("")) as MessageStart;
  }

  /**
   * Lets one model call through: Claude Code would go on by itself after an answer that was cut off or too long, and
   * that is another message.
   * @throws EdgeError `model_error`.
   */
  takeCall(session: string): void {
    // Read first: every agent's model call comes by here, and one that writes would wait for its commit.
    const query = "SELECT asked FROM message_sessions WHERE session_id = ?";
    const [found] = all<{ asked: number }>(this.#sql, query, session);
    if (!found) return;
    if (found.asked) throw new EdgeError("model_error", "The answer broke off.");
    this.#sql.exec("UPDATE message_sessions SET asked = 1 WHERE session_id = ?", session);
  }

  /** It came to nothing: there may be another. */
  giveBack(session: string): void {
    this.#sql.exec("UPDATE message_sessions SET asked = 0 WHERE session_id = ?", session);
  }

  delete(session: string): void {
    this.#sql.exec("DELETE FROM message_sessions WHERE session_id = ?", session);
    this.#sql.exec("DELETE FROM message_starts WHERE session_id = ?", session);
  }

  /** Those that somebody should have deleted by now. */
  left(now: number): string[] {
    return this.#ends()
      .filter(({ ended_at }) => ended_at <= now - LEFT_MS)
      .map(({ session_id }) => session_id);
  }

  /** When the next one counts as left behind. */
  nextLeft(): number | undefined {
    const [first] = this.#ends();
    return first && first.ended_at + LEFT_MS;
  }

  #ends(): { session_id: string; ended_at: number }[] {
    return all(
      this.#sql,
      `SELECT session_id, ended_at FROM message_sessions JOIN turns USING (session_id)
        WHERE ended_at IS NOT NULL ORDER BY ended_at`,
    );
  }
}
