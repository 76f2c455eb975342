import type {
  SdkMessage,
  SessionOptions,
  SessionResource,
  TurnResource,
  TurnStatus,
} from "@claude-edge/protocol";

import type { LogEvent } from "./log-event.js";
import { cut, PART_CHARS } from "./parts.js";
import { Transcripts } from "./transcripts.js";

/** Idempotency keys are remembered this long, milliseconds. */
const KEY_LIFE_MS = 24 * 60 * 60 * 1000;

export interface TurnRow {
  id: string;
  session_id: string;
  status: TurnStatus;
  boot: string | null;
  interrupted: number;
  resumed: number;
  start_seq: number | null;
  start_cursor: number | null;
  end_seq: number | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
}

interface SessionRow {
  id: string;
  title: string | null;
  tags: string;
  options: string;
  on_container_lost: SessionResource["on_container_lost"];
  forked_from: string | null;
  container: string;
  seq: number;
  created_at: number;
  updated_at: number;
  open: number;
}

export interface NewSession {
  id: string;
  title: string | undefined;
  tags: string[];
  options: SessionOptions;
  onContainerLost: SessionResource["on_container_lost"];
  forkedFrom?: SessionResource["forked_from"];
  container: string;
}

/** A container that an account knows of. */
export interface ContainerRow {
  name: string;
  boot: string;
  cursor: number;
  used_at: number;
}

/** What an idempotency key was first used for. */
export interface KeyUse {
  fingerprint: string;
  session_id: string;
  turn_id: string | null;
}

type ForkedFrom = NonNullable<SessionResource["forked_from"]>;

const iso = (ms: number) => new Date(ms).toISOString();

/** All of a turn's row but its prompt, which may be a megabyte and is wanted once. */
const TURN = [
  "id",
  "session_id",
  "status",
  "boot",
  "interrupted",
  "resumed",
  "start_seq",
  "start_cursor",
  "end_seq",
  "created_at",
  "started_at",
  "ended_at",
]
  .map((column) => `turns.${column}`)
  .join(", ");

const SESSION = `
  SELECT *, EXISTS (
    SELECT 1 FROM turns WHERE session_id = sessions.id AND status IN ('queued', 'running', 'waiting')
  ) AS open FROM sessions`;

/** The account's SQLite: every statement is here, and nothing else. */
export class Store {
  readonly #sql: SqlStorage;
  readonly #storage: DurableObjectStorage;
  readonly transcripts: Transcripts;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#storage = storage;
    this.transcripts = new Transcripts(storage.sql);
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

  insertSession(session: NewSession, now: number): void {
    const { id, title, tags, options, onContainerLost, forkedFrom, container } = session;
    this.#sql.exec(
      `INSERT INTO sessions
        (id, title, tags, options, on_container_lost, forked_from, container, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      title ?? null,
      JSON.stringify(tags),
      JSON.stringify(options),
      onContainerLost,
      forkedFrom ? JSON.stringify(forkedFrom) : null,
      container,
      now,
      now,
    );
  }

  deleteSession(id: string): void {
    this.#sql.exec("DELETE FROM events WHERE session_id = ?", id);
    this.#sql.exec("DELETE FROM turns WHERE session_id = ?", id);
    this.#sql.exec("DELETE FROM sessions WHERE id = ?", id);
    this.transcripts.delete(id);
  }

  session(id: string): SessionResource | undefined {
    const row = this.#all<SessionRow>(`${SESSION} WHERE id = ?`, id)[0];
    return row && toSession(row);
  }

  hasSession(id: string): boolean {
    return this.#all("SELECT 1 FROM sessions WHERE id = ?", id).length > 0;
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

  setTags(session: string, tags: string[]): void {
    this.#sql.exec("UPDATE sessions SET tags = ? WHERE id = ?", JSON.stringify(tags), session);
  }

  /** The boot of the runner that has a session's transcript. */
  transcriptBoot(session: string): string | null {
    return this.#one<{ boot: string | null }>("SELECT boot FROM sessions WHERE id = ?", session)
      .boot;
  }

  setTranscriptBoot(session: string, boot: string | null): void {
    this.#sql.exec("UPDATE sessions SET boot = ? WHERE id = ?", boot, session);
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
    return this.#all<TurnRow>(`SELECT ${TURN} FROM turns WHERE id = ?`, id)[0];
  }

  promptOf(turn: string): string {
    return this.#one<{ prompt: string }>("SELECT prompt FROM turns WHERE id = ?", turn).prompt;
  }

  /** Queued and running turns, in the order they came. */
  openTurns(): TurnRow[] {
    return this.#all<TurnRow>(
      `SELECT ${TURN} FROM turns WHERE status IN ('queued', 'running', 'waiting') ORDER BY position`,
    );
  }

  /** The open turns of a container's sessions. */
  openTurnsOf(container: string): TurnRow[] {
    return this.#all<TurnRow>(
      `SELECT ${TURN} FROM turns JOIN sessions ON sessions.id = turns.session_id
        WHERE turns.status IN ('queued', 'running', 'waiting') AND sessions.container = ? ORDER BY position`,
      container,
    );
  }

  /** From now on its way to a runner; its events come behind `startSeq`. */
  markRunning(turn: string, startSeq: number, now: number): void {
    this.#sql.exec(
      "UPDATE turns SET status = 'running', start_seq = ?, started_at = coalesce(started_at, ?) WHERE id = ?",
      startSeq,
      now,
      turn,
    );
  }

  /** A runner has it; its frames come behind `startCursor`. */
  setBoot(turn: string, boot: string, startCursor: number): void {
    this.#sql.exec(
      "UPDATE turns SET boot = ?, start_cursor = ? WHERE id = ?",
      boot,
      startCursor,
      turn,
    );
  }

  /** Its container was lost, and it is to be begun again. */
  markResumed(turn: string, startSeq: number): void {
    this.#sql.exec(
      "UPDATE turns SET resumed = resumed + 1, boot = NULL, start_seq = ?, start_cursor = NULL WHERE id = ?",
      startSeq,
      turn,
    );
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

  /** `own`: it is in no runner's log. */
  insertEvent(session: string, { seq, turn, kind, data }: LogEvent, own: boolean): void {
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
    const { seq } = this.#one<{ seq: number | null }>(
      "SELECT min(seq) AS seq FROM events WHERE session_id = ? AND seq > ? AND own = 0",
      session,
      after,
    );
    return seq ?? undefined;
  }

  /** Whether an event is the account's own word. */
  isOwn(session: string, seq: number): boolean {
    const rows = this.#all<{ own: number }>(
      "SELECT own FROM events WHERE session_id = ? AND seq = ? AND part = 0",
      session,
      seq,
    );
    return rows[0]?.own === 1;
  }

  /** The messages of a turn, parsed. */
  messagesOf(session: string, turn: string): SdkMessage[] {
    const found: SdkMessage[] = [];
    let position = this.firstSeq(session, turn) - 1;
    for (;;) {
      const events = this.events(session, position, Number.MAX_SAFE_INTEGER);
      if (events.length === 0) return found;
      position = events.at(-1)!.seq;
      for (const event of events) {
        if (event.kind !== "message" || event.turn !== turn) continue;
        found.push((JSON.parse(event.data) as { message: SdkMessage }).message);
      }
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

  container(name: string): ContainerRow | undefined {
    return this.#all<ContainerRow>("SELECT * FROM containers WHERE name = ?", name)[0];
  }

  containers(): ContainerRow[] {
    return this.#all<ContainerRow>("SELECT * FROM containers");
  }

  /** Frames of a boot's log up to the cursor are applied. */
  setCursor(name: string, boot: string, cursor: number, now: number): void {
    this.#sql.exec(
      `INSERT INTO containers VALUES (?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, cursor = excluded.cursor, used_at = excluded.used_at`,
      name,
      boot,
      cursor,
      now,
    );
  }

  deleteContainer(name: string): void {
    this.#sql.exec("DELETE FROM containers WHERE name = ?", name);
    this.#sql.exec("DELETE FROM spares WHERE container = ?", name);
  }

  addSpare(session: string, container: string, boot: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO spares VALUES (?, ?, ?)", session, container, boot);
  }

  /** Takes a session id whose process is ready in the container, if there is one. */
  takeSpare(container: string): string | undefined {
    const spare = this.#all<{ session_id: string }>(
      "DELETE FROM spares WHERE session_id = (SELECT session_id FROM spares WHERE container = ? LIMIT 1) RETURNING session_id",
      container,
    )[0];
    return spare?.session_id;
  }

  dropSpares(container: string): void {
    this.#sql.exec("DELETE FROM spares WHERE container = ?", container);
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
    tags: JSON.parse(row.tags) as string[],
    status: row.open ? "running" : "idle",
    options: JSON.parse(row.options) as SessionOptions,
    on_container_lost: row.on_container_lost,
    ...(row.forked_from ? { forked_from: JSON.parse(row.forked_from) as ForkedFrom } : {}),
    last_seq: row.seq,
    created_at: iso(row.created_at),
    updated_at: iso(row.updated_at),
  };
}
