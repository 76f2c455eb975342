import {
  ANSWERS,
  APPROVAL_TIMEOUT_MS,
  EdgeError,
  type AnswerRequest,
  type CallbackAnswer,
  type PermissionPayload,
  type RequestResource,
  type RequestStatus,
  type ResolvedRequest,
} from "@claude-edge/protocol";
import type {
  AnswerTaken,
  RequestCancelledFrame,
  RequestFrame,
} from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";
import { callerGraceMs, sleepAfterMs } from "../settings.js";
import type { RequestRow } from "./request-table.js";
import { callRunner, type ContainerStub } from "./runner-client.js";
import type { SessionLogs } from "./session-logs.js";
import type { Store, TurnRow } from "./store.js";

/** An answer is handed over this often in a row; after that the alarm tries again. */
const MAX_DELIVERIES = 3;
const DELIVERY_PAUSE_MS = 250;

const MAX_LISTED = 200;
const MAX_LISTED_CHARS = 8 * 1024 * 1024;

const iso = (ms: number) => new Date(ms).toISOString();

/** What only the program that passed it can answer; the others anybody can, at any time. */
const needsCaller = ({ kind }: RequestRow) =>
  kind === "hook" || kind === "mcp" || kind === "elicitation";

export interface RequestsCallbacks {
  container(name: string): ContainerStub;
  /** An answer is there for a turn that waits without a process. */
  onAnswered(turn: TurnRow, request: RequestRow): void;
}

/** The questions of an account's turns to the outside: stored, answered once, and told to whoever asked. */
export class Requests {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #callbacks: RequestsCallbacks;
  readonly #delivering = new Set<string>();
  #watch: ReturnType<typeof setTimeout> | null = null;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    store: Store,
    logs: SessionLogs,
    callbacks: RequestsCallbacks,
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = store;
    this.#logs = logs;
    this.#callbacks = callbacks;
    logs.onCallersGone(() => this.#failOrphans());
  }

  /** @throws EdgeError `request_not_found`. */
  get(id: string, session?: string): RequestResource {
    return this.#store.requests.resource(this.#row(id, session));
  }

  /** Oldest first, a bounded number of them: what is asked may hold whole files. */
  list(session?: string, status?: RequestStatus, after?: string): RequestResource[] {
    const behind = after === undefined ? undefined : this.#row(after, session).position;
    const listed: RequestResource[] = [];
    let chars = 0;
    for (const row of this.#store.requests.list(session, status, behind, MAX_LISTED)) {
      const resource = this.#store.requests.resource(row);
      chars += JSON.stringify(resource).length;
      if (chars > MAX_LISTED_CHARS && listed.length > 0) break;
      listed.push(resource);
    }
    return listed;
  }

  // What runners say. Call these in the transaction that applies the log.

  /** The agent asks something. */
  add({ session, turn, request }: RequestFrame): void {
    const now = Date.now();
    const { id, kind, payload } = request;
    const expiresAt =
      kind === "permission" || kind === "question"
        ? now + this.#timeoutOf(session, request.held ?? false)
        : undefined;
    const resource: RequestResource = {
      id,
      session_id: session,
      turn_id: turn,
      kind,
      status: "pending",
      payload,
      created_at: iso(now),
      ...(expiresAt === undefined ? {} : { expires_at: iso(expiresAt) }),
    };
    const seq = this.#logs.emit(session, turn, "request", { request: resource });
    const { tool_use_id } = payload as Partial<PermissionPayload>;
    const outlives = expiresAt !== undefined && !request.held;
    this.#store.requests.insert({
      id,
      session_id: session,
      turn_id: turn,
      kind,
      tool_use_id: outlives ? (tool_use_id ?? null) : null,
      seq,
      created_at: now,
      expires_at: expiresAt ?? null,
    });
    if (expiresAt === undefined) this.#failOrphans();
  }

  /** The agent no longer wants to know. */
  cancel({ request }: RequestCancelledFrame): void {
    const row = this.#store.requests.get(request);
    if (row?.status !== "pending") return;
    const error = { message: "The agent no longer waits for it." };
    this.#resolve(row, "cancelled", { error }, { beside: true });
    this.#store.requests.setDelivered(request);
  }

  /**
   * A turn is over: what it asks is void. `beside`: it follows from a runner's log. `waits`: only its process is gone,
   * and what can outlive that stays.
   */
  cancelOf(
    turn: string,
    { beside, waits = false, except }: { beside: boolean; waits?: boolean; except?: string },
  ): void {
    for (const row of this.#store.requests.openOf(turn)) {
      if (row.id === except || (waits && row.tool_use_id !== null)) continue;
      const error = { message: "The turn no longer waits for it." };
      if (row.status === "pending") this.#resolve(row, "cancelled", { error }, { beside });
      // An answer that was not taken has nobody left to take it.
      this.#store.requests.setDelivered(row.id);
    }
  }

  #timeoutOf(session: string, isHeld: boolean): number {
    const { approval_timeout_ms = APPROVAL_TIMEOUT_MS } = this.#store.session(session)!;
    // One that holds its container awake cannot wait for days.
    return isHeld ? Math.min(approval_timeout_ms, sleepAfterMs(this.#env)) : approval_timeout_ms;
  }

  // Answers.

  /**
   * Answers a request: the first answer counts.
   * @throws EdgeError `request_not_found`, `request_resolved`, `invalid_request`.
   */
  async answer(
    id: string,
    session: string | undefined,
    { answer, error, by }: AnswerRequest,
    key?: string,
  ): Promise<RequestResource> {
    const row = this.#row(id, session);
    await this.#logs.untilWhole(row.session_id);
    this.expire();
    const { status, resolved_at, answered_by } = this.get(id, session);
    // The same answer again: the word that it was taken has been lost.
    if (key !== undefined && this.#row(id).answer_key === key) return this.get(id);
    if (status !== "pending") {
      const who = answered_by === undefined ? "" : ` by ${answered_by}`;
      const message = `Request ${id} was ${status}${who} at ${resolved_at}.`;
      throw new EdgeError("request_resolved", message, { status, resolved_at, answered_by });
    }
    if ((answer === undefined) === (error === undefined)) {
      throw new EdgeError("invalid_request", "Give either an answer or an error.");
    }
    if (answer && !ANSWERS[row.kind].safeParse(answer).success) {
      throw new EdgeError("invalid_request", `answer: is not one to a ${row.kind} request.`);
    }
    const given: CallbackAnswer = { ...(answer ? { answer } : {}), ...(error ? { error } : {}) };
    if (key !== undefined) this.#store.requests.setAnswerKey(id, key);
    this.#settle(row, "answered", given, by);
    return this.get(id);
  }

  /** Requests whose time is over count as denied. */
  expire(): void {
    const now = Date.now();
    for (const { id } of this.#store.requests.pending()) {
      // Read anew: the one before may have ended what this one belonged to.
      const row = this.#store.requests.get(id);
      if (row?.status !== "pending" || row.expires_at === null || row.expires_at > now) continue;
      if (this.#logs.isHeld(row.session_id)) continue;
      const message = `Nobody answered before ${iso(row.expires_at)}.`;
      this.#settle(row, "expired", { answer: { behavior: "deny", message } });
    }
  }

  nextExpiry(): number | undefined {
    return this.#store.requests.nextExpiry();
  }

  /** Hands over again what was not taken. */
  goOn(): void {
    this.expire();
    this.#failOrphans();
    for (const row of this.#store.requests.undelivered()) this.#deliver(row);
  }

  #settle(row: RequestRow, status: RequestStatus, given: CallbackAnswer, by?: string): void {
    this.#store.transaction(() => this.#resolve(row, status, given, { beside: false, by }));
    const turn = this.#store.turn(row.turn_id);
    if (turn?.status !== "waiting") this.#deliver(row);
    else if (row.tool_use_id !== null) this.#callbacks.onAnswered(turn, this.#row(row.id));
  }

  #resolve(
    { id, session_id, turn_id, kind, created_at }: RequestRow,
    status: RequestStatus,
    given: CallbackAnswer,
    { beside, by }: { beside: boolean; by?: string | undefined },
  ): void {
    const request: ResolvedRequest = {
      id,
      session_id,
      turn_id,
      kind,
      status,
      created_at: iso(created_at),
      ...given,
      resolved_at: iso(Date.now()),
      ...(by === undefined ? {} : { answered_by: by }),
    };
    const emit = beside ? "emitBeside" : "emitOwn";
    const seq = this.#logs[emit](session_id, turn_id, "request.resolved", { request });
    this.#store.requests.setResolved(id, status, seq);
  }

  /** Tells the runner. One that cannot be reached is told again, or is lost and its turn with it. */
  #deliver({ id, session_id }: RequestRow): void {
    if (this.#delivering.has(id)) return;
    this.#delivering.add(id);
    const send = async () => {
      const path = `/sessions/${session_id}/requests/${id}`;
      for (let tries = 0; tries < MAX_DELIVERIES; tries += 1) {
        const row = this.#store.requests.get(id);
        if (!row || row.delivered) return;
        const container = this.#callbacks.container(this.#store.containerOf(session_id));
        const body = this.#store.requests.answerOf(row);
        const told = await callRunner<AnswerTaken>(container, "POST", path, body).catch(
          () => undefined,
        );
        if (told?.ok) {
          // Not taken: its process has been let go, and the turn will come to wait.
          if (told.body.taken) this.#store.requests.setDelivered(id);
          return;
        }
        await scheduler.wait(DELIVERY_PAUSE_MS);
      }
    };
    const sent = send().finally(() => this.#delivering.delete(id));
    this.#ctx.waitUntil(sent);
  }

  // Callers.

  /** Hooks and MCP calls whose caller is gone for good fail; for one that may come back it is looked again. */
  #failOrphans(): void {
    clearTimeout(this.#watch);
    const now = Date.now();
    const grace = callerGraceMs(this.#env);
    let next = Infinity;
    for (const row of this.#store.requests.pending()) {
      if (!needsCaller(row)) continue;
      const goneAt = this.#logs.callersGoneAt(row.session_id);
      if (goneAt === undefined) continue;
      const left = Math.max(goneAt, row.created_at) + grace - now;
      if (left > 0) {
        next = Math.min(next, left);
        continue;
      }
      const what = row.kind === "hook" ? "a hook" : "an MCP server";
      const message = `The program that runs ${what} of this session is gone (caller_gone).`;
      void this.#logs.untilWhole(row.session_id).then(() => {
        if (this.#store.requests.get(row.id)?.status !== "pending") return;
        this.#settle(row, "cancelled", { error: { message, code: "caller_gone" } });
      });
    }
    if (next < Infinity) this.#watch = setTimeout(() => this.#failOrphans(), next + 10);
  }

  #row(id: string, session?: string): RequestRow {
    const row = this.#store.requests.get(id);
    if (!row || (session !== undefined && row.session_id !== session)) {
      const where = session === undefined ? "" : ` in session ${session}`;
      throw new EdgeError("request_not_found", `There is no request ${id}${where}.`);
    }
    return row;
  }
}
