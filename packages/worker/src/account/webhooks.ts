import {
  EdgeError,
  WEBHOOK_TYPES,
  type DeliveryResource,
  type UpdateWebhookRequest,
  type WebhookResource,
  type WebhookType,
} from "@claude-edge/protocol";

import { backoff, jittered } from "../backoff.js";
import type { Env } from "../env.js";
import { iso } from "../iso.js";
import { logger } from "../logger.js";
import { isOfOldKey, open, seal, type Sealed, type SecretIdentity } from "../secrets/sealing.js";
import { webhookRetryMs, webhookSecrets, webhooksOf } from "../settings.js";
import type { Audit } from "./audit.js";
import { DeliveryTable, deliveryResource, type Attempt, type Delivery } from "./delivery-table.js";
import type { NewFeedEntry } from "./feed-table.js";
import { sendWebhook } from "./webhook-sender.js";
import { WebhookTable, type NewWebhook, type StoredWebhook } from "./webhook-table.js";

/** Webhooks of an account. */
const MAX_WEBHOOKS = 20;

/** Tries of an account at the same time, and of one webhook: an address that hangs must not hold up the others. */
const AT_ONCE = 10;
const AT_ONCE_EACH = 4;

/** A try of which nothing was heard for this long counts as lost, milliseconds: the object was reset. */
const LOST_MS = 30_000;

/** How long a delivery is tried, milliseconds, and the longest pause between two tries. */
const PATIENCE_MS = 3 * 24 * 3_600_000;
const MAX_PAUSE_MS = 3_600_000;

/** A webhook that has failed for this long is switched off, milliseconds. */
const OFF_AFTER_MS = 24 * 3_600_000;

/** A secret that was replaced signs for this long, milliseconds. */
const OLD_SECRET_MS = 24 * 3_600_000;

/** The answer of an address that wants no more. */
const GONE = 410;

const OF_DEPLOYMENT = "deployment-";

/** A webhook of the account or the deployment, to be sent to. */
interface Target {
  id: string;
  url: string;
  /** null: all. */
  types: WebhookType[] | null;
}

interface WebhooksHost {
  readonly name: string;
  readonly audit: Pick<Audit, "add">;
  waitUntil(work: Promise<unknown>): void;
  /** Sees to an alarm now: called in the transaction in which there is something to send. */
  wake(): void;
  arm(): void;
  beforeAdd(): void;
}

/**
 * The account's webhooks. What they are to be told is written in the transaction of the event, and sent by the alarm: in
 * order for each session, several at a time, again until it arrives.
 */
export class Webhooks {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #host: WebhooksHost;
  readonly #table: WebhookTable;
  readonly #deliveries: DeliveryTable;
  /** Deliveries that are being tried, and of which webhook. */
  readonly #trying = new Map<number, string>();
  /** The account's own, from its table. */
  #own: Target[] | undefined;

  constructor(storage: DurableObjectStorage, env: Env, host: WebhooksHost) {
    this.#storage = storage;
    this.#env = env;
    this.#host = host;
    this.#table = new WebhookTable(storage.sql);
    this.#deliveries = new DeliveryTable(storage.sql);
  }

  // Events.

  /** Writes what webhooks are to be told of an event, in its transaction. */
  onEntry({ kind, ...ids }: NewFeedEntry, now: number): void {
    const type = WEBHOOK_TYPES.find((known) => known === kind);
    if (!type) return;
    const targets = this.#targets().filter(({ id, types }) => {
      return (types === null || types.includes(type)) && !this.#table.health(id).off;
    });
    if (targets.length === 0) return;
    const message = this.#message(type, ids, now);
    const session_id = ids.session_id ?? "";
    for (const { id: webhook } of targets) {
      this.#deliveries.add({ webhook, session_id, ...message });
    }
    this.#host.wake();
  }

  /** A message for webhooks. It holds ids and a time. */
  #message(type: string, ids: object, now: number) {
    const data = { account_id: this.#host.name, ...ids };
    return {
      message: `msg_${crypto.randomUUID().replaceAll("-", "")}`,
      type,
      body: JSON.stringify({ type, timestamp: iso(now), data }),
      created_at: now,
    };
  }

  #targets(): Target[] {
    this.#own ??= this.#table.list().map(targetOf);
    return [...this.#own, ...this.#ofDeployment()];
  }

  /** With a setting that cannot be read there are none, and callers are told of it. */
  #ofDeployment(): Target[] {
    try {
      return webhooksOf(this.#env).map(({ name, url, types }) => ({
        id: `${OF_DEPLOYMENT}${name}`,
        url,
        types: types ?? null,
      }));
    } catch {
      return [];
    }
  }

  // Sending.

  /** When the alarm has something to send. */
  dueAt(): number | undefined {
    return this.#deliveries.dueAt();
  }

  /** Begins to send what is due, and does not wait for it. */
  send(): void {
    if (this.#trying.size >= AT_ONCE) return;
    for (const delivery of this.#deliveries.due(Date.now(), AT_ONCE * 5)) {
      if (this.#trying.size >= AT_ONCE) return;
      const { position, webhook } = delivery;
      const ofWebhook = [...this.#trying.values()].filter((id) => id === webhook).length;
      if (this.#trying.has(position) || ofWebhook >= AT_ONCE_EACH) continue;
      this.#trying.set(position, webhook);
      this.#deliveries.begin(position, Date.now() + LOST_MS);
      this.#host.waitUntil(this.#try(delivery));
    }
  }

  async #try(delivery: Delivery): Promise<void> {
    const { position } = delivery;
    try {
      const attempt = await this.#attempt(delivery);
      this.#storage.transactionSync(() => this.#settle(delivery, attempt));
    } catch (error) {
      const { webhook } = delivery;
      logger.error("webhook not sent", { account: this.#host.name, webhook, error });
    } finally {
      this.#trying.delete(position);
      this.send();
      this.#host.arm();
    }
  }

  async #attempt(delivery: Delivery): Promise<Attempt> {
    const target = this.#targets().find(({ id }) => id === delivery.webhook);
    if (!target) return { error: "The webhook is gone." };
    try {
      const secrets = await this.#secretsOf(target.id);
      return await sendWebhook(this.#env, target.url, secrets, delivery);
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Writes what became of a try. */
  #settle(delivery: Delivery, attempt: Attempt): void {
    const { position, webhook, created_at, attempts } = delivery;
    const now = Date.now();
    const isLast = now - created_at >= PATIENCE_MS;
    if (attempt.error === undefined) {
      this.#deliveries.end(position, "delivered", attempt);
      if (this.#table.health(webhook).failing_since !== null) this.#setOn(webhook);
      return;
    }
    const next = now + pauseMs(webhookRetryMs(this.#env), attempts + 1, Math.random());
    this.#deliveries.end(position, isLast ? "dead" : "pending", attempt, next);
    const { failing_since, off } = this.#table.health(webhook);
    if (off || !this.#targets().some(({ id }) => id === webhook)) return;
    const since = failing_since ?? now;
    const isGone = attempt.status === GONE;
    if (!isGone && now - since < OFF_AFTER_MS) {
      this.#table.setHealth(webhook, { failing_since: since, off: 0, reason: null });
      return;
    }
    const reason = isGone
      ? "It answered 410: it is gone."
      : `It has failed since ${iso(since)}: ${attempt.error}`;
    this.#table.setHealth(webhook, { failing_since: since, off: 1, reason });
    this.#deliveries.pause(webhook);
  }

  #setOn(webhook: string): void {
    this.#table.setHealth(webhook, { failing_since: null, off: 0, reason: null });
  }

  /** The secrets that sign: the current one, and for a day the one before it. @throws EdgeError `secret_unreadable`. */
  async #secretsOf(id: string): Promise<string[]> {
    if (id.startsWith(OF_DEPLOYMENT)) return webhookSecrets(this.#env);
    const stored = this.#stored(id);
    const identity = webhookSecret(this.#host.name, id);
    const { key_id, sealed, old_key_id, old_sealed, old_until } = stored;
    const current = { keyId: key_id, bytes: new Uint8Array(sealed) };
    const secret = await open(this.#env, identity, current);
    if (await isOfOldKey(this.#env, current)) {
      const anew = await seal(this.#env, identity, secret);
      if (this.#table.get(id)?.key_id === key_id) this.#table.reseal(id, anew);
    }
    if (old_key_id === null || old_sealed === null || (old_until ?? 0) < Date.now()) {
      return [secret];
    }
    const old = { keyId: old_key_id, bytes: new Uint8Array(old_sealed) };
    return [secret, await open(this.#env, identity, old)];
  }

  // For callers.

  /** For the operator those of the deployment too. */
  list(isOperator: boolean): { webhooks: WebhookResource[] } {
    const own = this.#table.list().map((stored) => this.#resourceOf(targetOf(stored), stored));
    const others = isOperator ? this.#ofDeployment().map((of) => this.#resourceOf(of)) : [];
    return { webhooks: [...own, ...others] };
  }

  /** @throws EdgeError `webhook_not_found`. */
  get(id: string, isOperator: boolean): WebhookResource {
    const stored = this.#table.get(id);
    return this.#resourceOf(this.#known(id, isOperator), stored);
  }

  /** @throws EdgeError `too_many_webhooks`, `storage_full`. */
  create(webhook: NewWebhook): WebhookResource {
    this.#host.beforeAdd();
    if (this.#table.list().length >= MAX_WEBHOOKS) {
      const message = `The account has ${MAX_WEBHOOKS} webhooks, the most that it can have.`;
      throw new EdgeError("too_many_webhooks", message);
    }
    const { id, url, types } = webhook;
    this.#storage.transactionSync(() => {
      this.#table.add(webhook, Date.now());
      // The rest of an address may be a secret.
      const details = { host: new URL(url).host, types };
      this.#host.audit.add("webhook.created", id, { details });
    });
    this.#own = undefined;
    return this.get(webhook.id, false);
  }

  /** One of the deployment can only be switched. @throws EdgeError `webhook_not_found`, `invalid_request`. */
  update(id: string, changes: UpdateWebhookRequest, isOperator: boolean): WebhookResource {
    this.#known(id, isOperator);
    const { enabled: _enabled, accountId: _account, ...settings } = changes;
    if (id.startsWith(OF_DEPLOYMENT) && Object.keys(settings).length > 0) {
      throw new EdgeError("invalid_request", `${id} is set in CLAUDE_EDGE_WEBHOOKS.`);
    }
    this.#storage.transactionSync(() => {
      this.#table.update(id, changes);
      if (changes.enabled === false) {
        this.#table.setHealth(id, { failing_since: null, off: 1, reason: null });
        this.#deliveries.pause(id);
      }
      if (changes.enabled === true) {
        this.#setOn(id);
        this.#deliveries.resume(id, Date.now());
      }
      const fields = Object.keys(changes).filter((name) => name !== "accountId");
      this.#host.audit.add("webhook.changed", id, { details: { fields } });
    });
    this.#own = undefined;
    this.#host.arm();
    return this.get(id, isOperator);
  }

  /** What it was to be sent goes with it. @throws EdgeError `webhook_not_found`. */
  delete(id: string): void {
    this.#stored(id);
    this.#storage.transactionSync(() => {
      this.#table.remove(id);
      this.#deliveries.removeAllOf(id);
      this.#host.audit.add("webhook.deleted", id);
    });
    this.#own = undefined;
  }

  /** @throws EdgeError `webhook_not_found`. */
  rotate(id: string, secret: Sealed): WebhookResource {
    this.#stored(id);
    this.#storage.transactionSync(() => {
      this.#table.rotate(id, secret, Date.now() + OLD_SECRET_MS);
      this.#host.audit.add("webhook.rotated", id);
    });
    return this.get(id, false);
  }

  /** Sends one message of the type `webhook.test` at once, and only once. @throws EdgeError `webhook_not_found`. */
  async test(id: string, isOperator: boolean): Promise<DeliveryResource> {
    this.#known(id, isOperator);
    const now = Date.now();
    const message = this.#message("webhook.test", {}, now);
    // A session that is none: nothing waits for it.
    const session_id = message.message;
    const position = this.#storage.transactionSync(() => {
      const added = this.#deliveries.add({ webhook: id, session_id, ...message });
      this.#deliveries.begin(added, now + LOST_MS);
      return added;
    });
    this.#trying.set(position, id);
    try {
      const attempt = await this.#attempt(this.#deliveries.get(position)!);
      const status = attempt.error === undefined ? "delivered" : "dead";
      this.#deliveries.end(position, status, attempt);
    } finally {
      this.#trying.delete(position);
    }
    const tried = this.#deliveries.get(position);
    if (!tried) throw new EdgeError("webhook_not_found", `There is no webhook ${id}.`);
    return deliveryResource(tried);
  }

  /** Newest first. @throws EdgeError `webhook_not_found`. */
  deliveries(
    id: string,
    status: DeliveryResource["status"] | undefined,
    before: number | undefined,
    limit: number,
    isOperator: boolean,
  ): { deliveries: DeliveryResource[]; next_cursor?: string } {
    this.#known(id, isOperator);
    const rows = this.#deliveries.list(id, status, before, limit + 1);
    const page = rows.slice(0, limit);
    const next = rows.length > limit ? { next_cursor: String(page.at(-1)!.position) } : {};
    return { deliveries: page.map(deliveryResource), ...next };
  }

  /** Sends one again, or all that were given up. @throws EdgeError `webhook_not_found`, `delivery_not_found`. */
  resend(id: string, delivery: string | undefined, isOperator: boolean): { resent: number } {
    this.#known(id, isOperator);
    const position = delivery === undefined ? undefined : Number(delivery) || 0;
    if (position !== undefined && this.#deliveries.get(position)?.webhook !== id) {
      throw new EdgeError("delivery_not_found", `There is no delivery ${delivery} of ${id}.`);
    }
    const resent = this.#deliveries.resend(id, position, Date.now());
    this.#host.arm();
    return { resent };
  }

  /** The tables are empty. */
  forget(): void {
    this.#own = undefined;
  }

  /** One that the caller may see. */
  #known(id: string, isOperator: boolean): Target {
    const ofDeployment = isOperator && this.#ofDeployment().find((of) => of.id === id);
    return ofDeployment || targetOf(this.#stored(id));
  }

  #stored(id: string): StoredWebhook {
    const stored = this.#table.get(id);
    if (stored) return stored;
    throw new EdgeError("webhook_not_found", `There is no webhook ${id}.`);
  }

  #resourceOf({ id, url, types }: Target, stored?: StoredWebhook): WebhookResource {
    const { failing_since, off, reason } = this.#table.health(id);
    return {
      id,
      scope: stored ? "account" : "deployment",
      name: stored ? stored.name : id.slice(OF_DEPLOYMENT.length),
      url,
      types,
      enabled: !off,
      ...(reason === null ? {} : { disabled_reason: reason }),
      ...(failing_since === null ? {} : { failing_since: iso(failing_since) }),
      ...(stored ? { created_at: iso(stored.created_at) } : {}),
    };
  }
}

const targetOf = ({ id, url, types }: StoredWebhook): Target => ({
  id,
  url,
  types: types === null ? null : (JSON.parse(types) as WebhookType[]),
});

/** How long to wait before the next try, milliseconds: twice as long after each, half of it by chance. */
export const pauseMs = (firstMs: number, attempts: number, random: number): number =>
  jittered(backoff(firstMs, attempts, MAX_PAUSE_MS), random);

/** What the secret of a webhook is sealed as; no secret of agents has such a name. */
export const webhookSecret = (account: string, id: string): SecretIdentity => ({
  scope: "account",
  account,
  session: "",
  name: `webhook:${id}`,
});

/** What callers reach of them without more. */
export type WebhookMethod =
  | "create"
  | "delete"
  | "deliveries"
  | "get"
  | "list"
  | "resend"
  | "rotate"
  | "test"
  | "update";
