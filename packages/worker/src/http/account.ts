import {
  EdgeError,
  type AccountResource,
  type ContainerStatus,
  type ControlMethod,
  type CreateSessionRequest,
  type CreateTurnRequest,
  type EdgeEvent,
  type ErrorCode,
  type ForkSessionRequest,
  type NetworkUseList,
  type QueryRequest,
  type RequestResource,
  type RequestStatus,
  type RewindSessionRequest,
  type Rewound,
  type SessionList,
  type SessionOptions,
  type SessionResource,
  type TurnList,
  type TurnResource,
  type TurnTrace,
  type UpdateSessionRequest,
} from "@claude-edge/protocol";
import { noConversation } from "@claude-edge/protocol/internal";
import { sessionOfRequest } from "@claude-edge/protocol/runner";

import type { AccountDO } from "../account/account-do.js";
import type { SessionFilter } from "../account/directory.js";
import { READER_HEADER, type FeedReader } from "../account/feed-readers.js";
import { containerStub, type ContainerStub } from "../container/runner-client.js";
import type { CallCounter } from "../egress/model-call.js";
import type { Env } from "../env.js";
import type { Files } from "../files/files.js";
import type { BorrowedFiles } from "../files/store-attachments.js";
import type { Actor, CallerCheck, Idempotency } from "../session/account-port.js";
import type {
  AcceptedTurn,
  Answering,
  CreatedSession,
  EventsCall,
  KnownTurn,
  ReaderToken,
  TurnCall,
} from "../session/calls.js";
import type { NewMessage } from "../session/ephemeral-table.js";
import { objectNamed } from "../objects.js";
import type { SessionDO } from "../session/session-do.js";
import { discard } from "./discard.js";
import { foundRequests } from "./found-requests.js";
import type { AccountToken } from "./token.js";
import { containerName, isShared, OTHER_CONTAINERS, ownerOf, sessionName } from "../settings.js";
import { withNewSessionId } from "./new-session-id.js";
import type { Stub } from "../stub.js";
import { throughResets } from "../through-resets.js";

/** Options of a prompt that are not in its body. */
export interface PromptCall {
  idempotency?: Idempotency | undefined;
  /** The caller's span. */
  traceparent?: string | undefined;
  /** The caller may list the account's sessions. */
  maySeeSessions?: boolean;
  borrowed?: BorrowedFiles | undefined;
}

/** The methods of an account that callers reach without more. */
type AccountMethod =
  | "audit"
  | "beginModelCall"
  | "createToken"
  | "feed"
  | "limits"
  | "listRequests"
  | "listSessions"
  | "listTokens"
  | "network"
  | "revokeToken"
  | "secret"
  | "setNetwork"
  | "updateLimits"
  | "webhook"
  | "usage";

/** The methods of a session's files. */
type FileCall<Method extends keyof Files> = Files[Method] extends (
  ...args: infer Args
) => infer Result
  ? (session: string, ...args: Args) => Promise<Awaited<Result>>
  : never;

/**
 * An account and its sessions for one HTTP request. The first call also checks the caller: before a write, concurrently
 * with a read.
 */
export class Account {
  readonly #env: Env;
  readonly #name: string;
  readonly #check: CallerCheck;
  readonly #requestId: string | undefined;
  readonly #receivedAt = Date.now();
  /** Who the audit log says it was; the deployment itself if undefined. */
  #actor: Actor | undefined;

  /**
   * @param token The caller's token; undefined for the root key.
   * @param requestId The id of the request, which the turns that it makes keep.
   */
  constructor(
    env: Env,
    name: string,
    token?: Pick<AccountToken, "id" | "issuedAt">,
    requestId?: string,
  ) {
    this.#env = env;
    this.#name = name;
    this.#requestId = requestId;
    this.#check = { token: token?.id, issuedAt: token?.issuedAt, requestId, isFirst: true };
    this.#actor = { token: token?.id, requestId };
  }

  /** Disables the check of the caller, for the deployment's own work. */
  asDeployment(): this {
    this.#check.isFirst = false;
    this.#actor = undefined;
    return this;
  }

  /** Checks the caller of a request that makes no other call. @throws EdgeError `unauthorized`, `rate_limited`. */
  async admit(): Promise<void> {
    await this.#account.admit(this.#takeCheck());
  }

  // Sessions.

  /** @throws EdgeError `session_exists`, `too_many_sessions`, `idempotency_conflict`. */
  async createSession(
    request: CreateSessionRequest,
    idempotency?: Idempotency,
  ): Promise<SessionResource> {
    const { id, ...create } = request;
    const make = (session: string) => this.#create(session, create, idempotency);
    if (id !== undefined) return make(id);
    const options = create.options ?? {};
    return withNewSessionId(this.#sparesFor(options), options, make, (made) => made.id);
  }

  async #create(
    id: string,
    create: Omit<CreateSessionRequest, "id">,
    idempotency: Idempotency | undefined,
  ): Promise<SessionResource> {
    const check = this.#takeCheck();
    for (let session = id; ;) {
      const created: CreatedSession = await this.#session(session).create(
        check,
        create,
        idempotency,
      );
      if ("session" in created) return created.session;
      // The key was used for another session. Repeat the call there: the creation may have been cut off.
      if (created.known === session) throw new EdgeError("internal", "The session is lost.");
      session = created.known;
      check.isFirst = false;
    }
  }

  getSession(id: string): Promise<SessionResource> {
    return this.#read(() => this.#session(id).get());
  }

  listSessions(
    cursor: string | undefined,
    limit: number,
    filter: SessionFilter = {},
  ): Promise<SessionList> {
    return this.call("listSessions", cursor, limit, filter);
  }

  updateSession(id: string, request: UpdateSessionRequest): Promise<SessionResource> {
    return this.#write(() => this.#session(id).update(request, this.#actor));
  }

  deleteSession(id: string): Promise<void> {
    return this.#write(() => this.#session(id).remove(false, this.#actor));
  }

  /**
   * Forks a session: the new one has its conversation up to a message, a turn or the end, and its files as of then.
   * @throws EdgeError `session_not_found`, `session_exists`, `message_not_found`, `turn_not_found`, `turn_running`.
   */
  async forkSession(
    from: string,
    { id = crypto.randomUUID(), ...request }: ForkSessionRequest,
    idempotency?: Idempotency,
  ): Promise<SessionResource> {
    const origin = await this.#write(() => this.#session(from).assertForkable(request));
    const listed = { ...origin, id, title: request.title ?? origin.title, last_seq: 0 };
    const admitted = await this.#account.admitFork(listed, idempotency);
    try {
      await this.#account.secret("copy", [from, admitted]);
      const copy = await this.#session(from).exportFork(request, admitted);
      return await this.#session(admitted).beginFork(copy, idempotency);
    } catch (error) {
      const exists = await this.#session(admitted).exists();
      if (!exists) await this.#account.removeUnmade(admitted);
      if (await this.#session(from).exists()) throw error;
      throw new EdgeError("session_not_found", noConversation(from), undefined, error);
    }
  }

  /** A session as a tar. @throws EdgeError `session_not_found`. */
  exportSession(id: string, token?: ReaderToken): Promise<ReadableStream<Uint8Array>> {
    return this.#readAudited(() => this.#session(id).export(token, this.#actor), id);
  }

  /** A session's transcript as NDJSON. @throws EdgeError `session_not_found`. */
  exportTranscript(id: string, token?: ReaderToken): Promise<ReadableStream<Uint8Array>> {
    return this.#readAudited(() => this.#session(id).exportTranscript(token, this.#actor), id);
  }

  rewindSession(
    id: string,
    { turn_id: turn = null, checkpoint }: RewindSessionRequest,
    idempotency?: Idempotency,
  ): Promise<Rewound> {
    return this.#write(() => this.#session(id).rewind(checkpoint ?? turn, idempotency));
  }

  control(id: string, method: ControlMethod, args: unknown[]): Promise<unknown> {
    return this.#write(() => this.#session(id).control(method, args));
  }

  // Turns.

  /** Runs one prompt in a new session. @throws EdgeError as {@link createSession} and {@link createTurn}. */
  async query(request: QueryRequest, call: PromptCall = {}): Promise<AcceptedTurn> {
    const { prompt, attachments, session_id: id, accountId: _account, ...create } = request;
    const turn = { turn: crypto.randomUUID(), prompt, attachments, create };
    const make = (session: string) => this.#accept(session, turn, call);
    if (id !== undefined) return make(id);
    const options = create.options ?? {};
    return withNewSessionId(
      this.#sparesFor(options),
      options,
      make,
      (made) => made.turn.session_id,
    );
  }

  /** @throws EdgeError `session_not_found`, `queue_full`, `idempotency_conflict`. */
  createTurn(
    session: string,
    { id, accountId: _account, ...prompt }: CreateTurnRequest,
    call: PromptCall = {},
  ): Promise<AcceptedTurn> {
    const turn = id ?? crypto.randomUUID();
    return this.#accept(session, { turn, isChosen: id !== undefined, ...prompt }, call);
  }

  async #accept(
    session: string,
    turn: Omit<TurnCall, "check">,
    call: PromptCall,
  ): Promise<AcceptedTurn> {
    const from = { requestId: this.#requestId, receivedAt: this.#receivedAt };
    const turnCall: TurnCall = { ...turn, ...call, ...from, check: this.#takeCheck() };
    const create = () => this.#session(session).createTurn(turnCall);
    // An id that the caller chose must be new: the session could not tell a repeated call from another one.
    const isRepeatable =
      !turn.isChosen || turn.priority !== undefined || call.idempotency !== undefined;
    const accepted = await (isRepeatable ? throughResets(create) : create());
    if (!isKnown(accepted)) return accepted;
    // The key was used for another turn. Repeat the call there: it may have been cut off.
    const { known } = accepted;
    const again = { ...turnCall, turn: known.turn, check: { ...turnCall.check, isFirst: false } };
    const made = await throughResets(() => this.#session(known.session).createTurn(again));
    if (!isKnown(made)) return made;
    throw new EdgeError("internal", "The turn is lost.");
  }

  /** Creates an ephemeral session for a request of the Messages API. Delete it after the answer. @throws EdgeError `queue_full`, `budget_spent`. */
  createMessage(message: NewMessage): Promise<AcceptedTurn> {
    const requestId = this.#requestId;
    return this.#session(message.session).createMessage(this.#takeCheck(), {
      ...message,
      requestId,
    });
  }

  networkUse(session: string): Promise<NetworkUseList> {
    return this.#read(() => this.#session(session).networkUse());
  }

  listTurns(session: string, cursor: number | undefined, limit: number): Promise<TurnList> {
    return this.#read(() => this.#session(session).listTurns(cursor, limit));
  }

  getTurn(session: string, id: string): Promise<TurnResource> {
    return this.#read(() => this.#session(session).getTurn(id));
  }

  getTrace(session: string, id: string): Promise<TurnTrace> {
    return this.#read(() => this.#session(session).getTrace(id));
  }

  waitForTurn(session: string, id: string): Promise<TurnResource> {
    return this.#read(() => this.#session(session).waitForTurn(id));
  }

  events(
    session: string,
    after: number,
    call: EventsCall = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return this.#read(() => this.#session(session).events(after, call), session);
  }

  listEvents(session: string, after: number): Promise<{ events: EdgeEvent[]; last_seq: number }> {
    return this.#read(() => this.#session(session).listEvents(after));
  }

  interrupt(session: string, turn?: string): Promise<string[]> {
    return this.#write(() => this.#session(session).interrupt(turn));
  }

  // Requests.

  /** The requests of the account, or of one session. Oldest first. */
  async listRequests({
    sessionId,
    status,
    after,
  }: {
    sessionId?: string | undefined;
    status?: RequestStatus | undefined;
    after?: string | undefined;
  }): Promise<{ requests: RequestResource[] }> {
    if (sessionId !== undefined) {
      return this.#read(() => this.#session(sessionId).listRequests(status, after));
    }
    const found = await this.call("listRequests", status, after);
    const find = (session: string, ids: string[]) => this.#session(session).findRequests(ids);
    return { requests: await foundRequests(found, find) };
  }

  getRequest(id: string, sessionId?: string): Promise<RequestResource> {
    return this.#read(async () => this.#sessionOf(id, sessionId).getRequest(id));
  }

  answerRequest(
    id: string,
    answer: Answering,
    {
      sessionId,
      idempotency,
    }: { sessionId?: string | undefined; idempotency?: Idempotency | undefined } = {},
  ): Promise<RequestResource> {
    return this.#write(async () =>
      this.#sessionOf(id, sessionId).answerRequest(id, answer, idempotency, this.#actor),
    );
  }

  // Files.

  readonly listFiles: FileCall<"listFiles"> = (id, ...args) => this.#file(id, "listFiles", args);
  readonly statFile: FileCall<"statFile"> = (id, ...args) => this.#file(id, "statFile", args);
  readonly openFile: FileCall<"openFile"> = (id, ...args) => this.#file(id, "openFile", args);
  readonly tarFiles: FileCall<"tarFiles"> = (id, ...args) => this.#file(id, "tarFiles", args);
  readonly diffFiles: FileCall<"diffFiles"> = (id, ...args) => this.#file(id, "diffFiles", args);
  readonly listCheckpoints: FileCall<"listCheckpoints"> = (id, ...args) =>
    this.#file(id, "listCheckpoints", args);
  readonly putFile: FileCall<"putFile"> = (id, ...args) => this.#change(id, "putFile", args);
  readonly deleteFile: FileCall<"deleteFile"> = (id, ...args) =>
    this.#change(id, "deleteFile", args);
  readonly putTar: FileCall<"putTar"> = (id, ...args) => this.#change(id, "putTar", args);

  #file<Result>(session: string, method: keyof Files, args: unknown[]): Promise<Result> {
    return this.#read(() => this.#session(session).file(method, args)) as Promise<Result>;
  }

  #change<Result>(session: string, method: keyof Files, args: unknown[]): Promise<Result> {
    return this.#write(() => this.#session(session).file(method, args)) as Promise<Result>;
  }

  // The account.

  /** The status of the account's container; with one container per session, that of the newest session. */
  async containerStatus(start: boolean): Promise<ContainerStatus> {
    const newest = isShared(this.#env)
      ? await this.admit()
      : (await this.listSessions(undefined, 1)).sessions[0];
    const container = containerName(this.#env, this.#name, newest?.id ?? OTHER_CONTAINERS.status);
    return containerStub(this.#env, container).status(this.#name, start);
  }

  /** Calls a method of the account, which checks the caller in the same call. @throws EdgeError as the method. */
  call<Method extends AccountMethod>(
    method: Method,
    ...args: Parameters<AccountDO[Method]>
  ): Promise<Awaited<ReturnType<AccountDO[Method]>>> {
    const check = this.#takeCheck();
    const answer = this.#account.forCaller(check, method, args);
    return answer as Promise<Awaited<ReturnType<AccountDO[Method]>>>;
  }

  /**
   * A WebSocket with the account's feed. `protocol`: the subprotocol that it has. @throws EdgeError `too_many_readers`, and
   * as {@link admit}.
   */
  async feedSocket(reader: FeedReader, protocol: string | undefined): Promise<Response> {
    await this.admit();
    const headers = new Headers({ upgrade: "websocket", [READER_HEADER]: JSON.stringify(reader) });
    if (protocol !== undefined) headers.set("sec-websocket-protocol", protocol);
    const answer = await this.#account.fetch(new Request("https://account/feed", { headers }));
    if (answer.status === 101) return answer;
    const { code, message } = await answer.json<{ code: ErrorCode; message: string }>();
    throw new EdgeError(code, message);
  }

  /** The account as its operator sees it. @throws EdgeError `account_not_found`. */
  describe(): Promise<AccountResource> {
    return this.#account.describe();
  }

  /** Begins to erase the account. @throws EdgeError `account_not_found`. */
  erase(): Promise<AccountResource> {
    return this.#account.erase(this.#actor ?? {});
  }

  /** Counts model calls that belong to no session. Usage counts even if the token was revoked meanwhile. */
  get modelCalls(): CallCounter {
    return {
      beginModelCall: () => this.call("beginModelCall"),
      endModelCall: (call, model, used) => this.#account.endModelCall(call, model, used),
      failModelCall: async () => {},
    };
  }

  // Calls to objects.

  get #account(): Stub<AccountDO> {
    return objectNamed<Stub<AccountDO>>(this.#env, "ACCOUNT", this.#name);
  }

  #session(id: string): Stub<SessionDO> {
    return objectNamed<Stub<SessionDO>>(this.#env, "SESSION", sessionName(this.#name, id));
  }

  /** The session of a request, by the request's id unless the caller names it. @throws EdgeError `request_not_found`. */
  #sessionOf(request: string, named: string | undefined): Stub<SessionDO> {
    const session = named ?? sessionOfRequest(request);
    if (session !== undefined) return this.#session(session);
    throw new EdgeError("request_not_found", `There is no request ${request}.`);
  }

  /**
   * Reads from a session concurrently with the check of the caller. The result is withheld until the check has passed.
   * Both go on over a reset of their object.
   */
  async #read<Value>(read: () => Promise<Value>, reads?: string): Promise<Value> {
    const check = this.#takeCheck();
    const work = () => throughResets(read);
    const needsCheck = check.isFirst || (reads !== undefined && check.token !== undefined);
    if (!needsCheck) return work();
    const value = work();
    value.catch(() => {});
    try {
      await throughResets(() => this.#account.admit(check, reads));
    } catch (error) {
      void value.then(discard, () => {});
      throw error;
    }
    return value;
  }

  /** Reads what the audit log tells of, after the check of the caller: what is refused must not be in it. */
  async #readAudited<Value>(read: () => Promise<Value>, reads: string): Promise<Value> {
    const check = this.#takeCheck();
    await throughResets(() => this.#account.admit(check, reads));
    return throughResets(read);
  }

  /** Writes to a session after the check of the caller. */
  async #write<Value>(work: () => Promise<Value>): Promise<Value> {
    const check = this.#takeCheck();
    if (check.isFirst) await throughResets(() => this.#account.admit(check));
    return work();
  }

  #takeCheck(): CallerCheck {
    const check = { ...this.#check };
    this.#check.isFirst = false;
    return check;
  }

  /** The container whose spares a new session may use; undefined when it will have one of its own. */
  #sparesFor(options: SessionOptions): ContainerStub | undefined {
    const container = containerName(this.#env, this.#name, "new", options);
    return ownerOf(container) === undefined ? containerStub(this.#env, container) : undefined;
  }
}

const isKnown = (answer: AcceptedTurn | KnownTurn): answer is KnownTurn => "known" in answer;
