import {
  isFinal,
  type AttachedFile,
  type Prompt,
  type SessionResource,
  type TurnList,
  type TurnResource,
  type TurnTrace,
  type UserMessageFields,
} from "@claude-edge/protocol";
import type { UserMessage } from "@claude-edge/protocol/runner";

import { iso } from "../iso.js";
import { storedBytesOf } from "../files/stored-bytes.js";
import { EventTable } from "../log/event-table.js";
import { LostRunners } from "../log/lost-runners.js";
import { PoisonedFrames } from "../log/poisoned-frames.js";
import type { InMemory } from "../log/session-log.js";
import { isEmpty, migrate } from "../sql/migrate.js";
import { all, one } from "../sql/rows.js";
import { EphemeralTable } from "./ephemeral-table.js";
import { IdempotencyTable } from "./idempotency-table.js";
import { ModelCallTable } from "./model-call-table.js";
import { SessionOptionsTable } from "./session-options.js";
import { Outbox } from "./outbox.js";
import { RequestTable } from "./request-table.js";
import { TrafficTable } from "./traffic-table.js";
import type { NewTurn, TurnRow } from "./row-types.js";
import { SESSION_SCHEMA } from "./schema.js";
import { resourceOf } from "./session-resource.js";
import { SessionRow } from "./session-row.js";
import { SteeringTable } from "./steering-table.js";
import { Transcripts } from "./transcripts.js";
import type { TurnEnd } from "./turn-end.js";
import { TurnLog } from "./turn-log.js";
import { UnsentTable } from "./unsent-table.js";
import { admissionTiming, TurnTimings } from "./turn-timings.js";
import { traceOf } from "./turn-trace.js";

/** A page of turns holds results up to this many characters: each may be as large as an answer of the model. */
const MAX_PAGE_CHARS = 8 * 1024 * 1024;

/** All columns but the prompt, which may be a megabyte and is read once. */
const TURN =
  "id, status, boot, waiting_since, interrupted, steered_turn, resumed, first_seq, start_seq, start_cursor, end_seq, transcript_end, created_at, started_at, first_token_at, ended_at, awaited_ms, awaiting_since";

/** A session's SQLite: its row and its turns. The other tables have classes of their own. */
export class Store extends SessionRow {
  readonly #sql: SqlStorage;
  readonly #storage: DurableObjectStorage;
  readonly #retentionMs: number | undefined;
  readonly transcripts: Transcripts;
  readonly requests: RequestTable;
  readonly options: SessionOptionsTable;
  readonly keys: IdempotencyTable;
  readonly outbox: Outbox;
  readonly modelCalls: ModelCallTable;
  readonly ephemeral: EphemeralTable;
  readonly steering: SteeringTable;
  readonly traffic: TrafficTable;
  readonly lostRunners: LostRunners;
  readonly poisoned: PoisonedFrames;
  readonly timings: TurnTimings;
  readonly unsent: UnsentTable;
  #isOpen: boolean;
  /** Its row was seen, and it is not being deleted: each event asks for it several times. */
  #isSeen = false;
  readonly #turnLog: TurnLog = new TurnLog();
  /** State that follows the transactions of the storage. */
  inMemory: InMemory | undefined;

  /**
   * @param retentionMs How long the deployment keeps a session after its last activity.
   * @param isTraced A collector is told of turns.
   */
  constructor(storage: DurableObjectStorage, retentionMs?: number, isTraced = false) {
    super(storage.sql, new EventTable(storage.sql));
    this.#sql = storage.sql;
    this.#storage = storage;
    this.#retentionMs = retentionMs;
    this.transcripts = new Transcripts(storage.sql);
    this.requests = new RequestTable(storage.sql, this.events);
    this.options = new SessionOptionsTable(storage.sql);
    this.keys = new IdempotencyTable(storage.sql);
    this.outbox = new Outbox(storage.sql);
    this.modelCalls = new ModelCallTable(storage.sql, this.outbox);
    this.ephemeral = new EphemeralTable(storage.sql);
    this.steering = new SteeringTable(storage.sql);
    this.traffic = new TrafficTable(storage.sql);
    this.lostRunners = new LostRunners(storage.sql);
    this.poisoned = new PoisonedFrames(storage.sql);
    this.timings = new TurnTimings(storage.sql);
    this.unsent = new UnsentTable(storage.sql, isTraced);
    this.#isOpen = !isEmpty(storage);
    if (this.#isOpen) migrate(storage, SESSION_SCHEMA);
  }

  /** Runs `work` in a transaction, {@link inMemory} with it. */
  transaction<T>(work: () => T): T {
    const undo = this.inMemory?.begin();
    let result: T;
    try {
      result = this.#turnLog.during(() =>
        this.#storage.transactionSync(() => this.outbox.collect(work)),
      );
    } catch (error) {
      undo?.();
      this.#isSeen = false;
      throw error;
    }
    this.inMemory?.commit();
    this.#turnLog.commit();
    return result;
  }

  /** Creates the tables if they do not exist. */
  open(): void {
    if (!this.#isOpen) migrate(this.#storage, SESSION_SCHEMA);
    this.#isOpen = true;
  }

  /** Deletes all data. */
  async clear(): Promise<void> {
    this.#isOpen = false;
    this.#isSeen = false;
    await this.#storage.deleteAll();
  }

  // The session.

  /** Whether the session was created and not deleted. */
  get exists(): boolean {
    if (!this.#isOpen) return false;
    const query = "SELECT 1 FROM session WHERE deleting = 0";
    return (this.#isSeen ||= all(this.#sql, query).length > 0);
  }

  /** The session is being deleted: it no longer exists for callers. */
  get isDeleting(): boolean {
    return this.#isOpen && all(this.#sql, "SELECT 1 FROM session WHERE deleting = 1").length > 0;
  }

  set isDeleting(isDeleting: boolean) {
    this.#isSeen = false;
    this.#sql.exec("UPDATE session SET deleting = ?", isDeleting ? 1 : 0);
  }

  /** No tables exist. */
  get isEmpty(): boolean {
    return !this.#isOpen;
  }

  /** The session as callers see it. */
  resource(): SessionResource {
    const [open] = this.openTurns();
    const { seq, updated_at } = this.position();
    return resourceOf(
      { id: this.id, ...this.settings },
      {
        status: open?.status === "waiting" ? "waiting" : open ? "running" : "idle",
        expiresAt: this.expiresAt(),
        backgroundTasks: this.background.tasks.length,
        lastSeq: seq,
        createdAt: this.createdAt,
        updatedAt: updated_at,
      },
    );
  }

  /** Notifies the account of the session's new directory entry. Call it in the transaction of the change. */
  publish(): void {
    if (this.isEphemeral) return;
    const storedBytes = storedBytesOf(this.#sql);
    this.outbox.add({ kind: "session", resource: this.resource(), storedBytes });
  }

  /**
   * When the session is due to be deleted; undefined: never, or not while a turn is open or tasks run in the background. Activity is the creation, the
   * end of a turn, and a change of files: what adds events.
   */
  expiresAt(): number | undefined {
    if (this.isEphemeral || this.openTurns().length > 0 || this.background.isActive) return;
    const { expires_in, expires_in_since } = this.expiry;
    const { updated_at } = this.position();
    const since = Math.max(updated_at, expires_in_since ?? 0);
    const kept = this.#retentionMs === undefined ? Infinity : updated_at + this.#retentionMs;
    const due = Math.min(kept, expires_in === null ? Infinity : since + expires_in * 1_000);
    return due === Infinity ? undefined : due;
  }

  get lastSeq(): number {
    return this.exists ? this.position().seq : 0;
  }

  // Turns.

  /** @param firstSeq The seq that its first event gets, in the same transaction. */
  insertTurn(turn: NewTurn, status: "running" | "queued", firstSeq: number, now: number): void {
    const { id, prompt, fields, priority, traceparent, requestId, attachments, receivedAt } = turn;
    const isText = typeof prompt === "string";
    this.#sql.exec(
      `INSERT INTO turns (id, status, prompt, blocks, fields, priority, traceparent, request_id, attachments, first_seq, created_at, started_at, timing)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      status,
      isText ? prompt : JSON.stringify(prompt),
      isText ? 0 : 1,
      fields ? JSON.stringify(fields) : null,
      priority ?? null,
      traceparent ?? null,
      requestId ?? null,
      attachments ? JSON.stringify(attachments) : null,
      firstSeq,
      now,
      status === "running" ? now : null,
      admissionTiming(receivedAt, now),
    );
  }

  turn(id: string): TurnRow | undefined {
    return all<TurnRow>(this.#sql, `SELECT ${TURN} FROM turns WHERE id = ?`, id)[0];
  }

  /** The input of a turn. */
  inputOf(turn: string): UserMessage & Pick<NewTurn, "traceparent"> {
    const { prompt, blocks, fields, traceparent } = one<{
      prompt: string;
      blocks: number;
      fields: string | null;
      traceparent: string | null;
    }>(this.#sql, "SELECT prompt, blocks, fields, traceparent FROM turns WHERE id = ?", turn);
    return {
      prompt: blocks ? (JSON.parse(prompt) as Prompt) : prompt,
      ...(fields === null ? {} : { fields: JSON.parse(fields) as UserMessageFields }),
      ...(traceparent === null ? {} : { traceparent }),
    };
  }

  /** Whether a turn exists and is not over. */
  isOpen(id: string): boolean {
    const row = this.exists ? this.turn(id) : undefined;
    return row !== undefined && !isFinal(row.status);
  }

  /** The id of the HTTP request that a turn came with; undefined when it came without one. */
  requestIdOf(turn: string): string | undefined {
    const query = "SELECT request_id FROM turns WHERE id = ?";
    return all<{ request_id: string | null }>(this.#sql, query, turn)[0]?.request_id ?? undefined;
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

  /** Turns that have not ended, in the order they came. */
  openTurns(): TurnRow[] {
    return all<TurnRow>(
      this.#sql,
      `SELECT ${TURN} FROM turns WHERE status IN ('queued', 'running', 'waiting') ORDER BY position`,
    );
  }

  /** The ends of turns, as seqs from `from` on and before `to`, in order. */
  turnEnds(from: number, to: number): number[] {
    const query =
      "SELECT end_seq FROM turns WHERE end_seq IS NOT NULL AND end_seq >= ? AND end_seq < ? ORDER BY end_seq";
    return all<{ end_seq: number }>(this.#sql, query, from, to).map(({ end_seq }) => end_seq);
  }

  /** Whether a turn with a slot may use it: one whose own slot ran out may still run. */
  get mayRun(): boolean {
    return !this.exists || this.runningTurn() === undefined;
  }

  /** Open turns whose prompt no other turn has taken in. */
  standaloneTurns(): TurnRow[] {
    return this.openTurns().filter(({ steered_turn: by }) => by === null);
  }

  /** The turn that has a slot. */
  runningTurn(): TurnRow | undefined {
    return this.standaloneTurns().find(({ status }) => status === "running");
  }

  /** When the newest turn ended; undefined while it is open, or when there is none. */
  lastEnd(): number | undefined {
    const query = "SELECT ended_at FROM turns ORDER BY position DESC LIMIT 1";
    return all<{ ended_at: number | null }>(this.#sql, query)[0]?.ended_at ?? undefined;
  }

  /** The last turn that started: new model calls belong to it. */
  newestBegun(): string | undefined {
    return all<{ id: string }>(
      this.#sql,
      "SELECT id FROM turns WHERE status != 'queued' AND steered_turn IS NULL ORDER BY position DESC LIMIT 1",
    )[0]?.id;
  }

  /** The turn got a slot. */
  markRunning(turn: string, now: number): void {
    this.#sql.exec(
      "UPDATE turns SET status = 'running', started_at = coalesce(started_at, ?) WHERE id = ?",
      now,
      turn,
    );
  }

  /** A runner has taken the turn. */
  setBoot(turn: string, boot: string): void {
    this.#sql.exec(
      "UPDATE turns SET boot = ?, waiting_since = NULL, timing = ? WHERE id = ?",
      boot,
      this.timings.columns(turn).timing,
      turn,
    );
  }

  /** The turn waits for a container, and its readers are told. */
  setWaitingSince(turn: string, since: number): void {
    this.#sql.exec("UPDATE turns SET waiting_since = ? WHERE id = ?", since, turn);
  }

  /** The turn runs: its frames come after `startCursor`, its events after `startSeq`. */
  setStart(
    turn: string,
    boot: string,
    at: { cursor: number; seq: number },
    repeatableTools: string[] | undefined,
  ): void {
    this.#turnLog.started(this.subject, this.turn(turn)!, () => this.inputOf(turn).prompt);
    this.#sql.exec(
      "UPDATE turns SET boot = ?, start_cursor = ?, start_seq = ?, repeatable_tools = ? WHERE id = ?",
      boot,
      at.cursor,
      at.seq,
      repeatableTools === undefined ? null : JSON.stringify(repeatableTools),
      turn,
    );
  }

  /** Tools of the agent that a turn may run a second time. */
  repeatableTools(turn: string): string[] {
    const { repeatable_tools: tools } = one<{ repeatable_tools: string | null }>(
      this.#sql,
      "SELECT repeatable_tools FROM turns WHERE id = ?",
      turn,
    );
    return tools === null ? [] : (JSON.parse(tools) as string[]);
  }

  /** The turn's container was lost, and the turn will be started again. */
  markResumed(turn: string): void {
    this.#sql.exec(
      "UPDATE turns SET resumed = resumed + 1, boot = NULL, start_seq = NULL, start_cursor = NULL WHERE id = ?",
      turn,
    );
  }

  /** The turn waits for an answer without a container. */
  markWaiting(turn: string): void {
    const { firstToken, timing } = this.timings.columns(turn);
    this.#sql.exec(
      `UPDATE turns SET status = 'waiting', boot = NULL, start_seq = NULL, start_cursor = NULL,
        awaiting_since = ?, first_token_at = ?, timing = ? WHERE id = ?`,
      Date.now(),
      firstToken,
      timing,
      turn,
    );
    this.outbox.add({ kind: "waiting", turn });
    this.publish();
  }

  /** Puts a waiting turn back at its place in the queue. */
  markQueued(turn: string): void {
    this.#sql.exec(
      `UPDATE turns SET status = 'queued', awaiting_since = NULL,
        awaited_ms = awaited_ms + ? - coalesce(awaiting_since, ?) WHERE id = ?`,
      Date.now(),
      Date.now(),
      turn,
    );
  }

  markInterrupted(turn: string): void {
    this.#sql.exec("UPDATE turns SET interrupted = 1 WHERE id = ?", turn);
  }

  endTurn(turn: string, end: TurnEnd, endSeq: number, now: number): void {
    this.#turnLog.ended(this.subject, this.turn(turn)!, end, now);
    const { firstToken, timing } = this.timings.columns(turn);
    this.#sql.exec(
      `UPDATE turns SET status = ?, end_seq = ?, ended_at = ?, transcript_end = ?, awaiting_since = NULL,
        awaited_ms = awaited_ms + ? - coalesce(awaiting_since, ?), first_token_at = ?, timing = ? WHERE id = ?`,
      end.status,
      endSeq,
      now,
      this.transcripts.lastPosition(),
      now,
      now,
      firstToken,
      timing,
      turn,
    );
    this.timings.release(turn);
    if (!this.isEphemeral) this.unsent.add(turn, () => this.inputOf(turn).traceparent, now);
    this.outbox.add({ kind: "ended", turn, at: now, status: end.status });
  }

  /** Ids of turns in the order they came, by their position: those after one position up to another. */
  turnsAfter(position: number, upTo: number, limit: number): { id: string; position: number }[] {
    return all<{ id: string; position: number }>(
      this.#sql,
      "SELECT id, position FROM turns WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
      position,
      upTo,
      limit,
    );
  }

  /** The position of the newest turn; 0 without one. */
  get lastTurnPosition(): number {
    const query = "SELECT max(position) AS position FROM turns";
    return one<{ position: number | null }>(this.#sql, query).position ?? 0;
  }

  /** A page of turns, newest first: as many as are asked for, or as fit into an answer, at least one. */
  listTurns(before: number | undefined, limit: number): TurnList {
    const rows = all<{ id: string; position: number }>(
      this.#sql,
      "SELECT id, position FROM turns WHERE position < ? ORDER BY position DESC LIMIT ?",
      before ?? Number.MAX_SAFE_INTEGER,
      limit + 1,
    );
    const turns: TurnResource[] = [];
    let chars = 0;
    for (const [index, { id }] of rows.entries()) {
      const turn = this.turnResource(id)!;
      chars += JSON.stringify(turn).length;
      const isFull = index === limit || (index > 0 && chars > MAX_PAGE_CHARS);
      if (isFull) return { turns, next_cursor: String(rows[index - 1]!.position) };
      turns.push(turn);
    }
    return { turns };
  }

  /** Where the time of a turn went. */
  traceOf(id: string): TurnTrace {
    const turn = this.turn(id)!;
    const { first_seq: first, end_seq: last } = turn;
    return traceOf({
      session: this.id,
      turn,
      traceparent: this.inputOf(id).traceparent,
      timing: this.timings.get(id),
      network: this.traffic.ofTurn(id),
      events: first === null ? [] : this.events.eventsOf(id, first, last ?? undefined),
    });
  }

  /** The turn as callers see it. Its result comes from the event that ended it. */
  turnResource(id: string): TurnResource | undefined {
    const row = this.turn(id);
    if (!row) return undefined;
    const end =
      row.end_seq === null ? undefined : this.events.range(row.end_seq - 1, row.end_seq)[0];
    const { result, error, usage } = (end ? JSON.parse(end.data) : {}) as Partial<TurnResource>;
    return {
      id: row.id,
      session_id: this.id,
      status: row.status,
      created_at: iso(row.created_at),
      ...(row.started_at === null ? {} : { started_at: iso(row.started_at) }),
      ...(row.first_token_at === null ? {} : { first_token_at: iso(row.first_token_at) }),
      ...(row.ended_at === null ? {} : { ended_at: iso(row.ended_at) }),
      ...(row.awaited_ms === 0 ? {} : { waiting_ms: row.awaited_ms }),
      ...(row.steered_turn === null ? {} : { steered_turn_id: row.steered_turn }),
      ...(result ? { result } : {}),
      ...(error ? { error } : {}),
      ...(usage ? { usage } : {}),
    };
  }
}
