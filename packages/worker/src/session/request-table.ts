import type {
  CallbackAnswer,
  RequestKind,
  RequestResource,
  RequestStatus,
} from "@claude-edge/protocol";

import type { EventTable } from "../log/event-table.js";
import { all, one } from "../sql/rows.js";

export interface RequestRow {
  position: number;
  id: string;
  turn_id: string;
  kind: RequestKind;
  status: RequestStatus;
  tool_use_id: string | null;
  seq: number;
  resolved_seq: number | null;
  delivered: number;
  created_at: number;
  expires_at: number | null;
  /** The idempotency key of its answer. */
  answer_key: string | null;
  /** The host that it is about. No runner waits for the answer then. */
  host: string | null;
}

export type NewRequest = Pick<
  RequestRow,
  "id" | "turn_id" | "kind" | "tool_use_id" | "seq" | "created_at" | "expires_at"
> & { host?: string };

/** The requests of a session. Payloads and answers are stored in their events. */
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
        (id, turn_id, kind, status, tool_use_id, seq, created_at, expires_at, host, delivered)
        VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6, ?7, ?8, ?8 IS NOT NULL)`,
      row.id,
      row.turn_id,
      row.kind,
      row.tool_use_id,
      row.seq,
      row.created_at,
      row.expires_at,
      row.host ?? null,
    );
  }

  /** The request of a turn that is about a host. */
  ofHost(turn: string, host: string): RequestRow | undefined {
    const query = "SELECT * FROM requests WHERE turn_id = ? AND host = ?";
    return all<RequestRow>(this.#sql, query, turn, host)[0];
  }

  /** How many hosts a turn has asked about. */
  hostsOf(turn: string): number {
    const query = "SELECT count(*) AS hosts FROM requests WHERE turn_id = ? AND host IS NOT NULL";
    return one<{ hosts: number }>(this.#sql, query, turn).hosts;
  }

  get(id: string): RequestRow | undefined {
    return all<RequestRow>(this.#sql, "SELECT * FROM requests WHERE id = ?", id)[0];
  }

  pending(): RequestRow[] {
    return all(this.#sql, "SELECT * FROM requests WHERE status = 'pending' ORDER BY position");
  }

  /** A turn's requests that are pending, or whose answer the runner has not taken. Oldest first. */
  openOf(turn: string): RequestRow[] {
    return all(
      this.#sql,
      `SELECT * FROM requests WHERE turn_id = ? AND delivered = 0
        AND status IN ('pending', 'answered', 'expired') ORDER BY position`,
      turn,
    );
  }

  /** Resolved requests of running turns that the runner has not taken. */
  undelivered(): RequestRow[] {
    return all(
      this.#sql,
      `SELECT requests.* FROM requests JOIN turns ON turns.id = requests.turn_id
        WHERE turns.status = 'running' AND delivered = 0 AND requests.status != 'pending'
        ORDER BY requests.position`,
    );
  }

  /** Oldest first. */
  list(status: RequestStatus | undefined, after: number | undefined, limit: number): RequestRow[] {
    return all(
      this.#sql,
      `SELECT * FROM requests
        WHERE (?1 IS NULL OR status = ?1) AND position > ?2 ORDER BY position LIMIT ?3`,
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

  /** When the next request expires. */
  nextExpiry(): number | undefined {
    const { at } = one<{ at: number | null }>(
      this.#sql,
      "SELECT min(expires_at) AS at FROM requests WHERE status = 'pending'",
    );
    return at ?? undefined;
  }

  /** The request as callers see it. */
  resource(row: RequestRow): RequestResource {
    const asked = this.#eventOf(row.seq);
    const resolved = row.resolved_seq === null ? {} : this.#eventOf(row.resolved_seq);
    return { ...asked, ...resolved } as RequestResource;
  }

  /** The answer in the form that the runner takes. */
  answerOf(row: RequestRow): CallbackAnswer {
    const { answer, error } = this.resource(row);
    return { ...(answer ? { answer } : {}), ...(error ? { error } : {}) };
  }

  #eventOf(seq: number): Partial<RequestResource> {
    const event = this.#events.range(seq - 1, seq)[0];
    return event ? (JSON.parse(event.data) as { request: RequestResource }).request : {};
  }
}
