import type { EdgeEvent, SdkMessage } from "@claude-edge/protocol";

import type { LogEvent, LogHead, LogPart } from "./log-event.js";
import { cut, numberOf, PART_CHARS, partKey } from "../sql/parts.js";
import { all, one } from "../sql/rows.js";

/** What is stored with an event besides itself. */
interface Origin {
  /** It originates in the session, not in a runner's log. */
  own: boolean;
  /** The frame of the runner's log up to which everything is applied with it. */
  cursor: number;
  /** Milliseconds since 1970. */
  now: number;
}

/** Where the log stands. */
interface NewestEvent {
  seq: number;
  cursor: number;
  created_at: number;
}

/** The stored events of a session. */
export class EventTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  insert({ seq, turn, kind, data }: LogEvent, { own, cursor, now }: Origin): void {
    for (const [part, text] of cut(data).entries()) {
      this.#sql.exec(
        `INSERT INTO events (id, turn_id, kind, own, cursor, created_at, data)
          VALUES (?, ?, ?, ?, ?, ?, ?)`,
        partKey(seq, part),
        turn,
        kind,
        own ? 1 : 0,
        cursor,
        now,
        text,
      );
    }
  }

  newest(): NewestEvent | undefined {
    const [row] = all<{ id: number; cursor: number; created_at: number }>(
      this.#sql,
      "SELECT id, cursor, created_at FROM events ORDER BY id DESC LIMIT 1",
    );
    return row && { seq: numberOf(row.id), cursor: row.cursor, created_at: row.created_at };
  }

  /** The first event after a seq that came from a runner's log. */
  nextFromLog(after: number): number | undefined {
    const { id } = one<{ id: number | null }>(
      this.#sql,
      "SELECT min(id) AS id FROM events WHERE id >= ? AND own = 0",
      partKey(after + 1, 0),
    );
    return id === null ? undefined : numberOf(id);
  }

  /** Whether an event originates in the session. */
  isOwn(seq: number): boolean {
    const query = "SELECT own FROM events WHERE id = ?";
    return all<{ own: number }>(this.#sql, query, partKey(seq, 0))[0]?.own === 1;
  }

  /** Finds the event of an Agent SDK message by its `uuid`; undefined when it is not in the log. */
  seqOfMessage(uuid: string): number | undefined {
    const { id } = one<{ id: number | null }>(
      this.#sql,
      "SELECT min(id) AS id FROM events WHERE kind = 'message' AND instr(data, ?) > 0",
      `"uuid":${JSON.stringify(uuid)}`,
    );
    return id === null ? undefined : numberOf(id);
  }

  /** The messages of a turn whose first event is known, in order. */
  *messagesOf(turn: string, firstSeq: number): Generator<SdkMessage> {
    for (const event of this.#ofTurn(turn, firstSeq)) {
      if (event.kind === "message")
        yield (JSON.parse(event.data) as { message: SdkMessage }).message;
    }
  }

  /** The events of a turn from its first to its last, in order. */
  *eventsOf(turn: string, firstSeq: number, lastSeq?: number): Generator<EdgeEvent> {
    for (const { kind, data } of this.#ofTurn(turn, firstSeq, lastSeq)) {
      yield { ...(JSON.parse(data) as object), kind } as EdgeEvent;
    }
  }

  *#ofTurn(turn: string, firstSeq: number, lastSeq?: number): Generator<LogEvent> {
    let position = firstSeq - 1;
    for (;;) {
      const events = this.range(position, lastSeq);
      if (events.length === 0) return;
      position = events.at(-1)!.seq;
      for (const event of events) if (event.turn === turn) yield event;
    }
  }

  /** Stored events with `after < seq <= upTo`, whole and in order: up to {@link PART_CHARS}, at least one. */
  range(after: number, upTo: number = Number.MAX_SAFE_INTEGER): LogEvent[] {
    return this.heads(after, upTo).map(({ more, ...event }) => {
      for (let part = 1; more; part += 1) {
        const next = this.part(event.seq, part);
        event.data += next?.text ?? "";
        more = next?.more ?? false;
      }
      return event;
    });
  }

  /** A further part of an event; undefined when there is none. */
  part(seq: number, part: number): LogPart | undefined {
    const rows = all<{ data: string }>(
      this.#sql,
      "SELECT data FROM events WHERE id >= ? AND id < ? ORDER BY id LIMIT 2",
      partKey(seq, part),
      partKey(seq + 1, 0),
    );
    return rows[0] && { text: rows[0].data, more: rows.length > 1 };
  }

  /** The same, but of a large event, which is then the last, only the first part. */
  heads(after: number, upTo: number = Number.MAX_SAFE_INTEGER): LogHead[] {
    const rows = this.#sql.exec<{
      id: number;
      turn_id: string;
      kind: LogEvent["kind"];
      data: string;
    }>(
      "SELECT id, turn_id, kind, data FROM events WHERE id >= ? AND id < ? ORDER BY id",
      partKey(after + 1, 0),
      partKey(upTo + 1, 0),
    );
    const events: LogHead[] = [];
    let chars = 0;
    for (const { id, turn_id, kind, data } of rows) {
      const seq = numberOf(id);
      const last = events.at(-1);
      if (last?.seq === seq) {
        last.more = true;
        break;
      }
      chars += data.length;
      if (chars > PART_CHARS && last) break;
      events.push({ seq, turn: turn_id, kind, data });
    }
    return events;
  }
}
