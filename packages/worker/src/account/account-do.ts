import { DurableObject } from "cloudflare:workers";

import {
  EdgeError,
  type AnswerRequest,
  type AttachedFile,
  type ContainerStatus,
  type ControlMethod,
  type CreateSessionRequest,
  type CreateTokenRequest,
  type CreateTurnRequest,
  type EdgeEvent,
  type ForkSessionRequest,
  type LimitsReport,
  type QueryRequest,
  type RequestResource,
  type RequestStatus,
  type RewindSessionRequest,
  type Rewound,
  type SessionList,
  type SessionOptions,
  type SessionResource,
  type TokenList,
  type TokenResource,
  type TurnResource,
  type UpdateLimitsRequest,
  type UpdateSessionRequest,
  type UsageReport,
} from "@claude-edge/protocol";
import { asks, fitsSpare } from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";
import { isFileMethod, type AccountMethod, type CallerCheck } from "../http/account-stub.js";
import type { ModelUsage } from "../model/model-call.js";
import { containerName } from "../settings.js";
import { withAttachments, type BorrowedFiles } from "../workspace/store-attachments.js";
import { FileStore } from "../workspace/file-store.js";
import { Files } from "../workspace/files.js";
import { Allowance } from "./allowance.js";
import { Branches } from "./branches.js";
import { readCursor, writeCursor } from "./cursor.js";
import { IdempotencyKeys, type Idempotency } from "./idempotency-keys.js";
import type { NewMessage } from "./message-sessions.js";
import type { ModelCall } from "./model-calls.js";
import { migrate } from "./schema.js";
import { assertOptionsFit, titleOf } from "./session-form.js";
import { SessionLogs } from "./session-logs.js";
import { Store, type NewTurn } from "./store.js";
import { Turns } from "./turns.js";
import type { UsageQuery } from "./usage-table.js";

export type { Idempotency } from "./idempotency-keys.js";
export type { ModelCall } from "./model-calls.js";

/** How a turn was asked for. */
export interface TurnCall {
  once?: Idempotency | undefined;
  /** The caller's span. */
  traceparent?: string | undefined;
  borrowed?: BorrowedFiles | undefined;
}

/** How events are read. */
export interface EventsCall {
  /** That turn's alone, up to its end. */
  turn?: string | undefined;
  /** Whoever reads them runs the session's callbacks. */
  callbacks?: boolean;
  /** The token they are read with: they end with it, and when it is revoked. Milliseconds since 1970. */
  token?: { id: string; expiresAt: number | undefined };
}

/** A turn that was accepted, and the seq behind which its events are. */
export interface AcceptedTurn {
  turn: TurnResource;
  after: number;
}

/**
 * An account: its sessions, turns, events and queue, in SQLite. The only truth; whatever runs elsewhere is followed
 * and written down here. It reaches out to containers, and nothing reaches in from them.
 */
export class AccountDO extends DurableObject<Env> {
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #turns: Turns;
  readonly #allowance: Allowance;
  readonly #files: Files;
  readonly #branches: Branches;
  readonly #keys: IdempotencyKeys;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage);
    this.#store = new Store(ctx.storage);
    this.#keys = new IdempotencyKeys(this.#store);
    this.#logs = new SessionLogs(this.#store);
    this.#allowance = new Allowance(ctx.storage.sql, env, this.#store);
    this.#files = new Files(new FileStore(ctx, env, this.#store), this.#store, this.#logs);
    this.#turns = new Turns(ctx, env, this.#store, this.#logs, this.#allowance, this.#files);
    this.#branches = new Branches(this.#store, this.#logs, this.#files, this.#turns.workspaces);
    this.#turns.goOn();
  }

  override alarm(): Promise<void> {
    return this.#turns.onAlarm((session) => this.deleteSession(session));
  }

  /** @throws EdgeError `session_exists`, `idempotency_conflict`. */
  createSession(
    account: string,
    request: CreateSessionRequest,
    once?: Idempotency,
  ): SessionResource {
    this.#setAccount(account);
    const used = this.#keys.useOf(once);
    if (used) return this.getSession(used.session_id);
    return this.#store.transaction(() => {
      const id = this.#insertSession(account, request);
      this.#keys.remember(once, id, null);
      return this.getSession(id);
    });
  }

  /** @throws EdgeError `session_not_found`. */
  getSession(id: string): SessionResource {
    const session = this.#store.session(id);
    if (!session) throw new EdgeError("session_not_found", `There is no session ${id}.`);
    return session;
  }

  /** @throws EdgeError `invalid_request` for a cursor that did not come from here. */
  listSessions(cursor: string | undefined, limit: number): SessionList {
    const sessions = this.#store.sessions(limit + 1, cursor ? readCursor(cursor) : undefined);
    if (sessions.length <= limit) return { sessions };
    const page = sessions.slice(0, limit);
    return { sessions: page, next_cursor: writeCursor(page.at(-1)!) };
  }

  /** Replaces what is named; options hold from the next turn on. @throws EdgeError `session_not_found`, `invalid_request`. */
  updateSession(id: string, request: UpdateSessionRequest): SessionResource {
    const { title, tags, options, approval_timeout_ms } = request;
    this.getSession(id);
    if (options) assertOptionsFit(options);
    if (title !== undefined) this.#store.setTitle(id, title);
    if (tags !== undefined) this.#store.setTags(id, tags);
    if (options !== undefined) this.#store.setOptions(id, options);
    if (approval_timeout_ms !== undefined) this.#store.setApprovalTimeout(id, approval_timeout_ms);
    return this.getSession(id);
  }

  /** Deletes a session with all it holds; what runs of it is stopped. @throws EdgeError `session_not_found`. */
  async deleteSession(id: string): Promise<void> {
    this.getSession(id);
    const container = this.#store.containerOf(id);
    this.#store.transaction(() => {
      this.#store.deleteSession(id, Date.now());
      this.#files.stored.forget(id, Date.now());
    });
    this.#logs.drop(id);
    await this.#turns.forget(id, container);
    // Its process has had its last word: a result would have told of these.
    this.#store.modelCalls.ended(id);
    this.#turns.pump();
  }

  /**
   * Branches a conversation: a new session that remembers what the other did, up to a message, a turn or to its end, and
   * has its files as they were then.
   * @throws EdgeError `session_not_found`, `session_exists`, `message_not_found`, `turn_not_found`, `turn_running`,
   * `idempotency_conflict`.
   */
  forkSession(
    account: string,
    from: string,
    request: ForkSessionRequest,
    once?: Idempotency,
  ): SessionResource {
    const used = this.#keys.useOf(once);
    if (used) return this.getSession(used.session_id);
    const origin = this.getSession(from);
    const point = this.#branches.pointOf(from, request);
    const { id: chosen, title = origin.title ?? undefined } = request;
    return this.#store.transaction(() => {
      const { options, tags, on_container_lost, approval_timeout_ms } = origin;
      const settings = { title, tags, options, on_container_lost, approval_timeout_ms };
      const session = { id: chosen ?? crypto.randomUUID(), ...settings };
      const id = this.#insertSession(account, session, point.origin);
      this.#branches.copy(point, id);
      this.#keys.remember(once, id, null);
      return this.getSession(id);
    });
  }

  /**
   * Goes back to the end of a turn, or to the beginning: what came after it is no longer remembered, and the files are
   * as they were. Its events stay in the log.
   * @throws EdgeError `session_not_found`, `turn_not_found`, `turn_running`, `workspace_unavailable`.
   */
  async rewindSession(
    id: string,
    { turn_id: turn }: RewindSessionRequest,
    once?: Idempotency,
  ): Promise<Rewound> {
    this.getSession(id);
    if (this.#keys.useOf(once)) {
      const { checkpoint } = this.#files.stored.checkpoints.stateAt(id);
      return { turn_id: turn, checkpoint, changed: 0 };
    }
    return this.#branches.rewind(id, turn, () => this.#keys.remember(once, id, null));
  }

  /** One prompt in a session of its own. @throws EdgeError as {@link createSession} and {@link createTurn}. */
  async query(
    account: string,
    request: QueryRequest,
    { once, traceparent, borrowed }: TurnCall = {},
  ): Promise<AcceptedTurn> {
    this.#setAccount(account);
    const again = () => {
      const used = this.#keys.useOf(once);
      const turn = used?.turn_id && this.getTurn(used.session_id, used.turn_id);
      return turn ? { turn, after: 0 } : undefined;
    };
    const { prompt, attachments, session_id: id, accountId: _account, ...session } = request;
    const insert = () => this.#insertSession(account, { id, ...session });
    const accept = (stored?: AttachedFile[]) =>
      again() ?? this.#accept({ prompt, attachments: stored, traceparent }, once, insert);
    return again() ?? withAttachments(this.#files, { attachments, borrowed }, accept);
  }

  /**
   * A request of the Messages API as a session of its own, which whoever reads its answer deletes.
   * @throws EdgeError `queue_full`, `budget_spent`.
   */
  createMessage(account: string, message: NewMessage): AcceptedTurn {
    this.#setAccount(account);
    // They have no files: one container will do, even where each session has its own.
    const container = containerName(this.env, account, "messages");
    const insert = () => this.#store.insertMessage(message, container, Date.now());
    return this.#accept({ id: message.turn, prompt: "" }, undefined, insert);
  }

  /** @throws EdgeError `session_not_found`, `queue_full`, `idempotency_conflict`. */
  async createTurn(
    account: string,
    sessionId: string,
    { prompt, attachments, id }: CreateTurnRequest,
    { once, traceparent, borrowed }: TurnCall = {},
  ): Promise<AcceptedTurn> {
    this.#setAccount(account);
    await this.#logs.untilWhole(sessionId);
    const again = () => {
      const used = this.#keys.useOf(once);
      if (!used?.turn_id) return undefined;
      const turn = this.getTurn(sessionId, used.turn_id);
      return { turn, after: this.#store.turn(turn.id)!.first_seq! - 1 };
    };
    const accept = (stored?: AttachedFile[]) => {
      const known = again();
      if (known) return known;
      this.getSession(sessionId);
      if (id !== undefined && this.#store.turn(id)) {
        throw new EdgeError("invalid_request", `id: there is a turn ${id} already.`);
      }
      return this.#accept({ id, prompt, attachments: stored, traceparent }, once, () => sessionId);
    };
    return again() ?? withAttachments(this.#files, { attachments, borrowed }, accept);
  }

  /** @throws EdgeError `session_not_found`, `turn_not_found`. */
  getTurn(sessionId: string, id: string): TurnResource {
    this.getSession(sessionId);
    const turn = this.#store.turnResource(id);
    if (turn?.session_id !== sessionId) {
      throw new EdgeError("turn_not_found", `There is no turn ${id} in session ${sessionId}.`);
    }
    return turn;
  }

  /** Resolves with the turn when it has ended, or waits for an answer. @throws EdgeError as {@link getTurn}. */
  async waitForTurn(sessionId: string, id: string): Promise<TurnResource> {
    this.getTurn(sessionId, id);
    await this.#logs.untilSettled(sessionId, id);
    return this.getTurn(sessionId, id);
  }

  /**
   * A session's events as an SSE body; with a turn, that turn's alone, up to its end.
   * @throws EdgeError as {@link getTurn}.
   */
  events(
    sessionId: string,
    after: number,
    { turn, callbacks, token }: EventsCall = {},
  ): ReadableStream<Uint8Array> {
    if (turn === undefined) this.getSession(sessionId);
    else this.getTurn(sessionId, turn);
    const isBarred = () =>
      token !== undefined &&
      (Date.now() >= (token.expiresAt ?? Infinity) || this.#store.tokens.isRevoked(token.id));
    return this.#logs.stream(sessionId, after, { turn, callbacks, isBarred });
  }

  /** A page of stored and recent events. @throws EdgeError `session_not_found`. */
  async listEvents(
    sessionId: string,
    after: number,
  ): Promise<{ events: EdgeEvent[]; last_seq: number }> {
    this.getSession(sessionId);
    const events = await this.#logs.list(sessionId, after);
    return { events, last_seq: this.#logs.lastSeq(sessionId) };
  }

  /** Stops a session's open turns, or the one named; gives their ids. @throws EdgeError `session_not_found`. */
  async interrupt(sessionId: string, turn?: string): Promise<string[]> {
    this.getSession(sessionId);
    await this.#logs.untilWhole(sessionId);
    const open = this.#store
      .openTurns()
      .filter((row) => row.session_id === sessionId && (turn === undefined || row.id === turn));
    // Those that wait first: otherwise the end of the running one would let the next begin.
    for (const row of open.toReversed()) await this.#turns.interrupt(row);
    return open.map((row) => row.id);
  }

  /** The requests of the account, or of one session. Oldest first. @throws EdgeError `session_not_found`. */
  listRequests({
    sessionId,
    status,
    after,
  }: {
    sessionId?: string | undefined;
    status?: RequestStatus | undefined;
    after?: string | undefined;
  }): { requests: RequestResource[] } {
    if (sessionId !== undefined) this.getSession(sessionId);
    return { requests: this.#turns.requests.list(sessionId, status, after) };
  }

  /** @throws EdgeError `request_not_found`. */
  getRequest(id: string, sessionId?: string): RequestResource {
    return this.#turns.requests.get(id, sessionId);
  }

  /** Answers a request; the first answer counts. @throws EdgeError `request_not_found`, `request_resolved`. */
  answerRequest(
    id: string,
    answer: AnswerRequest,
    { sessionId, once }: { sessionId?: string | undefined; once?: Idempotency | undefined } = {},
  ): Promise<RequestResource> {
    return this.#turns.requests.answer(id, sessionId, answer, once?.key);
  }

  /**
   * Calls a method of the Agent SDK's `Query`. Model and permission mode are the session's from then on.
   * @throws EdgeError `session_not_found`, `control_failed`.
   */
  async control(
    account: string,
    sessionId: string,
    method: ControlMethod,
    args: unknown[],
  ): Promise<unknown> {
    this.#setAccount(account);
    const name = method === "setModel" ? "model" : "permissionMode";
    const isKept = method === "setModel" || method === "setPermissionMode";
    const changed = () => ({ ...this.getSession(sessionId).options, [name]: args[0] ?? undefined });
    assertOptionsFit(changed());
    const result = await this.#turns.control(sessionId, method, args);
    if (isKept) this.#store.setOptions(sessionId, changed());
    return result;
  }

  /** How the account's container is. Starts it only when asked to. @throws EdgeError as starting does. */
  containerStatus(account: string, start: boolean): Promise<ContainerStatus> {
    if (start) this.#setAccount(account);
    return this.#turns.containerStatus(account, start);
  }

  /** What the account has used. @throws EdgeError `invalid_request` for more groups than an answer holds. */
  usage(account: string, query: UsageQuery): UsageReport {
    return this.#store.usage.report(account, query);
  }

  // Tokens.

  /** Writes a token down that is about to be signed. @throws EdgeError `idempotency_conflict`. */
  createToken(account: string, request: CreateTokenRequest, once?: Idempotency): TokenResource {
    const used = this.#keys.useOf(once);
    // What a key made is in `session_id`: a fingerprint holds the path, so it is known what that is the id of.
    const made = used && this.#store.tokens.get(used.session_id, account);
    if (made) return made;
    return this.#store.transaction(() => {
      const token = this.#store.tokens.create(account, request, Date.now());
      if (!used) this.#keys.remember(once, token.id, null);
      return token;
    });
  }

  /** Newest first. */
  listTokens(account: string, cursor: number | undefined, limit: number): TokenList {
    return this.#store.tokens.list(account, cursor, limit);
  }

  /** From here on the token opens nothing, and what is being read with it ends. */
  revokeToken(account: string, id: string): TokenResource {
    this.#store.tokens.revoke(id, Date.now());
    this.#logs.wakeReaders();
    return this.#store.tokens.get(id, account)!;
  }

  // What the account may use.

  limits(account: string): LimitsReport {
    return this.#allowance.report(account);
  }

  /** Sets what is named for this account; what runs goes on. */
  updateLimits(account: string, changes: UpdateLimitsRequest): LimitsReport {
    this.#allowance.update(changes);
    this.#turns.pump();
    return this.limits(account);
  }

  /** Lets a model call through, if there is budget left. @throws EdgeError `budget_spent`. */
  beginModelCall({ session }: { session: string | undefined }): ModelCall {
    return this.#allowance.beginModelCall(session);
  }

  /** Counts a model call; the same one only once. */
  endModelCall(call: ModelCall, model: string, used: ModelUsage): void {
    this.#allowance.endModelCall(call, model, used);
  }

  /** A model call that the model's API refused. */
  failModelCall({ session }: ModelCall): void {
    this.#store.messages.giveBack(session);
  }

  /** For a request that asks nothing of the account: whether it may be made at all is seen by {@link forCaller}. */
  admit(): void {}

  /**
   * Calls a method for a request. @throws EdgeError `unauthorized` for a revoked token, `rate_limited`, and as the
   * method.
   */
  forCaller({ token, isFirst }: CallerCheck, method: AccountMethod, args: unknown[]): unknown {
    if (token !== undefined && this.#store.tokens.isRevoked(token)) {
      throw new EdgeError("unauthorized", "The token was revoked.");
    }
    // Whoever raises a limit is not held up by it.
    const raises = token === undefined && (method === "limits" || method === "updateLimits");
    if (isFirst && !raises) this.#allowance.takeRequest();
    const target = isFileMethod(method) ? this.#files : this;
    const methods = target as unknown as Record<string, (...given: unknown[]) => unknown>;
    return methods[method]!(...args);
  }

  #setAccount(account: string): void {
    if (this.#store.accountName === undefined) this.#store.accountName = account;
  }

  #insertSession(
    account: string,
    request: CreateSessionRequest,
    forkedFrom?: SessionResource["forked_from"],
  ): string {
    const { title, tags = [], options = {}, on_container_lost = "fail" } = request;
    const { approval_timeout_ms: approvalTimeoutMs } = request;
    assertOptionsFit(options);
    const id = request.id ?? this.#spareFor(account, options) ?? crypto.randomUUID();
    if (this.#store.hasSession(id)) {
      throw new EdgeError("session_exists", `Session ${id} exists already.`);
    }
    this.#allowance.assertSession();
    const container = containerName(this.env, account, id);
    const onContainerLost = on_container_lost;
    const session = { id, title, tags, options, onContainerLost, approvalTimeoutMs, container };
    this.#store.insertSession({ ...session, ...(forkedFrom ? { forkedFrom } : {}) }, Date.now());
    return id;
  }

  /** The id of a session whose process is ready in the account's container. */
  #spareFor(account: string, options: SessionOptions): string | undefined {
    return fitsSpare(options)
      ? this.#store.containers.takeSpare(account, asks(options))
      : undefined;
  }

  /** Writes a turn down with its first event, in one transaction, and sets it going. */
  #accept(input: NewTurn, once: Idempotency | undefined, session: () => string): AcceptedTurn {
    this.#allowance.assertTurn();
    const turn = input.id ?? crypto.randomUUID();
    const accepted = this.#store.transaction(() => {
      const id = session();
      if (this.getSession(id).title === null) this.#store.setTitle(id, titleOf(input.prompt));
      this.#store.insertTurn(turn, id, input, Date.now());
      this.#keys.remember(once, id, turn);
      const queued = {
        session_id: id,
        status: "queued",
        prompt: input.prompt,
        ...(input.attachments ? { attachments: input.attachments } : {}),
      };
      const seq = this.#logs.emitOwn(id, turn, "turn", queued);
      this.#store.setFirstSeq(turn, seq);
      return { turn: this.getTurn(id, turn), after: seq - 1 };
    });
    this.#turns.pump();
    return accepted;
  }
}
