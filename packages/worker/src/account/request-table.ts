import type {
  CallbackAnswer,
  RequestKind,
  RequestResource,
  RequestStatus,
} from "@claude-edge/protocol";

import type { EventTable } from "./event-table.js";
import { all, one } from "./rows.js";

export interface RequestRow {
  position: number;
  id: string;
  session_id: string;
  turn_id: string;
  kind: RequestKind;
  status: RequestStatus;
  tool_use_id: string | null;
  seq: number;
  resolved_seq: number | null;
  delivered: number;
  created_at: number;
  expires_at: number | null;
  /** The idempotency key that its answer came with. */
  answer_key: string | null;
}

export type NewRequest = Pick<
  RequestRow,
  "id" | "session_id" | "turn_id" | "kind" | "tool_use_id" | "seq" | "created_at" | "expires_at"
>;

/** The requests of an account. What was asked and what was answered is in their events. */
export class RequestTable {
  readonly #sql: SqlStorage;
  readonly #events: EventTable;

  constructor(sql: SqlStorage, events: EventTable) {
    this.#sql = sql;
    this.#events = events;
  }

  insert(row: NewRequest): void {
    this.#sql.exec(
      `INSERT INTO requests
        (id, session_id, turn_id, kind, status, tool_use_id, seq, created_at, expires_at)
        VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?)`,
      row.id,
      row.session_id,
      row.turn_id,
      row.kind,
      row.tool_use_id,
      row.seq,
      row.created_at,
      row.expires_at,
    );
  }

  get(id: string): RequestRow | undefined {
    return all<RequestRow>(this.#sql, "SELECT * FROM requests WHERE id = ?", id)[0];
  }

  pending(): RequestRow[] {
    return all(this.#sql, "SELECT * FROM requests WHERE status = 'pending' ORDER BY position");
  }

  /** A turn's requests that wait for an answer, or whose answer has not been taken. Oldest first. */
  openOf(turn: string): RequestRow[] {
    return all(
      this.#sql,
      `SELECT * FROM requests WHERE turn_id = ? AND delivered = 0
        AND status IN ('pending', 'answered', 'expired') ORDER BY position`,
      turn,
    );
  }

  /** Answers that have not been taken, of turns that run. */
  undelivered(): RequestRow[] {
    return all(
      this.#sql,
      `SELECT requests.* FROM requests JOIN turns ON turns.id = requests.turn_id
        WHERE turns.status = 'running' AND delivered = 0 AND requests.status != 'pending'
        ORDER BY requests.position`,
    );
  }

  /** Oldest first. */
  list(
    session: string | undefined,
    status: RequestStatus | undefined,
    after: number | undefined,
    limit: number,
  ): RequestRow[] {
    return all(
      this.#sql,
      `SELECT * FROM requests
        WHERE (?1 IS NULL OR session_id = ?1) AND (?2 IS NULL OR status = ?2) AND position > ?3
        ORDER BY position LIMIT ?4`,
      session ?? null,
      status ?? null,
      after ?? 0,
      limit,
    );
  }

  setResolved(id: string, status: RequestStatus, seq: number): void {
    this.#sql.exec(
      "UPDATE requests SET status = ?, resolved_seq = ? WHERE id = ?",
      status,
      seq,
      id,
    );
  }

  setDelivered(id: string): void {
    this.#sql.exec("UPDATE requests SET delivered = 1 WHERE id = ?", id);
  }

  setAnswerKey(id: string, key: string): void {
    this.#sql.exec("UPDATE requests SET answer_key = ? WHERE id = ?", key, id);
  }

  /** The next time a request expires. */
  nextExpiry(): number | undefined {
    const { at } = one<{ at: number | null }>(
      this.#sql,
      "SELECT min(expires_at) AS at FROM requests WHERE status = 'pending'",
    );
    return at ?? undefined;
  }

  deleteOf(session: string): void {
    this.#sql.exec("DELETE FROM requests WHERE session_id = ?", session);
  }

  /** A request as callers see it. */
  resource(row: RequestRow): RequestResource {
    const asked = this.#eventOf(row, row.seq);
    const resolved = row.resolved_seq === null ? {} : this.#eventOf(row, row.resolved_seq);
    return { ...asked, ...resolved } as RequestResource;
  }

  /** What the runner is told. */
  answerOf(row: RequestRow): CallbackAnswer {
    const { answer, error } = this.resource(row);
    return { ...(answer ? { answer } : {}), ...(error ? { error } : {}) };
  }

  #eventOf({ session_id }: RequestRow, seq: number): Partial<RequestResource> {
    const event = this.#events.range(session_id, seq - 1, seq)[0];
    return event ? (JSON.parse(event.data) as { request: RequestResource }).request : {};
  }
}
