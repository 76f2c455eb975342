import type { SdkMessage } from "@claude-edge/protocol";

import type { LogEvent } from "./log-event.js";
import { cut, PART_CHARS } from "./parts.js";
import { all, one } from "./rows.js";

/** The stored events of an account's sessions. */
export class EventTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** `own`: it is in no runner's log. */
  insert(session: string, { seq, turn, kind, data }: LogEvent, own: boolean): void {
    for (const [part, text] of cut(data).entries()) {
      this.#sql.exec(
        "INSERT INTO events (session_id, seq, part, turn_id, kind, own, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        session,
        seq,
        part,
        turn,
        kind,
        own ? 1 : 0,
        text,
      );
    }
  }

  /** The first event behind a seq that came from a runner's log. */
  nextFromLog(session: string, after: number): number | undefined {
    const { seq } = one<{ seq: number | null }>(
      this.#sql,
      "SELECT min(seq) AS seq FROM events WHERE session_id = ? AND seq > ? AND own = 0",
      session,
      after,
    );
    return seq ?? undefined;
  }

  /** Whether an event is the account's own word. */
  isOwn(session: string, seq: number): boolean {
    const rows = all<{ own: number }>(
      this.#sql,
      "SELECT own FROM events WHERE session_id = ? AND seq = ? AND part = 0",
      session,
      seq,
    );
    return rows[0]?.own === 1;
  }

  /** The event of a message of the Agent SDK, by its `uuid`; undefined for one that is not in the session's log. */
  seqOfMessage(session: string, uuid: string): number | undefined {
    const { seq } = one<{ seq: number | null }>(
      this.#sql,
      "SELECT min(seq) AS seq FROM events WHERE session_id = ? AND kind = 'message' AND instr(data, ?) > 0",
      session,
      `"uuid":${JSON.stringify(uuid)}`,
    );
    return seq ?? undefined;
  }

  /** The messages of a turn whose first event is known, one after the other. */
  *messagesOf(session: string, turn: string, firstSeq: number): Generator<SdkMessage> {
    let position = firstSeq - 1;
    for (;;) {
      const events = this.range(session, position, Number.MAX_SAFE_INTEGER);
      if (events.length === 0) return;
      position = events.at(-1)!.seq;
      for (const event of events) {
        if (event.kind !== "message" || event.turn !== turn) continue;
        yield (JSON.parse(event.data) as { message: SdkMessage }).message;
      }
    }
  }

  /** Stored events with `after < seq <= upTo`, in order, up to about a megabyte of them and at least one. */
  range(session: string, after: number, upTo: number): LogEvent[] {
    const rows = this.#sql.exec<{
      seq: number;
      turn_id: string;
      kind: LogEvent["kind"];
      data: string;
    }>(
      "SELECT seq, turn_id, kind, data FROM events WHERE session_id = ? AND seq > ? AND seq <= ? ORDER BY seq, part",
      session,
      after,
      upTo,
    );
    const events: LogEvent[] = [];
    let chars = 0;
    for (const { seq, turn_id, kind, data } of rows) {
      const last = events.at(-1);
      if (last?.seq === seq) {
        last.data += data;
      } else if (chars > PART_CHARS) {
        break;
      } else {
        events.push({ seq, turn: turn_id, kind, data });
      }
      chars += data.length;
    }
    return events;
  }

  delete(session: string): void {
    this.#sql.exec("DELETE FROM events WHERE session_id = ?", session);
  }
}
