import { DurableObject } from "cloudflare:workers";

import {
  EdgeError,
  isFinal,
  type ControlMethod,
  type CreateSessionRequest,
  type EdgeEvent,
  type ForkSessionRequest,
  type NetworkUseList,
  type RequestResource,
  type RequestStatus,
  type Rewound,
  type SessionOptions,
  type SessionResource,
  type TurnList,
  type TurnResource,
  type TurnTrace,
  type UpdateSessionRequest,
} from "@claude-edge/protocol";
import { noConversation } from "@claude-edge/protocol/internal";

import type { NetworkQuestion, NetworkReply } from "../egress/question.js";
import type { HostTraffic } from "../egress/traffic.js";
import type { CallTiming, ModelCall } from "../egress/model-call.js";
import { containerStub } from "../container/runner-client.js";
import type { Env } from "../env.js";
import { configureLog, logger } from "../logger.js";
import { methodNamed } from "../object-fault.js";
import { accountOf, homeOf, withStandIn } from "../settings.js";
import type { Actor, CallerCheck, Idempotency } from "./account-port.js";
import { audit, auditChange, exported } from "./audit.js";
import { accountPort } from "./account-link.js";
import type {
  AcceptedTurn,
  Answering,
  CreatedSession,
  EventsCall,
  KnownTurn,
  ReaderToken,
  TurnCall,
} from "./calls.js";
import { callControl } from "./control.js";
import type { NewMessage } from "./ephemeral-table.js";
import { exportSession, exportTranscript, readerCheck } from "./export.js";
import { exportFork, forkPoint } from "./fork.js";
import { ModelCalls } from "./model-calls.js";
import { askNetwork } from "./network-question.js";
import { Beginning } from "./beginning.js";
import { Deletion } from "./deletion.js";
import { SessionParts } from "./parts.js";
import { redactAnswer, restoreArgs, restoreOptions } from "./redact.js";
import { rewind } from "./rewind.js";
import { splitSecrets } from "./option-secrets.js";
import type { SessionOptionsTable } from "./session-options.js";
import { SessionSecrets } from "./session-secrets.js";
import { assertOptions, assertOptionsFit } from "./session-form.js";
import { addTraffic } from "./traffic.js";

/** An erasure waits this long for a running turn's log to be read again, milliseconds: its container may be gone. */
const REPLAY_MS = 5_000;

/** An alarm that fails goes on after this, milliseconds. */
const ALARM_RETRY_MS = 30_000;

/**
 * A session: its turns, events, transcript, requests and files, in SQLite. It follows the log of its container's runner
 * and stores it. It asks the account for slots, and reports what the account lists and counts.
 */
export class SessionDO extends DurableObject<Env> {
  #parts: SessionParts;
  /** Tokens that were revoked since this object was loaded. Streams that use them end. */
  readonly #revoked = new Set<string>();
  readonly #modelCalls: ModelCalls;
  readonly #beginning: Beginning;
  readonly #deletion: Deletion;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, configureLog(env));
    this.#parts = new SessionParts(ctx, env);
    this.#parts.resume();
    const host = {
      parts: () => this.#parts,
      clear: () => this.#clear(),
      wakeIn: (ms: number) => ctx.storage.setAlarm(Date.now() + ms),
    };
    this.#modelCalls = new ModelCalls(env, {
      parts: () => this.#parts,
      names: () => this.#names(),
    });
    this.#deletion = new Deletion(env, host);
    this.#beginning = new Beginning(env, {
      ...host,
      names: () => this.#names(),
      finishDeletion: () => this.#deletion.finish(),
      waitUntil: (work) => ctx.waitUntil(work),
    });
  }

  override async alarm(): Promise<void> {
    try {
      await this.#onAlarm();
    } catch (error) {
      // The platform would try six times, and never again.
      logger.error("alarm of the session failed", { ...this.#subject(), error });
      await this.ctx.storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }

  async #onAlarm(): Promise<void> {
    const { store } = this.#parts;
    if (store.isDeleting || this.#isDue(Date.now())) {
      // A deletion that could not be finished has set the next alarm.
      await this.remove(!store.isDeleting && !store.isEphemeral).catch((error: unknown) => {
        logger.error("session not deleted", { ...this.#subject(), error });
      });
      return;
    }
    if (!store.exists) return this.#beginning.clearUnmade();
    return this.#parts.onAlarm();
  }

  /** Whether the session is to be deleted by itself. Not while a prompt for it is being admitted. */
  #isDue(now: number): boolean {
    if (!this.#parts.store.exists || this.#beginning.isAdmitting) return false;
    return this.#parts.isAbandoned(now) || this.#parts.isExpired(now);
  }

  // Creation.

  /** @throws EdgeError `session_exists`, `idempotency_conflict`, and as the account's admission. */
  create(
    check: CallerCheck,
    request: CreateSessionRequest,
    idempotency?: Idempotency,
  ): Promise<CreatedSession> {
    return this.#beginning.create(check, request, idempotency);
  }

  /** Creates the session as a copy of another. @throws EdgeError `session_exists`, and the error that broke the copy. */
  beginFork(
    stream: ReadableStream<Uint8Array>,
    idempotency?: Idempotency,
  ): Promise<SessionResource> {
    return this.#beginning.fork(stream, idempotency);
  }

  /** Creates an ephemeral session of one turn for a request of the Messages API. @throws EdgeError as {@link createTurn}. */
  createMessage(check: CallerCheck, message: NewMessage): Promise<AcceptedTurn> {
    return this.#beginning.message(check, message);
  }

  /**
   * Accepts a prompt, and creates the session if the call says so.
   * @throws EdgeError `session_not_found`, `session_exists`, `queue_full`, `budget_spent`, `idempotency_conflict`, …
   */
  createTurn(call: TurnCall): Promise<AcceptedTurn | KnownTurn> {
    return this.#beginning.turn(call);
  }

  /**
   * Asserts that the session can be forked as requested.
   * @throws EdgeError `session_not_found`, `message_not_found`, `turn_not_found`, `turn_running`.
   */
  assertForkable(request: ForkSessionRequest): SessionResource {
    const { store, files } = this.#existing();
    forkPoint(store, files.stored, request);
    return store.resource();
  }

  /**
   * Exports the session for the {@link beginFork} of its fork.
   * @throws EdgeError `session_not_found`, `message_not_found`, `turn_not_found`, `turn_running`.
   */
  exportFork(request: ForkSessionRequest, to: string): ReadableStream<Uint8Array> {
    const { store, files } = this.#existing();
    const point = forkPoint(store, files.stored, request);
    return exportFork(store, files.stored, point, to, request.title);
  }

  // The session.

  /** @throws EdgeError `session_not_found`. */
  get(): SessionResource {
    return this.#existing().store.resource();
  }

  /** Replaces the given fields. Options apply from the next turn on. @throws EdgeError `session_not_found`, `invalid_request`. */
  async update(request: UpdateSessionRequest, actor?: Actor): Promise<SessionResource> {
    const { title, tags, approval_timeout_ms, expires_in } = request;
    const { store: before } = this.#existing();
    const options = request.options && (await this.#updateOptions(request.options, before.options));
    const { store, link } = this.#existing();
    store.transaction(() => {
      if (title !== undefined) store.setTitle(title);
      if (tags !== undefined) store.setTags(tags);
      if (options !== undefined) store.options.set(options);
      if (approval_timeout_ms !== undefined) store.setApprovalTimeout(approval_timeout_ms);
      if (expires_in !== undefined) store.setExpiresIn(expires_in, Date.now());
      auditChange(store, actor, request);
      store.publish();
    });
    await link.deliver();
    return this.get();
  }

  /** Options as they are stored, with the secrets in them handed over. @throws EdgeError as {@link update}. */
  async #updateOptions(given: SessionOptions, table: SessionOptionsTable): Promise<SessionOptions> {
    const stored = table.get();
    const restored = restoreOptions(given, stored);
    const split = splitSecrets(this.#names().id, restored, { stored });
    assertOptions(this.env, split.options);
    // A turn that runs goes on with the options of before.
    await this.#secrets.change(split, "mcp", [stored, split.options]);
    return split.options;
  }

  get #secrets(): SessionSecrets {
    const { account, id } = this.#names();
    return new SessionSecrets(this.env, account, id);
  }

  /**
   * Deletes the session with all its data and stops its process. If this fails, the session is gone all the same, and
   * the alarm deletes what is left. @throws EdgeError `session_not_found`.
   */
  async remove(isExpired = false, actor?: Actor): Promise<void> {
    const { store } = this.#parts;
    if (!store.isDeleting) await this.#existing().log.whenReplayed();
    if (!store.isDeleting) {
      this.#existing();
      this.#deletion.begin("The session was deleted.", { by: actor, isExpired });
    }
    await this.#deletion.finish();
  }

  /**
   * Deletes everything for the erasure of the account, what a creation that was cut off left too. Readers see running turns
   * end as `interrupted`. Safe to repeat.
   */
  erase(): Promise<void> {
    return this.#beginning.exclusively(async () => {
      const { store, log, runnerLog, link, files } = this.#parts;
      // One that has begun is the quicker way, and what it leaves is deleted here.
      if (store.isDeleting) await this.#deletion.finish().catch(() => {});
      if (store.exists) {
        await Promise.race([log.whenReplayed(), scheduler.wait(REPLAY_MS)]);
        if (log.isHeld) store.isDeleting = true;
        else this.#deletion.begin("The account was deleted.");
      }
      if (store.isDeleting) {
        const { folder } = files.stored;
        await log.drain();
        runnerLog.stop();
        const home = homeOf(store.container);
        const own = home === this.ctx.id.name ? withStandIn(home) : [];
        for (const name of own) await containerStub(this.env, name).erase();
        await link.settled();
        // By this the account knows that it has files in R2.
        if (folder !== undefined) await link.port.releaseFolder(folder);
      }
      await this.#clear();
    });
  }

  /**
   * Rewinds to the end of a turn, or to the beginning: the agent forgets what came after it, and the files are restored.
   * To the number of a checkpoint: the files alone. Events stay in the log.
   * @throws EdgeError `session_not_found`, `turn_not_found`, `turn_running`, `workspace_unavailable`.
   */
  async rewind(point: string | number | null, idempotency?: Idempotency): Promise<Rewound> {
    const parts = this.#existing();
    const { store, files } = parts;
    if (store.keys.isUsed(idempotency)) {
      const { checkpoint } = files.stored.checkpoints.stateAt();
      return { turn_id: typeof point === "number" ? null : point, checkpoint, changed: 0 };
    }
    return rewind(parts, point, () => store.keys.remember(idempotency, Date.now()));
  }

  /**
   * Exports the session as a tar of its state now. The stream errors when the session is deleted, or when the reader's
   * token is revoked or expires. @throws EdgeError `session_not_found`.
   */
  export(token?: ReaderToken, actor?: Actor): ReadableStream<Uint8Array> {
    return exportSession(this.#exported("session", actor), this.#assertReadable(token));
  }

  /** Exports the transcript of its state now. The stream errors as that of {@link export}. @throws EdgeError `session_not_found`. */
  exportTranscript(token?: ReaderToken, actor?: Actor): ReadableStream<Uint8Array> {
    return exportTranscript(this.#exported("transcript", actor), this.#assertReadable(token));
  }

  /** The parts of the session, of which something is about to go out. */
  #exported(what: "session" | "transcript", actor: Actor | undefined): SessionParts {
    const parts = this.#existing();
    const { store } = parts;
    store.transaction(() => audit(store, actor, exported(store.id, what)));
    return parts;
  }

  readonly #assertReadable = (token?: ReaderToken) =>
    readerCheck(this.#parts.store, () => this.#isBarred(token));

  // The network.

  /** Counts traffic of the session's container; `turn`: the running one, empty for none. */
  addTraffic(turn: string, traffic: HostTraffic[]): void {
    if (this.#parts.store.exists) addTraffic(this.#parts, turn, traffic);
  }

  /** Asks about a host that a program of the running turn wants to reach: once a turn. */
  askNetwork(turn: string, question: NetworkQuestion): NetworkReply {
    const reply = this.#parts.store.exists ? askNetwork(this.#parts, turn, question) : undefined;
    if (reply?.status === "pending") this.ctx.waitUntil(this.#parts.arm());
    return reply ?? { status: "unasked" };
  }

  /** What the session's container asked of hosts, by turn. @throws EdgeError `session_not_found`. */
  networkUse(): NetworkUseList {
    return { hosts: this.#existing().store.traffic.list() };
  }

  // Turns and events.

  /** Newest first; `cursor`: the last one of the page before. @throws EdgeError `session_not_found`. */
  listTurns(cursor: number | undefined, limit: number): TurnList {
    return this.#existing().store.listTurns(cursor, limit);
  }

  /** @throws EdgeError `session_not_found`, `turn_not_found`. */
  getTurn(id: string): TurnResource {
    const { store } = this.#existing();
    const turn = store.turnResource(id);
    if (turn) return turn;
    throw new EdgeError("turn_not_found", `There is no turn ${id} in session ${store.id}.`);
  }

  /** Where the time of a turn went. @throws EdgeError as {@link getTurn}. */
  getTrace(id: string): TurnTrace {
    this.getTurn(id);
    return this.#parts.store.traceOf(id);
  }

  /** Resolves when the turn has ended or waits for an answer. @throws EdgeError as {@link getTurn}. */
  async waitForTurn(id: string): Promise<TurnResource> {
    this.getTurn(id);
    const { store, log } = this.#parts;
    await log.whenSettled(id);
    // A deletion ends its turns, and is heard of before they are gone.
    return (store.isDeleting && store.turnResource(id)) || this.getTurn(id);
  }

  /** Streams events as an SSE body; with `turn`, only those of that turn up to its end. @throws EdgeError as {@link getTurn}. */
  events(after: number, { turn, callbacks, token }: EventsCall = {}): ReadableStream<Uint8Array> {
    const { log } = this.#existing();
    if (turn !== undefined) this.getTurn(turn);
    return log.stream(after, { turn, callbacks, isBarred: () => this.#isBarred(token) });
  }

  #isBarred(token: ReaderToken | undefined): boolean {
    if (token === undefined) return false;
    return Date.now() >= (token.expiresAt ?? Infinity) || this.#revoked.has(token.id);
  }

  /** Lists a page of events. @throws EdgeError `session_not_found`. */
  async listEvents(after: number): Promise<{ events: EdgeEvent[]; last_seq: number }> {
    const { log } = this.#existing();
    const events = await log.list(after);
    return { events, last_seq: log.lastSeq };
  }

  /** Interrupts all open turns, or one. Returns their ids. @throws EdgeError `session_not_found`. */
  async interrupt(turn?: string): Promise<string[]> {
    const { log, store, turns } = this.#existing();
    await log.whenReplayed();
    const open = store.standaloneTurns().filter(({ id }) => turn === undefined || id === turn);
    // Queued turns first: otherwise the end of the running turn would start the next one.
    const stopped = new Set<string>();
    if (open.length === 0) await turns.interruptBackground(turn);
    for (const row of open.toReversed()) if (await turns.interrupt(row)) stopped.add(row.id);
    return open.map(({ id }) => id).filter((id) => stopped.has(id));
  }

  /**
   * Calls a method of the Agent SDK's `Query`. A new model or permission mode also becomes the session's option.
   * @throws EdgeError `session_not_found`, `control_failed`.
   */
  async control(method: ControlMethod, args: unknown[]): Promise<unknown> {
    const parts = this.#existing();
    const { store } = parts;
    const before = store.options.get();
    assertOptionsFit({ ...before, model: args[0] as string });
    const restored = restoreArgs(method, args, before);
    const result = await callControl(parts, method, await this.#withoutSecrets(method, restored));
    this.#existing();
    store.transaction(() => {
      store.options.applyControl(before, method, args, result);
      store.publish();
    });
    return redactAnswer(result);
  }

  /** The arguments of `setMcpServers` with placeholders in the place of credentials. */
  async #withoutSecrets(method: ControlMethod, args: unknown[]): Promise<unknown[]> {
    const [mcpServers, ...rest] = args;
    if (method !== "setMcpServers") return args;
    const given = { mcpServers } as SessionOptions;
    const split = splitSecrets(this.#names().id, given, { prefix: "live" });
    await this.#secrets.change(split, "live", [split.options]);
    return [split.options.mcpServers, ...rest];
  }

  // Requests.

  /** Oldest first. @throws EdgeError `session_not_found`, `request_not_found` for a cursor. */
  listRequests(
    status: RequestStatus | undefined,
    after: string | undefined,
  ): { requests: RequestResource[] } {
    return { requests: this.#existing().requests.list(status, after) };
  }

  /** Returns the requests with these ids that exist in this session. */
  findRequests(ids: string[]): RequestResource[] {
    const { store, requests } = this.#parts;
    if (!store.exists) return [];
    return ids.filter((id) => store.requests.get(id)).map((id) => requests.get(id));
  }

  /** @throws EdgeError `request_not_found`. */
  getRequest(id: string): RequestResource {
    return this.#partsFor(id).requests.get(id);
  }

  /** Answers a request. The first answer wins. @throws EdgeError `request_not_found`, `request_resolved`, `forbidden`. */
  async answerRequest(
    id: string,
    answer: Answering,
    idempotency?: Idempotency,
    actor?: Actor,
  ): Promise<RequestResource> {
    const { requests, link } = this.#partsFor(id);
    const answered = await requests.answer(id, answer, idempotency?.key, actor);
    await link.deliver();
    return answered;
  }

  // Files.

  /** Calls a method of the session's files. @throws EdgeError `session_not_found`, and as the method. */
  file(method: string, args: unknown[]): unknown {
    return methodNamed(this.#existing().files, method)(...args);
  }

  // Calls from the account.

  /** Gives a turn its slot. False when there is no such turn to run. */
  grantTurn(turn: string): boolean {
    const { store, turns } = this.#parts;
    const isStored = store.exists && store.turn(turn) !== undefined;
    if (!isStored && this.#beginning.noteSlot(turn)) return true;
    const isGranted = store.exists && turns.grant(turn);
    if (isGranted) this.ctx.waitUntil(this.#parts.arm());
    return isGranted;
  }

  /** Returns the turns with these ids that are open. */
  openTurnsOf(turns: string[]): string[] {
    const { store } = this.#parts;
    if (!store.exists) return [];
    return turns.filter((id) => {
      const row = store.turn(id);
      return row !== undefined && !isFinal(row.status);
    });
  }

  /** Ends all streams that were opened with the token. */
  revokeToken(token: string): void {
    this.#revoked.add(token);
    this.#parts.log.wake();
  }

  /** Whether the session exists or is being created: a copy may take long. */
  exists(): boolean {
    return this.#parts.store.exists || this.#beginning.isBusy;
  }

  // Calls from the container.

  /** Stores the container's changes before it goes to sleep. False when that failed for now. */
  async storeFiles(boot: string): Promise<boolean> {
    const { store, workspace } = this.#parts;
    if (!store.exists || store.followed?.boot !== boot) return true;
    return workspace.takeCheckpoint("sleep");
  }

  // Calls from the gateway.

  /** Passes spans of the session's process on to the collector. Gives the status to answer it with. */
  async relaySpans(spans: unknown[]): Promise<number> {
    const { store, processSpans } = this.#parts;
    return store.exists ? processSpans.relay(store.account, spans) : 404;
  }

  /** Admits a model call if there is budget left. @throws EdgeError `budget_spent`, `model_error`. */
  beginModelCall(): Promise<ModelCall> {
    return this.#modelCalls.begin();
  }

  /** Counts a model call once. */
  endModelCall(...call: Parameters<ModelCalls["end"]>): Promise<void> {
    return this.#modelCalls.end(...call);
  }

  /** The model API refused a call, with this status. */
  failModelCall(call?: ModelCall, status?: number, timing?: CallTiming): void {
    this.#modelCalls.fail(call, status, timing);
  }

  /** Ends the lease: the account is asked before the next model call. */
  endBudgetLease(): void {
    this.#modelCalls.endLease();
  }

  /** @throws EdgeError `request_not_found` when the session does not exist. */
  #partsFor(request: string): SessionParts {
    if (this.#parts.store.exists) return this.#parts;
    const message = `There is no request ${request} in session ${this.#names().id}.`;
    throw new EdgeError("request_not_found", message);
  }

  /** @throws EdgeError `session_not_found`. */
  #existing(): SessionParts {
    if (this.#parts.store.exists) return this.#parts;
    throw new EdgeError("session_not_found", noConversation(this.#names().id));
  }

  #subject(): { account: string; session: string } {
    const { account, id } = this.#names();
    return { account, session: id };
  }

  /** The ids of the session and its account, from the object's name. */
  #names(): { id: string; account: string } {
    const name = this.ctx.id.name ?? "";
    const account = accountOf(name);
    return { account, id: name.slice(account.length + 1) };
  }

  /**
   * Clears the storage, including leftovers of an interrupted creation. @throws Error when the account cannot be reached:
   * what is left refers to packs, which it is told.
   */
  async #clear(): Promise<void> {
    const { store, files } = this.#parts;
    if (store.isEmpty) return;
    files.stored.blobs.close();
    const { folder } = files.stored;
    // A session that is deleted has released it.
    if (folder !== undefined && !store.isDeleting) {
      await accountPort(this.env, this.#names().account).releaseFolder(folder);
    }
    await store.clear();
    this.#parts = new SessionParts(this.ctx, this.env);
  }
}
