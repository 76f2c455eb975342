import {
  ANSWERS,
  APPROVAL_TIMEOUT_MS,
  EdgeError,
  REQUESTS_FOR_PEOPLE,
  type CallbackAnswer,
  type NetworkAnswer,
  type NetworkPayload,
  type PermissionPayload,
  type RequestResource,
  type RequestStatus,
  type ResolvedRequest,
} from "@claude-edge/protocol";
import {
  requestId,
  type AnswerTaken,
  type RequestCancelledFrame,
  type RequestFrame,
} from "@claude-edge/protocol/runner";

import { iso } from "../iso.js";
import type { Env } from "../env.js";
import { callerGraceMs, sleepAfterMs } from "../settings.js";
import type { Actor } from "./account-port.js";
import { audit } from "./audit.js";
import type { Answering } from "./calls.js";
import { Deliveries } from "./deliveries.js";
import type { NewRequest, RequestRow } from "./request-table.js";
import { callRunner, type ContainerStub } from "../container/runner-client.js";
import type { SessionLog } from "../log/session-log.js";
import type { TurnRow } from "./row-types.js";
import type { Store } from "./store.js";

const MAX_LISTED = 200;
const MAX_LISTED_CHARS = 8 * 1024 * 1024;

/** Requests that only the connected program can answer. The others can be answered by any client, at any time. */
const needsCaller = ({ kind }: RequestRow) =>
  kind === "hook" || kind === "mcp" || kind === "elicitation";

/** What is known of a new request only when it is stored. */
type Derived = "seq" | "created_at" | "expires_at";

type NetworkGrant = Extract<NetworkAnswer, { behavior: "allow" }>;

/** Whether an answer about a host allows it for the turn that asked, which is what one without a scope does. */
const isForTurn = (answer: Partial<NetworkGrant> | undefined): boolean =>
  answer?.behavior === "allow" && (answer.scope ?? "turn") === "turn";

export interface RequestsCallbacks {
  container(): ContainerStub;
  /** A request of a waiting turn was answered. */
  onAnswered(turn: TurnRow, request: RequestRow): void;
}

/** Requests from the session's turns to clients: stored, answered once, and delivered to the runner. */
export class Requests {
  readonly #env: Env;
  readonly #store: Store;
  readonly #log: SessionLog;
  readonly #callbacks: RequestsCallbacks;
  readonly #deliveries: Deliveries;
  #orphanTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    store: Store,
    log: SessionLog,
    callbacks: RequestsCallbacks,
  ) {
    this.#deliveries = new Deliveries(ctx);
    this.#env = env;
    this.#store = store;
    this.#log = log;
    this.#callbacks = callbacks;
    log.onCallersGone = () => this.#failOrphans();
  }

  /** @throws EdgeError `request_not_found`. */
  get(id: string): RequestResource {
    return this.#store.requests.resource(this.#row(id));
  }

  /** Oldest first, bounded in number and size: a payload may hold whole files. */
  list(status?: RequestStatus, after?: string): RequestResource[] {
    const position = after === undefined ? undefined : this.#row(after).position;
    const listed: RequestResource[] = [];
    let chars = 0;
    for (const row of this.#store.requests.list(status, position, MAX_LISTED)) {
      const resource = this.#store.requests.resource(row);
      chars += JSON.stringify(resource).length;
      if (chars > MAX_LISTED_CHARS && listed.length > 0) break;
      listed.push(resource);
    }
    return listed;
  }

  // Called from the runner's log, in the transaction that applies it.

  /** Stores a new request. */
  add({ turn, request }: RequestFrame): void {
    const { kind, payload, held = false } = request;
    const isForPeople = kind === "permission" || kind === "question";
    const patienceMs = isForPeople ? this.#timeout(held) : undefined;
    const { tool_use_id: toolUse } = payload as Partial<PermissionPayload>;
    const tool_use_id = (isForPeople && !held && toolUse) || null;
    this.#insert({ ...request, turn_id: turn, tool_use_id }, patienceMs, (resource) =>
      this.#log.emit(turn, "request", { request: resource }),
    );
    if (!isForPeople) this.#failOrphans();
  }

  /** Stores a request of the session's own, about a host. No runner waits for its answer, nor does its turn. Returns its id. */
  addOwn(turn: string, host: string, payload: NetworkPayload): string {
    const id = requestId(crypto.randomUUID(), this.#store.id);
    const asked = { id, kind: "network", payload: { ...payload }, turn_id: turn, host } as const;
    const patienceMs = this.#timeout(false);
    this.#store.transaction(() =>
      this.#insert({ ...asked, tool_use_id: null }, patienceMs, (resource) =>
        this.#log.emitOwn(turn, "request", { request: resource }),
      ),
    );
    return id;
  }

  #insert(
    { payload, ...row }: Pick<RequestResource, "payload"> & Omit<NewRequest, Derived>,
    patienceMs: number | undefined,
    emit: (resource: RequestResource) => number,
  ): void {
    const now = Date.now();
    const expiresAt = patienceMs === undefined ? undefined : now + patienceMs;
    const { id, turn_id, kind } = row;
    const resource: RequestResource = {
      id,
      session_id: this.#store.id,
      turn_id,
      kind,
      status: "pending",
      payload,
      created_at: iso(now),
      ...(expiresAt === undefined ? {} : { expires_at: iso(expiresAt) }),
    };
    const seq = emit(resource);
    const times = { created_at: now, expires_at: expiresAt ?? null };
    this.#store.requests.insert({ ...row, ...times, seq });
    this.#store.outbox.add({ kind: "request", id, turn: turn_id, asks: kind, status: "pending" });
  }

  /** Cancels a request that the agent has withdrawn. */
  cancel({ request }: RequestCancelledFrame): void {
    const row = this.#store.requests.get(request);
    if (row?.status !== "pending") return;
    const error = { message: "The agent no longer waits for it." };
    this.#resolve(row, "cancelled", { error }, { derived: true });
    this.#store.requests.setDelivered(request);
  }

  /**
   * Cancels the requests of a turn that has ended. `derived`: the cause is in the runner's log. `waits`: only the process
   * is gone, so requests that can outlive it stay open.
   */
  cancelOf(
    turn: string,
    { derived, waits = false, except }: { derived: boolean; waits?: boolean; except?: string },
  ): void {
    for (const row of this.#store.requests.openOf(turn)) {
      if (row.id === except || (waits && row.tool_use_id !== null)) continue;
      const error = { message: "The turn no longer waits for it." };
      if (row.status === "pending") this.#resolve(row, "cancelled", { error }, { derived });
      // No process is left to take an answer.
      this.#store.requests.setDelivered(row.id);
    }
  }

  /** Cancels what was asked after its turn had ended: tasks in the background asked it, and they are over. */
  cancelEnded({ derived }: { derived: boolean }): void {
    for (const row of this.#store.requests.pending()) {
      if (row.host !== null || this.#store.isOpen(row.turn_id)) continue;
      this.cancelOf(row.turn_id, { derived });
    }
  }

  #timeout(isHeld: boolean): number {
    const { approvalTimeoutMs = APPROVAL_TIMEOUT_MS } = this.#store;
    // A held request keeps its container awake, so it cannot wait for days.
    return isHeld ? Math.min(approvalTimeoutMs, sleepAfterMs(this.#env)) : approvalTimeoutMs;
  }

  // Answers.

  /**
   * Answers a request. The first answer wins.
   * @throws EdgeError `request_not_found`, `request_resolved`, `invalid_request`, `forbidden`.
   */
  async answer(
    id: string,
    { answer, error, by, ofSession = false }: Answering,
    key?: string,
    actor?: Actor,
  ): Promise<RequestResource> {
    const row = this.#row(id);
    await this.#log.whenReplayed();
    this.expire();
    const { status, resolved_at, answered_by } = this.get(id);
    // A retry of the answer whose first reply was lost.
    if (key !== undefined && this.#row(id).answer_key === key) return this.get(id);
    if (status !== "pending") {
      const who = answered_by === undefined ? "" : ` by ${answered_by}`;
      const message = `Request ${id} was ${status}${who} at ${resolved_at}.`;
      throw new EdgeError("request_resolved", message, { status, resolved_at, answered_by });
    }
    if ((answer === undefined) === (error === undefined)) {
      throw new EdgeError("invalid_request", "Give either an answer or an error.");
    }
    if (ofSession && row.host !== null && answer?.scope === "account") {
      throw new EdgeError("forbidden", "The token is for its session alone.");
    }
    if (answer && !ANSWERS[row.kind].safeParse(answer).success) {
      throw new EdgeError("invalid_request", `answer: is not one to a ${row.kind} request.`);
    }
    if (row.host !== null && isForTurn(answer) && !this.#store.isOpen(row.turn_id)) {
      const message =
        "The turn that asked is over: allow the host for the session or the account, or deny it.";
      throw new EdgeError("invalid_request", message);
    }
    const given: CallbackAnswer = { ...(answer ? { answer } : {}), ...(error ? { error } : {}) };
    if (key !== undefined) this.#store.requests.setAnswerKey(id, key);
    this.#settle(row, "answered", given, { by, audit: () => this.#audit(row, given, actor) });
    return this.get(id);
  }

  /** Denies requests that have expired. */
  expire(): void {
    const now = Date.now();
    for (const { id } of this.#store.requests.pending()) {
      // Read again: settling the previous request may have ended this one's turn.
      const row = this.#store.requests.get(id);
      if (row?.status !== "pending" || row.expires_at === null || row.expires_at > now) continue;
      if (this.#log.isHeld) continue;
      const message = `Nobody answered before ${iso(row.expires_at)}.`;
      this.#settle(row, "expired", { answer: { behavior: "deny", message } });
    }
  }

  nextExpiry(): number | undefined {
    return this.#store.requests.nextExpiry();
  }

  /** Redelivers answers that were not taken. */
  resume(): void {
    this.expire();
    this.#failOrphans();
    for (const row of this.#store.requests.undelivered()) this.#deliver(row);
  }

  /** Who answered: of the program's own callbacks the log would be full. */
  #audit({ id, kind, host }: RequestRow, given: CallbackAnswer, actor: Actor | undefined): void {
    if (!REQUESTS_FOR_PEOPLE.has(kind)) return;
    const { behavior, scope = "turn" } = (given.answer ?? {}) as Partial<NetworkGrant>;
    const details = { kind, ...(typeof behavior === "string" ? { behavior } : {}) };
    audit(this.#store, actor, { action: "request.answered", target: id, details });
    if (host === null || behavior !== "allow") return;
    audit(this.#store, actor, { action: "host.allowed", target: host, details: { scope } });
  }

  #settle(
    row: RequestRow,
    status: RequestStatus,
    given: CallbackAnswer,
    { by, audit: note }: { by?: string | undefined; audit?: () => void } = {},
  ): void {
    this.#store.transaction(() => {
      this.#resolve(row, status, given, { derived: false, by });
      note?.();
    });
    const turn = this.#store.turn(row.turn_id);
    if (turn?.status !== "waiting") this.#deliver(row);
    else if (row.tool_use_id !== null) this.#callbacks.onAnswered(turn, this.#row(row.id));
  }

  #resolve(
    { id, turn_id, kind, created_at, host }: RequestRow,
    status: RequestStatus,
    given: CallbackAnswer,
    { derived, by }: { derived: boolean; by?: string | undefined },
  ): void {
    const request: ResolvedRequest = {
      id,
      session_id: this.#store.id,
      turn_id,
      kind,
      status,
      created_at: iso(created_at),
      ...given,
      resolved_at: iso(Date.now()),
      ...(by === undefined ? {} : { answered_by: by }),
    };
    const emit = derived ? "emitDerived" : "emitOwn";
    // Nothing may follow the end of a turn, and a question about a host outlives it.
    const turn = host === null || this.#store.isOpen(turn_id) ? turn_id : "";
    const seq = this.#log[emit](turn, "request.resolved", { request });
    this.#store.requests.setResolved(id, status, seq);
    this.#store.outbox.add({ kind: "request", id, turn: turn_id, asks: kind, status });
    const { behavior, scope = "turn" } = (given.answer ?? {}) as Partial<NetworkGrant>;
    if (host === null || behavior !== "allow") return;
    this.#store.outbox.add({ kind: "grant", host, turn: turn_id, scope });
  }

  /** Delivers an answer to the runner. If this fails, the alarm retries, or the runner is declared lost with its turn. */
  #deliver({ id, host }: RequestRow): void {
    if (host !== null) return;
    const path = `/sessions/${this.#store.id}/requests/${id}`;
    this.#deliveries.begin(id, async () => {
      const row = this.#store.exists ? this.#store.requests.get(id) : undefined;
      if (!row || row.delivered) return true;
      const container = this.#callbacks.container();
      const body = this.#store.requests.answerOf(row);
      const response = await callRunner<AnswerTaken>(container, "POST", path, body).catch(
        () => undefined,
      );
      // If not taken, the process was released and the turn is about to wait.
      if (response?.ok && response.body.taken) this.#store.requests.setDelivered(id);
      return response?.ok ?? false;
    });
  }

  // Connected callers.

  /** Fails hooks and MCP calls whose caller did not reconnect within its grace period. */
  #failOrphans(): void {
    clearTimeout(this.#orphanTimer);
    if (!this.#store.exists) return;
    const now = Date.now();
    const grace = callerGraceMs(this.#env);
    let next = Infinity;
    for (const row of this.#store.requests.pending()) {
      if (!needsCaller(row)) continue;
      const goneAt = this.#log.callersGoneAt;
      if (goneAt === undefined) return;
      const left = Math.max(goneAt, row.created_at) + grace - now;
      if (left > 0) {
        next = Math.min(next, left);
        continue;
      }
      const what = row.kind === "hook" ? "a hook" : "an MCP server";
      const message = `The program that runs ${what} of this session is gone (caller_gone).`;
      void this.#log.whenReplayed().then(() => {
        if (!this.#store.exists || this.#store.requests.get(row.id)?.status !== "pending") return;
        this.#settle(row, "cancelled", { error: { message, code: "caller_gone" } });
      });
    }
    if (next < Infinity) this.#orphanTimer = setTimeout(() => this.#failOrphans(), next + 10);
  }

  #row(id: string): RequestRow {
    const row = this.#store.requests.get(id);
    if (row) return row;
    const message = `There is no request ${id} in session ${this.#store.id}.`;
    throw new EdgeError("request_not_found", message);
  }
}
