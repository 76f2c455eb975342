import type {
  SessionOptions,
  SessionResource,
  TurnResource,
  TurnStatus,
} from "@claude-edge/protocol";

import type { LogEvent } from "./log-event.js";

/** A row may hold 2 MB; a character of JSON is at most 3 bytes of UTF-8. */
const PART_CHARS = 600_000;

/** Idempotency keys are remembered this long, milliseconds. */
const KEY_LIFE_MS = 24 * 60 * 60 * 1000;

export interface TurnRow {
  id: string;
  session_id: string;
  status: TurnStatus;
  prompt: string;
  boot: string | null;
  interrupted: number;
  end_seq: number | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
}

interface SessionRow {
  id: string;
  title: string | null;
  options: string;
  container: string;
  seq: number;
  created_at: number;
  updated_at: number;
  open: number;
}

export interface NewSession {
  id: string;
  title: string | undefined;
  options: SessionOptions;
  container: string;
}

/** What an idempotency key was first used for. */
export interface KeyUse {
  fingerprint: string;
  session_id: string;
  turn_id: string | null;
}

const iso = (ms: number) => new Date(ms).toISOString();

const SESSION = `
  SELECT *, EXISTS (
    SELECT 1 FROM turns WHERE session_id = sessions.id AND status IN ('queued', 'running', 'waiting')
  ) AS open FROM sessions`;

/** The account's SQLite: every statement is here, and nothing else. */
export class Store {
  readonly #sql: SqlStorage;
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#storage = storage;
  }

  transaction<T>(work: () => T): T {
    return this.#storage.transactionSync(work);
  }

  /** The account's own name: an alarm does not bring it along. */
  get accountName(): string | undefined {
    return this.#all<{ name: string }>("SELECT name FROM account")[0]?.name;
  }

  set accountName(name: string) {
    this.#sql.exec("DELETE FROM account");
    this.#sql.exec("INSERT INTO account VALUES (?)", name);
  }

  // Sessions.

  insertSession({ id, title, options, container }: NewSession, now: number): void {
    this.#sql.exec(
      `INSERT INTO sessions (id, title, options, container, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)`,
      id,
      title ?? null,
      JSON.stringify(options),
      container,
      now,
      now,
    );
  }

  session(id: string): SessionResource | undefined {
    const row = this.#all<SessionRow>(`${SESSION} WHERE id = ?`, id)[0];
    return row && toSession(row);
  }

  /** Newest first; `before` is the last row of the page before. */
  sessions(limit: number, before?: { updatedAt: number; id: string }): SessionResource[] {
    const rows = before
      ? this.#all<SessionRow>(
          `${SESSION} WHERE (updated_at, id) < (?, ?) ORDER BY updated_at DESC, id DESC LIMIT ?`,
          before.updatedAt,
          before.id,
          limit,
        )
      : this.#all<SessionRow>(`${SESSION} ORDER BY updated_at DESC, id DESC LIMIT ?`, limit);
    return rows.map(toSession);
  }

  containerOf(session: string): string {
    return this.#one<{ container: string }>("SELECT container FROM sessions WHERE id = ?", session)
      .container;
  }

  setTitle(session: string, title: string): void {
    this.#sql.exec("UPDATE sessions SET title = ? WHERE id = ?", title, session);
  }

  setSeq(session: string, seq: number, now: number): void {
    this.#sql.exec("UPDATE sessions SET seq = ?, updated_at = ? WHERE id = ?", seq, now, session);
  }

  // Turns.

  insertTurn(id: string, session: string, prompt: string, now: number): void {
    this.#sql.exec(
      "INSERT INTO turns (id, session_id, status, prompt, created_at) VALUES (?, ?, 'queued', ?, ?)",
      id,
      session,
      prompt,
      now,
    );
  }

  turn(id: string): TurnRow | undefined {
    return this.#all<TurnRow>("SELECT * FROM turns WHERE id = ?", id)[0];
  }

  /** Queued and running turns, in the order they came. */
  openTurns(): TurnRow[] {
    return this.#all<TurnRow>(
      "SELECT * FROM turns WHERE status IN ('queued', 'running', 'waiting') ORDER BY position",
    );
  }

  markRunning(turn: string, now: number): void {
    this.#sql.exec("UPDATE turns SET status = 'running', started_at = ? WHERE id = ?", now, turn);
  }

  setBoot(turn: string, boot: string): void {
    this.#sql.exec("UPDATE turns SET boot = ? WHERE id = ?", boot, turn);
  }

  markInterrupted(turn: string): void {
    this.#sql.exec("UPDATE turns SET interrupted = 1 WHERE id = ?", turn);
  }

  endTurn(turn: string, status: TurnStatus, endSeq: number, now: number): void {
    this.#sql.exec(
      "UPDATE turns SET status = ?, end_seq = ?, ended_at = ? WHERE id = ?",
      status,
      endSeq,
      now,
      turn,
    );
  }

  /** The turn as callers see it, its result read off the event that ended it. */
  turnResource(id: string): TurnResource | undefined {
    const row = this.turn(id);
    if (!row) return undefined;
    const end =
      row.end_seq === null
        ? undefined
        : this.events(row.session_id, row.end_seq - 1, row.end_seq)[0];
    const { result, error, usage } = (end ? JSON.parse(end.data) : {}) as Partial<TurnResource>;
    return {
      id: row.id,
      session_id: row.session_id,
      status: row.status,
      created_at: iso(row.created_at),
      ...(row.started_at === null ? {} : { started_at: iso(row.started_at) }),
      ...(row.ended_at === null ? {} : { ended_at: iso(row.ended_at) }),
      ...(result ? { result } : {}),
      ...(error ? { error } : {}),
      ...(usage ? { usage } : {}),
    };
  }

  // Events.

  insertEvent(session: string, { seq, turn, kind, data }: LogEvent): void {
    for (let part = 0; part * PART_CHARS < data.length; part += 1) {
      this.#sql.exec(
        "INSERT INTO events (session_id, seq, part, turn_id, kind, data) VALUES (?, ?, ?, ?, ?, ?)",
        session,
        seq,
        part,
        turn,
        kind,
        data.slice(part * PART_CHARS, (part + 1) * PART_CHARS),
      );
    }
  }

  /** Where a turn's events begin. */
  firstSeq(session: string, turn: string): number {
    return this.#one<{ seq: number }>(
      "SELECT min(seq) AS seq FROM events WHERE session_id = ? AND turn_id = ?",
      session,
      turn,
    ).seq;
  }

  /** Stored events with `after < seq <= upTo`, in order, up to about a megabyte of them and at least one. */
  events(session: string, after: number, upTo: number): LogEvent[] {
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

  // Containers.

  container(name: string): { boot: string; cursor: number } | undefined {
    return this.#all<{ boot: string; cursor: number }>(
      "SELECT boot, cursor FROM containers WHERE name = ?",
      name,
    )[0];
  }

  setCursor(name: string, boot: string, cursor: number): void {
    this.#sql.exec(
      "INSERT INTO containers VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, cursor = excluded.cursor",
      name,
      boot,
      cursor,
    );
  }

  // Idempotency.

  keyUse(key: string): KeyUse | undefined {
    return this.#all<KeyUse>(
      "SELECT fingerprint, session_id, turn_id FROM idempotency WHERE key = ?",
      key,
    )[0];
  }

  rememberKey(key: string, { fingerprint, session_id, turn_id }: KeyUse, now: number): void {
    this.#sql.exec("DELETE FROM idempotency WHERE created_at < ?", now - KEY_LIFE_MS);
    this.#sql.exec(
      "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)",
      key,
      fingerprint,
      session_id,
      turn_id,
      now,
    );
  }

  #all<T extends object>(query: string, ...bindings: SqlStorageValue[]): T[] {
    return this.#sql.exec(query, ...bindings).toArray() as unknown as T[];
  }

  #one<T extends object>(query: string, ...bindings: SqlStorageValue[]): T {
    return this.#sql.exec(query, ...bindings).one() as unknown as T;
  }
}

function toSession(row: SessionRow): SessionResource {
  return {
    id: row.id,
    title: row.title,
    status: row.open ? "running" : "idle",
    options: JSON.parse(row.options) as SessionOptions,
    last_seq: row.seq,
    created_at: iso(row.created_at),
    updated_at: iso(row.updated_at),
  };
}
