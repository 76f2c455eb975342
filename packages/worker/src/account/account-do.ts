import { DurableObject } from "cloudflare:workers";

import {
  EdgeError,
  type AccountResource,
  type AuditEntry,
  type CreateTokenRequest,
  type LimitsReport,
  type NetworkReport,
  type RequestStatus,
  type SessionList,
  type SessionResource,
  type SetNetworkRequest,
  type TokenList,
  type TokenResource,
  type UpdateLimitsRequest,
  type UsageReport,
} from "@claude-edge/protocol";

import type { FoundSecrets, SecretQuery } from "../egress/secret-source.js";
import type { ModelCall, ModelUsage } from "../egress/model-call.js";
import type { AccountNetwork } from "../egress/rule-book.js";
import type { NetworkReply } from "../egress/question.js";
import type { HostTraffic } from "../egress/traffic.js";
import type { Env } from "../env.js";
import { configureLog } from "../logger.js";
import type {
  AccountPort,
  Actor,
  BudgetLease,
  CallerCheck,
  Idempotency,
  KeyUse,
  NumberedNotice,
  RefusedNotice,
  SessionAdmission,
  SessionSecretChanges,
  TurnAdmission,
  TurnAdmitted,
} from "../session/account-port.js";
import { methodNamed } from "../object-fault.js";
import { objectNamed, type Served } from "../objects.js";
import { readRetention, sessionName } from "../settings.js";
import { migrate } from "../sql/migrate.js";
import { AccountAlarm } from "./account-alarm.js";
import { AccountSecrets } from "./account-secrets.js";
import { Allowance } from "./allowance.js";
import { ContainerNetwork } from "./container-network.js";
import { Directory, type SessionFilter } from "./directory.js";
import type { FeedReader } from "./feed-readers.js";
import { IdempotencyKeys } from "./idempotency-keys.js";
import { Inbox } from "./inbox.js";
import { Lifecycle } from "./lifecycle.js";
import { ModelCalls } from "./model-calls.js";
import { Network } from "./network.js";
import { Notices } from "./notices.js";
import { OverdueSessions } from "./overdue-sessions.js";
import { Outside } from "./outside.js";
import { PackLedger } from "./pack-ledger.js";
import type { SessionPort } from "./ports.js";
import { RequestIndex, type IndexedRequest } from "./request-index.js";
import { ACCOUNT_SCHEMA } from "./schema.js";
import { SessionAdmissions } from "./session-admissions.js";
import { SlotGranter } from "./slot-granter.js";
import { Slots } from "./slots.js";
import { Spending } from "./spending.js";
import { Tokens } from "./tokens.js";
import { TurnAdmissions } from "./turn-admissions.js";
import { UsageTable, type UsageQuery } from "./usage-table.js";
import type { WebhookMethod } from "./webhooks.js";

/**
 * An account: the directory of its sessions, its tokens and limits, the queue of turns, and usage, in SQLite. Session
 * data is in the sessions' own objects.
 */
export class AccountDO extends DurableObject<Env> implements Served<AccountPort> {
  readonly #name: string = this.ctx.id.name ?? "";
  readonly #directory: Directory;
  readonly #slots: Slots;
  readonly #requests: RequestIndex;
  readonly #inbox: Inbox;
  readonly #outside: Outside;
  readonly #keys: IdempotencyKeys;
  readonly #tokens: Tokens;
  readonly #usage: UsageTable;
  readonly #spending: Spending;
  #allowance: Allowance;
  readonly #admissions: TurnAdmissions;
  readonly #sessions: SessionAdmissions;
  readonly #modelCalls: ModelCalls;
  readonly #network: Network;
  readonly #containers: ContainerNetwork;
  readonly #secrets: AccountSecrets;
  readonly #notices: Notices;
  readonly #granter: SlotGranter;
  readonly #packs: PackLedger;
  readonly #life: Lifecycle;
  readonly #alarm: AccountAlarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, configureLog(env));
    migrate(ctx.storage, ACCOUNT_SCHEMA);
    const { sql } = ctx.storage;
    this.#directory = new Directory(sql);
    this.#outside = new Outside(ctx, env, {
      name: this.#name,
      directory: this.#directory,
      isRevoked: (token) => this.#tokens.isRevoked(token),
      assertServes: () => this.#life.assertServes(),
      beforeAdd: () => this.#beforeAdd(),
      arm: () => this.#arm(),
    });
    const { feed, audit } = this.#outside;
    this.#slots = new Slots(sql, (...moved) => feed.ofTurn(...moved));
    this.#requests = new RequestIndex(sql);
    this.#inbox = new Inbox(sql);
    this.#keys = new IdempotencyKeys(sql);
    this.#usage = new UsageTable(sql);
    this.#spending = new Spending(sql, (before, after) => {
      if (this.#allowance.spends(before, after)) feed.ofBudget();
    });
    const counted = { directory: this.#directory, slots: this.#slots, spending: this.#spending };
    this.#allowance = new Allowance(sql, env, counted);
    this.#network = new Network(sql, env);
    this.#containers = new ContainerNetwork({
      network: this.#network,
      slots: this.#slots,
      requests: this.#requests,
      session: (id) => this.#session(id),
    });
    this.#packs = new PackLedger(ctx.storage, env.FILES, ctx.id.toString(), this.#name);
    this.#notices = new Notices(ctx.storage, {
      ...counted,
      inbox: this.#inbox,
      requests: this.#requests,
      usage: this.#usage,
      packs: this.#packs,
      grants: this.#network.grants,
      feed,
      audit,
    });
    const host = {
      name: this.#name,
      id: ctx.id.toString(),
      keys: this.#keys,
      audit,
      directory: this.#directory,
      session: (id: string) => this.#session(id),
      arm: () => this.#arm(),
      removeSession: (id: string) => this.removeSession(id),
      onErased: () => {
        this.#allowance = new Allowance(sql, env, counted);
        this.#spending.forgetSums();
        this.#outside.forget();
      },
      maxRunning: () => (this.#life.isErasing ? 0 : this.#allowance.limits.max_concurrent_turns),
      waitUntil: (work: Promise<unknown>) => ctx.waitUntil(work),
      onIdle: () => this.#arm(),
      beforeAdd: () => this.#beforeAdd(),
    };
    this.#secrets = new AccountSecrets(ctx.storage, env, host);
    this.#tokens = new Tokens(ctx.storage, host);
    this.#life = new Lifecycle(ctx, env, host);
    const admission = {
      ...host,
      feed,
      allowance: () => this.#allowance,
      touch: () => this.#life.touch(),
    };
    this.#sessions = new SessionAdmissions(ctx.storage, admission);
    this.#admissions = new TurnAdmissions(ctx.storage, {
      ...admission,
      slots: this.#slots,
      usage: this.#usage,
    });
    this.#modelCalls = new ModelCalls(ctx.storage, {
      allowance: () => this.#allowance,
      spending: this.#spending,
      usage: this.#usage,
      life: this.#life,
      touch: () => this.#touch(),
      session: (id) => this.#session(id),
    });
    this.#granter = new SlotGranter(this.#slots, host);
    this.#alarm = new AccountAlarm(ctx.storage, {
      name: this.#name,
      life: this.#life,
      outside: this.#outside,
      granter: this.#granter,
      sessions: this.#sessions,
      tokens: this.#tokens,
      overdue: new OverdueSessions(readRetention(env), host),
      packs: this.#packs,
    });
    this.#granter.tell();
  }

  // Callers.

  /**
   * Checks a caller before a write, or concurrently with a read. `reads`: the session that it will read with its token.
   * @throws EdgeError `unauthorized` for a revoked token, `rate_limited`, `account_erasing`, `jurisdiction_changed`.
   */
  admit({ token, issuedAt, isFirst }: CallerCheck, reads?: string): void {
    this.#life.assertServes({ issuedAt });
    if (token !== undefined && this.#tokens.isRevoked(token)) {
      throw new EdgeError("unauthorized", "The token was revoked.");
    }
    if (isFirst) this.#allowance.takeRequest();
    if (token !== undefined && reads !== undefined) this.#tokens.addReader(token, reads);
  }

  /** Calls a method for a caller. @throws EdgeError as {@link admit}, and as the method. */
  forCaller(check: CallerCheck, method: string, args: unknown[]): unknown {
    // The root key can always raise the rate limit.
    const raisesLimit =
      check.token === undefined && (method === "limits" || method === "updateLimits");
    this.admit(raisesLimit ? { ...check, isFirst: false } : check);
    return this.#outside.audit.by(check, () => methodNamed(this, method)(...args));
  }

  // The directory.

  /** @throws EdgeError `invalid_request` for a cursor that did not come from here. */
  listSessions(cursor: string | undefined, limit: number, filter: SessionFilter): SessionList {
    return this.#directory.page(cursor, limit, filter);
  }

  /** Requests of all sessions, oldest first. @throws EdgeError `request_not_found` for a cursor. */
  listRequests(status: RequestStatus | undefined, after: string | undefined): IndexedRequest[] {
    return this.#requests.page(status, after);
  }

  keyUse(check: CallerCheck, idempotency: Idempotency | undefined): KeyUse | undefined {
    this.admit(check);
    const use = this.#keys.useOf(idempotency);
    return use && { session: use.session_id, turn: use.turn_id };
  }

  /** Admits a fork. It stays hidden until the copy is complete. @throws EdgeError as {@link admitSession}. */
  admitFork(listed: SessionResource, idempotency?: Idempotency): string {
    this.#life.assertServes();
    return this.#admitSession({ listed, idempotency, session: listed.id }, true);
  }

  admitSession({ check, ...admission }: SessionAdmission): string {
    this.admit(check);
    return this.#admitSession(admission, false);
  }

  #admitSession(admission: Omit<SessionAdmission, "check">, hidden: boolean): string {
    const session = this.#sessions.admit(admission, hidden);
    this.#arm();
    return session;
  }

  removeSession(session: string, folder?: string): void {
    this.ctx.storage.transactionSync(() => {
      if (folder !== undefined) this.#packs.releaseFolder(folder, Date.now());
      this.#outside.feed.ofSession(session, "deleted");
      this.#directory.remove(session);
      this.#requests.removeAllOf(session);
      this.#network.grants.endAllOf(session);
      this.#slots.endAllOf(session);
      this.#inbox.remove(session);
      this.#allowance.removeLease(session);
      this.#tokens.removeReaders(session);
      this.#secrets.removeAllOf(session);
    });
    this.#granter.grant();
  }

  /** Forgets a session that was to be created and was not: its key may make it again. One that exists stays. */
  removeUnmade(session: string): void {
    this.#sessions.removeUnmade(session);
  }

  // Packs of files in R2.

  sharePacks(folder: string, packs: string[]): void {
    this.#packs.share(folder, packs);
  }

  releaseFolder(folder: string): void {
    this.ctx.storage.transactionSync(() => this.#packs.releaseFolder(folder, Date.now()));
    this.#arm();
  }

  // Turns.

  admitTurn({ check, ...admission }: TurnAdmission): TurnAdmitted {
    this.admit(check);
    const admitted = this.#admissions.admit(admission);
    if (admitted.status !== "known") this.#arm();
    return admitted;
  }

  withdrawTurn(session: string, turn: string, exists: boolean): void {
    this.#admissions.withdraw(session, turn);
    if (!exists) this.removeUnmade(session);
    this.#granter.grant();
  }

  claimTurns(session: string, turns: string[], running: string[] = []): string[] {
    this.#life.assertServes();
    const granted = this.#admissions.claim(session, turns, running);
    this.#granter.tell();
    return granted;
  }

  notify(session: string, notices: NumberedNotice[]): RefusedNotice | undefined {
    this.#life.assertHere();
    const { hasFreedSlot, refused } = this.#notices.apply(session, notices);
    if (hasFreedSlot) this.#granter.grant();
    else if (notices.some(({ notice }) => notice.kind === "packs.released")) this.#arm();
    return refused;
  }

  override alarm(): Promise<void> {
    return this.#alarm.run();
  }

  #arm(): void {
    this.ctx.waitUntil(this.#alarm.arm());
  }

  #session(id: string): SessionPort {
    return objectNamed<SessionPort>(this.env, "SESSION", sessionName(this.#name, id));
  }

  // Usage and budgets.

  /** Reports the account's usage. @throws EdgeError `invalid_request` for too many groups. */
  usage(query: UsageQuery): UsageReport {
    return this.#usage.report(this.#name, query);
  }

  leaseBudget(session: string): Promise<BudgetLease> {
    return this.#modelCalls.lease(session);
  }

  spend(
    call: ModelCall,
    day: string,
    used: ModelUsage,
    orphan: { turn: string; model: string } | undefined,
  ): void {
    this.#modelCalls.spend(call, day, used, orphan);
  }

  /** Admits a model call that belongs to no session. @throws EdgeError `budget_spent`. */
  beginModelCall(): ModelCall {
    return this.#modelCalls.begin();
  }

  /** Counts such a call once. */
  endModelCall(call: ModelCall, model: string, used: ModelUsage): void {
    this.#modelCalls.end(call, model, used);
  }

  // Tokens.

  /** Stores a token that is about to be signed. @throws EdgeError `idempotency_conflict`, `storage_full`. */
  createToken(request: CreateTokenRequest, idempotency?: Idempotency): TokenResource {
    this.#beforeAdd();
    return this.#tokens.create(request, idempotency);
  }

  /** Newest first. */
  listTokens(cursor: number | undefined, limit: number): TokenList {
    return this.#tokens.list(cursor, limit);
  }

  /** Revokes a token and ends the streams that use it. */
  async revokeToken(id: string): Promise<TokenResource> {
    this.#touch();
    const revoked = await this.#tokens.revoke(id);
    this.#outside.readers.wake();
    return revoked;
  }

  // The feed.

  /** What changes in the account: its feed. @throws EdgeError `too_many_readers`. */
  feed(as: "page" | "stream", reader: FeedReader): unknown {
    return methodNamed(this.#outside.readers, as)(reader);
  }

  override fetch(request: Request): Response {
    return this.#outside.accept(request);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#outside.readers.confirm(socket, message);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#outside.readers.close(socket);
  }

  /** Calls a method of the account's webhooks. @throws EdgeError as the method. */
  webhook(method: WebhookMethod, args: unknown[]): unknown {
    return methodNamed(this.#outside.webhooks, method)(...args);
  }

  // Secrets. Values come in sealed, and are opened for requests of the account's containers.

  /** Calls a method of the account's secrets. @throws EdgeError as the method. */
  secret(method: "copy" | "delete" | "list" | "set", args: unknown[]): unknown {
    return methodNamed(this.#secrets, method)(...args);
  }

  changeSecrets(session: string, changes: SessionSecretChanges): void {
    this.#secrets.change(session, changes);
  }

  secretVariables(session: string): Promise<Record<string, string>> {
    return this.#secrets.variables(session);
  }

  /** Opens the secrets of a request for the gateway. @throws EdgeError `secret_unreadable`. */
  openSecrets(query: SecretQuery): Promise<FoundSecrets> {
    return this.#secrets.openFor(query);
  }

  // Limits.

  limits(): LimitsReport {
    return this.#allowance.report(this.#name);
  }

  /** Updates the given limits. Running turns continue. */
  async updateLimits(changes: UpdateLimitsRequest): Promise<LimitsReport> {
    this.#touch();
    this.ctx.storage.transactionSync(() => {
      this.#allowance.update(changes);
      this.#outside.audit.add("limits.changed", this.#name, { details: changes });
    });
    await this.#modelCalls.revokeLeases();
    this.#granter.grant();
    return this.limits();
  }

  // The network.

  network(): NetworkReport {
    return this.#network.report(this.#name);
  }

  /** Sets the account's own policy. It counts within seconds. @throws EdgeError `network_too_wide`. */
  setNetwork(request: SetNetworkRequest): NetworkReport {
    this.#touch();
    this.ctx.storage.transactionSync(() => {
      this.#network.set(request);
      this.#outside.audit.add("network.changed", this.#name, { details: { ...request } });
    });
    return this.network();
  }

  networkRules(session: string | undefined): AccountNetwork {
    return this.#containers.rules(session);
  }

  askNetwork(...asked: Parameters<ContainerNetwork["ask"]>): Promise<NetworkReply> {
    return this.#containers.ask(...asked);
  }

  addTraffic(session: string | undefined, traffic: HostTraffic[]): Promise<void> {
    return this.#containers.addTraffic(session, traffic);
  }

  // The account.

  /** @throws EdgeError `account_not_found`. */
  describe(): AccountResource {
    return this.#life.describe();
  }

  /** Begins to erase the account with all it has. Safe to repeat. @throws EdgeError `account_not_found`. */
  erase(actor: Actor): Promise<AccountResource> {
    return this.#outside.audit.by(actor, () => this.#life.erase());
  }

  /** Who did what, oldest first. */
  audit(after: number, limit: number): AuditEntry[] {
    return this.#outside.audit.page(after, limit);
  }

  /** @throws EdgeError `storage_full`. */
  #beforeAdd(): void {
    this.#allowance.assertRoom();
    this.#touch();
  }

  /** Something is about to be stored that no session stands for. */
  #touch(): void {
    this.#life.touch();
    this.#arm();
  }
}
