import type {
  AttachedFile,
  Prompt,
  SessionOptions,
  SessionResource,
  TurnResource,
  TurnStatus,
} from "@claude-edge/protocol";

import { ContainerTable } from "./container-table.js";
import { EventTable } from "./event-table.js";
import { MessageSessions, type NewMessage } from "./message-sessions.js";
import { ModelCalls } from "./model-calls.js";
import { RequestTable } from "./request-table.js";
import { all, one } from "./rows.js";
import { TokenTable } from "./token-table.js";
import { Transcripts } from "./transcripts.js";
import { UsageTable } from "./usage-table.js";

/** Idempotency keys are remembered this long, milliseconds. */
const KEY_LIFE_MS = 24 * 60 * 60 * 1000;

export interface TurnRow {
  id: string;
  session_id: string;
  status: TurnStatus;
  boot: string | null;
  interrupted: number;
  resumed: number;
  first_seq: number | null;
  start_seq: number | null;
  start_cursor: number | null;
  end_seq: number | null;
  /** Where the transcript stood at its end; null also for turns of before this was noted. */
  transcript_end: number | null;
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
  approval_timeout_ms: number | null;
  container: string;
  seq: number;
  created_at: number;
  updated_at: number;
  /** The status of its first open turn. */
  open: TurnStatus | null;
}

export interface NewSession {
  id: string;
  title: string | undefined;
  tags: string[];
  options: SessionOptions;
  onContainerLost: SessionResource["on_container_lost"];
  approvalTimeoutMs: number | undefined;
  forkedFrom?: SessionResource["forked_from"];
  container: string;
}

export interface NewTurn {
  id?: string | undefined;
  prompt: Prompt;
  /** The files that go with it. */
  attachments?: AttachedFile[] | undefined;
  /** The caller's span. */
  traceparent?: string | undefined;
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
  "first_seq",
  "start_seq",
  "start_cursor",
  "end_seq",
  "transcript_end",
  "created_at",
  "started_at",
  "ended_at",
]
  .map((column) => `turns.${column}`)
  .join(", ");

const SESSION = `
  SELECT *, (
    SELECT status FROM turns WHERE session_id = sessions.id AND status IN ('queued', 'running', 'waiting')
      ORDER BY position LIMIT 1
  ) AS open FROM sessions`;

/** Not those that stand for a request of the Messages API. */
const LISTED = "id NOT IN (SELECT session_id FROM message_sessions)";

/** The account's SQLite: its sessions, turns and keys here, the other tables in classes of their own. */
export class Store {
  readonly #sql: SqlStorage;
  readonly #storage: DurableObjectStorage;
  readonly events: EventTable;
  readonly containers: ContainerTable;
  readonly transcripts: Transcripts;
  readonly requests: RequestTable;
  readonly tokens: TokenTable;
  readonly usage: UsageTable;
  readonly modelCalls: ModelCalls;
  readonly messages: MessageSessions;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#storage = storage;
    this.events = new EventTable(storage.sql);
    this.containers = new ContainerTable(storage.sql);
    this.transcripts = new Transcripts(storage.sql);
    this.requests = new RequestTable(storage.sql, this.events);
    this.tokens = new TokenTable(storage.sql);
    this.usage = new UsageTable(storage.sql);
    this.modelCalls = new ModelCalls(storage.sql, this.usage);
    this.messages = new MessageSessions(storage.sql);
  }

  transaction<T>(work: () => T): T {
    return this.#storage.transactionSync(work);
  }

  /** The account's own name: an alarm does not bring it along. */
  get accountName(): string | undefined {
    return all<{ name: string }>(this.#sql, "SELECT name FROM account")[0]?.name;
  }

  set accountName(name: string) {
    this.#sql.exec("DELETE FROM account");
    this.#sql.exec("INSERT INTO account VALUES (?)", name);
  }

  // Sessions.

  insertSession(session: NewSession, now: number): void {
    const { id, title, tags, options, onContainerLost, approvalTimeoutMs, forkedFrom, container } =
      session;
    this.#sql.exec(
      `INSERT INTO sessions
        (id, title, tags, options, on_container_lost, approval_timeout_ms, forked_from, container, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      title ?? null,
      JSON.stringify(tags),
      JSON.stringify(options),
      onContainerLost,
      approvalTimeoutMs ?? null,
      forkedFrom ? JSON.stringify(forkedFrom) : null,
      container,
      now,
      now,
    );
  }

  /** A session that stands for a request of the Messages API; gives its id. */
  insertMessage(message: NewMessage, container: string, now: number): string {
    const { session: id, options, transcript } = message;
    const none = { title: undefined, tags: [], approvalTimeoutMs: undefined };
    this.insertSession({ id, options, ...none, onContainerLost: "fail", container }, now);
    this.transcripts.append(id, "", transcript);
    this.messages.insert(message);
    return id;
  }

  deleteSession(id: string, now: number): void {
    for (const turn of this.openTurns()) {
      if (turn.session_id === id) this.usage.addTurn(turn.id, id, now);
    }
    this.events.delete(id);
    this.requests.deleteOf(id);
    this.#sql.exec("DELETE FROM turns WHERE session_id = ?", id);
    this.#sql.exec("DELETE FROM sessions WHERE id = ?", id);
    this.transcripts.delete(id);
    this.messages.delete(id);
  }

  session(id: string): SessionResource | undefined {
    const row = all<SessionRow>(this.#sql, `${SESSION} WHERE id = ?`, id)[0];
    return row && toSession(row);
  }

  countSessions(): number {
    const query = `SELECT count(*) AS count FROM sessions WHERE ${LISTED}`;
    return one<{ count: number }>(this.#sql, query).count;
  }

  hasSession(id: string): boolean {
    return all(this.#sql, "SELECT 1 FROM sessions WHERE id = ?", id).length > 0;
  }

  /** Newest first; `before` is the last row of the page before. */
  sessions(limit: number, before?: { updatedAt: number; id: string }): SessionResource[] {
    const rows = before
      ? all<SessionRow>(
          this.#sql,
          `${SESSION} WHERE ${LISTED} AND (updated_at, id) < (?, ?) ORDER BY updated_at DESC, id DESC LIMIT ?`,
          before.updatedAt,
          before.id,
          limit,
        )
      : all<SessionRow>(
          this.#sql,
          `${SESSION} WHERE ${LISTED} ORDER BY updated_at DESC, id DESC LIMIT ?`,
          limit,
        );
    return rows.map(toSession);
  }

  containerOf(session: string): string {
    return one<{ container: string }>(
      this.#sql,
      "SELECT container FROM sessions WHERE id = ?",
      session,
    ).container;
  }

  setTitle(session: string, title: string): void {
    this.#sql.exec("UPDATE sessions SET title = ? WHERE id = ?", title, session);
  }

  setTags(session: string, tags: string[]): void {
    this.#sql.exec("UPDATE sessions SET tags = ? WHERE id = ?", JSON.stringify(tags), session);
  }

  setOptions(session: string, options: SessionOptions): void {
    const json = JSON.stringify(options);
    this.#sql.exec("UPDATE sessions SET options = ? WHERE id = ?", json, session);
  }

  setApprovalTimeout(session: string, ms: number): void {
    this.#sql.exec("UPDATE sessions SET approval_timeout_ms = ? WHERE id = ?", ms, session);
  }

  /** The boot of the runner that has a session's transcript. */
  transcriptBoot(session: string): string | null {
    return one<{ boot: string | null }>(
      this.#sql,
      "SELECT boot FROM sessions WHERE id = ?",
      session,
    ).boot;
  }

  setTranscriptBoot(session: string, boot: string | null): void {
    this.#sql.exec("UPDATE sessions SET boot = ? WHERE id = ?", boot, session);
  }

  setSeq(session: string, seq: number, now: number): void {
    this.#sql.exec("UPDATE sessions SET seq = ?, updated_at = ? WHERE id = ?", seq, now, session);
  }

  // Turns.

  insertTurn(id: string, session: string, turn: NewTurn, now: number): void {
    const { prompt, traceparent, attachments } = turn;
    const isText = typeof prompt === "string";
    this.#sql.exec(
      `INSERT INTO turns (id, session_id, status, prompt, blocks, traceparent, attachments, created_at)
        VALUES (?, ?, 'queued', ?, ?, ?, ?, ?)`,
      id,
      session,
      isText ? prompt : JSON.stringify(prompt),
      isText ? 0 : 1,
      traceparent ?? null,
      attachments ? JSON.stringify(attachments) : null,
      now,
    );
  }

  turn(id: string): TurnRow | undefined {
    return all<TurnRow>(this.#sql, `SELECT ${TURN} FROM turns WHERE id = ?`, id)[0];
  }

  setFirstSeq(turn: string, seq: number): void {
    this.#sql.exec("UPDATE turns SET first_seq = ? WHERE id = ?", seq, turn);
  }

  /** What a turn was given. */
  inputOf(turn: string): Pick<NewTurn, "prompt" | "traceparent"> {
    const { prompt, blocks, traceparent } = one<{
      prompt: string;
      blocks: number;
      traceparent: string | null;
    }>(this.#sql, "SELECT prompt, blocks, traceparent FROM turns WHERE id = ?", turn);
    return {
      prompt: blocks ? (JSON.parse(prompt) as Prompt) : prompt,
      ...(traceparent === null ? {} : { traceparent }),
    };
  }

  attachmentsOf(turn: string): AttachedFile[] {
    const { attachments } = one<{ attachments: string | null }>(
      this.#sql,
      "SELECT attachments FROM turns WHERE id = ?",
      turn,
    );
    return attachments === null ? [] : (JSON.parse(attachments) as AttachedFile[]);
  }

  setAttachments(turn: string, attachments: AttachedFile[]): void {
    const json = JSON.stringify(attachments);
    this.#sql.exec("UPDATE turns SET attachments = ? WHERE id = ?", json, turn);
  }

  /** The contents that go with prompts whose turn has not come. */
  attachedHashes(): string[] {
    return this.openTurns()
      .flatMap(({ id }) => this.attachmentsOf(id))
      .flatMap((attachment) => ("sha256" in attachment ? [attachment.sha256] : []));
  }

  /** Turns that have not ended, in the order they came. */
  openTurns(): TurnRow[] {
    return all<TurnRow>(
      this.#sql,
      `SELECT ${TURN} FROM turns WHERE status IN ('queued', 'running', 'waiting') ORDER BY position`,
    );
  }

  /** The turns of a container's sessions that need it: one that waits for an answer does not. */
  openTurnsOf(container: string): TurnRow[] {
    return all<TurnRow>(
      this.#sql,
      `SELECT ${TURN} FROM turns JOIN sessions ON sessions.id = turns.session_id
        WHERE turns.status IN ('queued', 'running') AND sessions.container = ? ORDER BY position`,
      container,
    );
  }

  /** From now on its way to a runner. */
  markRunning(turn: string, now: number): void {
    this.#sql.exec(
      "UPDATE turns SET status = 'running', started_at = coalesce(started_at, ?) WHERE id = ?",
      now,
      turn,
    );
  }

  /** A runner has it. */
  setBoot(turn: string, boot: string): void {
    this.#sql.exec("UPDATE turns SET boot = ? WHERE id = ?", boot, turn);
  }

  /** It runs: its frames come behind `startCursor`, its events behind `startSeq`. */
  setStart(turn: string, boot: string, startCursor: number, startSeq: number): void {
    this.#sql.exec(
      "UPDATE turns SET boot = ?, start_cursor = ?, start_seq = ? WHERE id = ?",
      boot,
      startCursor,
      startSeq,
      turn,
    );
  }

  /** Its container was lost, and it is to be begun again. */
  markResumed(turn: string): void {
    this.#sql.exec(
      "UPDATE turns SET resumed = resumed + 1, boot = NULL, start_seq = NULL, start_cursor = NULL WHERE id = ?",
      turn,
    );
  }

  /** It is in no container, until there is an answer. */
  markWaiting(turn: string): void {
    this.#sql.exec(
      "UPDATE turns SET status = 'waiting', boot = NULL, start_seq = NULL, start_cursor = NULL WHERE id = ?",
      turn,
    );
  }

  /** Back into the queue, at its place. */
  markQueued(turn: string): void {
    this.#sql.exec("UPDATE turns SET status = 'queued' WHERE id = ?", turn);
  }

  markInterrupted(turn: string): void {
    this.#sql.exec("UPDATE turns SET interrupted = 1 WHERE id = ?", turn);
  }

  endTurn(turn: string, session: string, status: TurnStatus, endSeq: number, now: number): void {
    this.usage.addTurn(turn, session, now);
    this.#sql.exec(
      "UPDATE turns SET status = ?, end_seq = ?, ended_at = ?, transcript_end = ? WHERE id = ?",
      status,
      endSeq,
      now,
      this.transcripts.lastPosition(session),
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
        : this.events.range(row.session_id, row.end_seq - 1, row.end_seq)[0];
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

  // Idempotency.

  keyUse(key: string): KeyUse | undefined {
    return all<KeyUse>(
      this.#sql,
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
}

function toSession(row: SessionRow): SessionResource {
  return {
    id: row.id,
    title: row.title,
    tags: JSON.parse(row.tags) as string[],
    status: row.open === "waiting" ? "waiting" : row.open ? "running" : "idle",
    options: JSON.parse(row.options) as SessionOptions,
    on_container_lost: row.on_container_lost,
    ...(row.approval_timeout_ms === null ? {} : { approval_timeout_ms: row.approval_timeout_ms }),
    ...(row.forked_from ? { forked_from: JSON.parse(row.forked_from) as ForkedFrom } : {}),
    last_seq: row.seq,
    created_at: iso(row.created_at),
    updated_at: iso(row.updated_at),
  };
}
