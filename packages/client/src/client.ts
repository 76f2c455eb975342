import {
  isAuditEntry,
  isHealth,
  isLimitsReport,
  isNetworkReport,
  isUsageReport,
  MAX_AUDIT_PAGE,
  type AuditEntry,
  type FeedEntry,
  type Health,
  type LimitsReport,
  type NetworkPolicy,
  type NetworkReport,
  type Prompt,
  type UsageGroup,
  type UsageReport,
} from "@claude-edge/protocol/wire";

import { Accounts } from "./accounts.js";
import type { CallOptions } from "./call-options.js";
import { Callbacks } from "./callbacks/callbacks.js";
import { resolveConfig, type ClientOptions } from "./config.js";
import type { OutputOf, OutputSchema } from "./output.js";
import { parseAnswer } from "./parse-answer.js";
import { promptBody } from "./prompt-body.js";
import { Requests } from "./requests.js";
import {
  Sessions,
  splitCallbacks,
  type AgentOptions,
  type SessionSettings,
  type TurnOptions,
} from "./sessions.js";
import { Secrets } from "./secrets.js";
import { Tokens } from "./tokens.js";
import { Transport } from "./transport.js";
import { Turn } from "./turn.js";
import { Webhooks } from "./webhooks.js";
import { feedEntries } from "./turn-stream.js";

/** What `edge.query()` is given: the Agent SDK's options, and those of the session that it makes and of its turn. */
export interface QueryOptions extends AgentOptions, SessionSettings, TurnOptions {
  /** A UUID for the session it makes; a fresh one without. */
  sessionId?: string | undefined;
}

/** What of an account's usage is asked for. */
export interface UsageOptions extends CallOptions {
  /** The first day, like `2026-11-01`, in UTC. */
  from?: string | undefined;
  /** The last day, which is included. */
  to?: string | undefined;
  /** What to split it by. */
  group?: UsageGroup | undefined;
}

/** From where the feed is read. */
export interface FeedOptions extends CallOptions {
  /** The `seq` of the last entry that was read. */
  after?: number | undefined;
}

/** What of the audit log is read. */
export interface AuditOptions extends CallOptions {
  /** The `seq` of the last entry that was read; from the oldest on without it. */
  after?: number | undefined;
  /** So many entries at most; all without it. */
  limit?: number | undefined;
}

/** Limits to set for an account: `null` is the deployment's again, `none` no limit at all. */
export interface LimitChanges {
  /** Turns that run at the same time. */
  maxConcurrentTurns?: number | null | undefined;
  /** Turns that wait at the same time. */
  maxQueuedTurns?: number | null | undefined;
  maxSessions?: number | "none" | null | undefined;
  requestsPerMinute?: number | "none" | null | undefined;
  /** Tokens in and out, those of the cache included; days are in UTC. */
  tokensPerDay?: number | "none" | null | undefined;
  /** US dollars at list prices. */
  dollarsPerDay?: number | "none" | null | undefined;
}

/**
 * A deployment, seen from a program.
 *
 * @example
 * const edge = new ClaudeEdge({ baseURL, token });
 * const { text } = await edge.query("What is 2+2?");
 * for await (const piece of edge.query("Tell me more").text()) process.stdout.write(piece);
 */
export class ClaudeEdge {
  /** Conversations: to make, to open by their id, to list. */
  readonly sessions: Sessions;
  /** Permissions, questions and the like that wait for an answer. */
  readonly requests: Requests;
  /** Secrets that agents use and do not see: to set, to list, to delete. */
  readonly secrets: Secrets;
  /** Account tokens: to mint, to list, to revoke. */
  readonly tokens: Tokens;
  /** Addresses that are told what happens: to add, to list, to test. */
  readonly webhooks: Webhooks;
  /** The deployment's accounts, for its operator: to list, to look at, to erase. */
  readonly accounts: Accounts;
  readonly #transport: Transport;

  /**
   * Sends nothing yet.
   * @throws ClaudeEdgeError `no_url`, `unauthorized` when neither options nor environment name them, `invalid_request`
   * for a token or an account that cannot go into a header.
   */
  constructor(options: ClientOptions = {}) {
    this.#transport = new Transport(resolveConfig(options));
    this.sessions = new Sessions(this.#transport);
    this.requests = new Requests(this.#transport);
    this.secrets = new Secrets(this.#transport);
    this.tokens = new Tokens(this.#transport);
    this.webhooks = new Webhooks(this.#transport);
    this.accounts = new Accounts(this.#transport);
  }

  /**
   * One prompt in a session of its own, which can be continued with `sessions.open(turn.sessionId)`. With `output`, a
   * schema, it comes to a value of it.
   * @throws ClaudeEdgeError at once: `invalid_request` for a schema that has no JSON form, `option_refused` for an option
   * that cannot travel. All else shows when the turn is awaited or read.
   */
  query<Schema extends OutputSchema = Record<string, unknown>>(
    prompt: Prompt,
    given: QueryOptions & { output?: Schema } = {},
  ): Turn<OutputOf<Schema>> {
    const { sessionId, title, tags, onContainerLost, approvalTimeout, expiresIn, ...rest } = given;
    const { signal, traceparent, idempotencyKey = crypto.randomUUID(), ...more } = rest;
    const { attachments, output, ...agent } = more;
    const { options, handlers } = splitCallbacks(agent, output);
    const plain = {
      prompt,
      session_id: sessionId,
      title,
      tags,
      on_container_lost: onContainerLost,
      approval_timeout_ms: approvalTimeout,
      expires_in: expiresIn,
      options,
    };
    const body = promptBody(this.#transport, plain, attachments, { signal });
    const callbacks = new Callbacks(this.#transport, () => turn.sessionId, handlers);
    const call = { path: "/v1/query", body, idempotencyKey, signal, traceparent };
    const request = { ...call, callbacks };
    const turn = new Turn<OutputOf<Schema>>(this.#transport, request, { output });
    return turn;
  }

  /**
   * What the account has used, deleted sessions included, of all time or from a day to a day (UTC, `2026-11-01`, the
   * last included): in sum, and with `group` by day, session or model too.
   */
  async usage({ from, to, group, signal }: UsageOptions = {}): Promise<UsageReport> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ from, to, group }))
      if (value) query.set(name, value);
    return parseAnswer(isUsageReport, await this.#transport.json(`/v1/usage?${query}`, { signal }));
  }

  /** What the account may use at the most, and how much of it is used. */
  async limits({ signal }: CallOptions = {}): Promise<LimitsReport> {
    return parseAnswer(isLimitsReport, await this.#transport.json("/v1/limits", { signal }));
  }

  /**
   * Sets limits of the account's own; those that are not named stay. What runs goes on.
   * @throws ApiError `forbidden` without the root key.
   */
  async updateLimits(changes: LimitChanges, { signal }: CallOptions = {}): Promise<LimitsReport> {
    const toWire = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const body = Object.fromEntries(
      Object.entries(changes).map(([name, value]) => [toWire(name), value]),
    );
    const call = { method: "PATCH", body, signal } as const;
    return parseAnswer(isLimitsReport, await this.#transport.json("/v1/limits", call));
  }

  /** The network policies that count for the account's containers. */
  async network({ signal }: CallOptions = {}): Promise<NetworkReport> {
    return parseAnswer(isNetworkReport, await this.#transport.json("/v1/network", { signal }));
  }

  /**
   * Sets the account's own network policy; null removes it. `granted`: the hosts that stay of those that were allowed for the
   * account when somebody was asked; all do without it. It counts within seconds, in containers that run too.
   * @throws ApiError `forbidden` without the root key, `network_too_wide` for more than the deployment's policy allows.
   */
  async setNetwork(
    policy: NetworkPolicy | null,
    { granted, signal }: { granted?: string[] | undefined } & CallOptions = {},
  ): Promise<NetworkReport> {
    const call = { method: "PUT", body: { policy, granted }, signal } as const;
    return parseAnswer(isNetworkReport, await this.#transport.json("/v1/network", call));
  }

  /**
   * What changes in the account: sessions, turns, requests, denied hosts, spent budgets. Ids and times, without end; a
   * connection that breaks is taken up after the last entry, so that none is lost or comes twice. `after`: the `seq` of an
   * entry, of the last day, to read on from. Without it the first entry is a `reset`: it says from where the feed is
   * complete. So does a `reset` later, when what comes after a cursor is gone: list what you need again.
   * @throws ApiError `too_many_readers`, StreamInterruptedError with the last `seq` when it cannot be taken up.
   *
   * @example
   * for await (const { kind, request_id } of edge.feed()) {
   *   if (kind === "request.created") console.log(await edge.requests.retrieve(request_id!));
   * }
   */
  feed({ after, signal }: FeedOptions = {}): AsyncIterable<FeedEntry> {
    return feedEntries(this.#transport, after, signal);
  }

  /**
   * Who did what in the account, of the last 90 days, oldest first: tokens, answers, allowed hosts, limits, secrets,
   * webhooks, exports, deletions. Pages are fetched as they are needed, up to what is there now.
   * @throws ApiError `forbidden` without the root key or a token that has the scope `admin`.
   *
   * @example
   * for await (const { action, actor, target } of edge.audit()) console.log(action, actor, target);
   */
  async *audit({
    after = 0,
    limit = Infinity,
    signal,
  }: AuditOptions = {}): AsyncGenerator<AuditEntry> {
    let position = after;
    for (let left = limit; left > 0;) {
      const size = Math.min(left, MAX_AUDIT_PAGE);
      const path = `/v1/audit?after=${position}&limit=${size}`;
      const entries = await this.#transport.lines(path, { signal });
      for (const entry of entries) {
        const { seq } = parseAnswer(isAuditEntry, entry);
        position = seq;
        yield entry as AuditEntry;
      }
      if (entries.length < size) return;
      left -= entries.length;
    }
  }

  /** Whether the deployment answers, and its versions. */
  async health({ signal }: CallOptions = {}): Promise<Health> {
    return parseAnswer(isHealth, await this.#transport.json("/health", { signal }));
  }
}
