import {
  isDelivery,
  isDeliveryList,
  isWebhook,
  isWebhookList,
  isWebhookWithSecret,
  type DeliveryResource,
  type WebhookResource,
  type WebhookType,
  type WebhookWithSecret,
} from "@claude-edge/protocol/wire";

import type { CallOptions } from "./call-options.js";
import { pageQuery, paged } from "./paged.js";
import { parseAnswer } from "./parse-answer.js";
import type { Transport } from "./transport.js";

/** An address that is to be told of events. */
export interface CreateWebhookOptions extends CallOptions {
  /** A public `https://` address. */
  url: string;
  /** What it is told of; everything without them, also what later versions add. */
  types?: readonly WebhookType[] | undefined;
  /** What people call it. */
  name?: string | undefined;
}

/** What is changed of a webhook. */
export interface UpdateWebhookOptions extends CallOptions {
  url?: string | undefined;
  /** `null`: everything. */
  types?: readonly WebhookType[] | null | undefined;
  name?: string | undefined;
  /** `true` for one that is off: what waited for it is sent then. */
  enabled?: boolean | undefined;
}

/** Which deliveries are listed. */
export interface ListDeliveriesOptions extends CallOptions {
  status?: DeliveryResource["status"] | undefined;
  /** All without it. */
  limit?: number | undefined;
}

/**
 * The account's webhooks: addresses that are sent what happens, signed (Standard Webhooks), until they take it. Ids and a
 * time, no content. `verifyWebhook` of `@claude-edge/client/webhooks` checks what arrives.
 */
export class Webhooks {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Adds one. Its `secret` is in this answer and nowhere else.
   * @throws ApiError `webhook_url_refused`, `too_many_webhooks`, `forbidden` without the root key or a token that has the
   * scope `admin`.
   */
  async create({ url, types, name, signal }: CreateWebhookOptions): Promise<WebhookWithSecret> {
    const call = { method: "POST", body: { url, types, name }, signal } as const;
    return parseAnswer(isWebhookWithSecret, await this.#transport.json("/v1/webhooks", call));
  }

  /** Oldest first; for the root key those of the deployment too. */
  async list({ signal }: CallOptions = {}): Promise<WebhookResource[]> {
    const answer = await this.#transport.json("/v1/webhooks", { signal });
    return parseAnswer(isWebhookList, answer).webhooks;
  }

  /** @throws ApiError `webhook_not_found`. */
  async update(
    id: string,
    { url, types, name, enabled, signal }: UpdateWebhookOptions,
  ): Promise<WebhookResource> {
    const call = { method: "PATCH", body: { url, types, name, enabled }, signal } as const;
    return parseAnswer(isWebhook, await this.#transport.json(pathOf(id), call));
  }

  /** What it was yet to be sent goes with it. @throws ApiError `webhook_not_found`. */
  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    const { close } = await this.#transport.request(pathOf(id), { method: "DELETE", signal });
    close();
  }

  /** Gives it a new secret, in this answer alone. Both sign for a day. @throws ApiError `webhook_not_found`. */
  async rotate(id: string, { signal }: CallOptions = {}): Promise<WebhookWithSecret> {
    const call = { method: "POST", body: {}, signal } as const;
    const answer = await this.#transport.json(`${pathOf(id)}/rotate`, call);
    return parseAnswer(isWebhookWithSecret, answer);
  }

  /** Sends it a `webhook.test` once, and says what became of that. @throws ApiError `webhook_not_found`. */
  async test(id: string, { signal }: CallOptions = {}): Promise<DeliveryResource> {
    const call = { method: "POST", body: {}, signal } as const;
    return parseAnswer(isDelivery, await this.#transport.json(`${pathOf(id)}/test`, call));
  }

  /** What it was sent in the last days, and what is yet to be sent; newest first. @throws ApiError `webhook_not_found`. */
  deliveries(
    id: string,
    { status, limit = Infinity, signal }: ListDeliveriesOptions = {},
  ): AsyncGenerator<DeliveryResource> {
    return paged(limit, async (cursor, left) => {
      const query = pageQuery(cursor, left);
      if (status !== undefined) query.set("status", status);
      const answer = await this.#transport.json(`${pathOf(id)}/deliveries?${query}`, { signal });
      const { deliveries, next_cursor } = parseAnswer(isDeliveryList, answer);
      return { items: deliveries, next_cursor };
    });
  }

  /**
   * Sends again what was given up, or one delivery. Gives how many.
   * @throws ApiError `webhook_not_found`, `delivery_not_found`.
   */
  async resend(
    id: string,
    { deliveryId, signal }: { deliveryId?: string | undefined } & CallOptions = {},
  ): Promise<number> {
    const call = { method: "POST", body: { delivery_id: deliveryId }, signal } as const;
    const answer = await this.#transport.json(`${pathOf(id)}/resend`, call);
    return (answer as { resent: number }).resent;
  }
}

const pathOf = (id: string) => `/v1/webhooks/${encodeURIComponent(id)}`;
