import * as z from "zod/mini";

import { accountName } from "./requests.js";
import { WEBHOOK_TYPES, type WebhookType } from "./webhook-event.js";

/** The longest URL of a webhook, in characters. */
const MAX_URL = 2_000;

const url = z
  .string()
  .check(z.minLength(1), z.maxLength(MAX_URL, `must be ${MAX_URL} characters at most`));
const NAME = "must be 1 to 100 characters";
const name = z.string(NAME).check(z.minLength(1, NAME), z.maxLength(100, NAME));
const types = z
  .array(z.enum(WEBHOOK_TYPES, `must be some of ${WEBHOOK_TYPES.join(", ")}`))
  .check(z.minLength(1, "must name at least one; leave it out for all"));

/** Body of `POST /v1/webhooks`. */
export const createWebhookRequest = z.strictObject({
  accountId: z.optional(accountName),
  url,
  name: z.optional(name),
  /** All without it, also those of versions to come. */
  types: z.optional(types),
});

/** Body of `PATCH /v1/webhooks/{id}`: what is named is replaced. */
export const updateWebhookRequest = z.strictObject({
  accountId: z.optional(accountName),
  url: z.optional(url),
  name: z.optional(name),
  /** `null`: all. */
  types: z.optional(z.nullable(types)),
  /** `false` switches it off, `true` on again: what waited is sent then. */
  enabled: z.optional(z.boolean()),
});

/** Body of `POST /v1/webhooks/{id}/test` and `/rotate`. */
export const webhookRequest = z.strictObject({ accountId: z.optional(accountName) });

/** Body of `POST /v1/webhooks/{id}/resend`: one delivery, or all that were given up. */
export const resendRequest = z.strictObject({
  accountId: z.optional(accountName),
  delivery_id: z.optional(z.string()),
});

/** Body of `CLAUDE_EDGE_WEBHOOKS`: the deployment's webhooks, which get the events of all accounts. */
export const deploymentWebhooks = z.array(
  z.strictObject({
    name: z.string().check(z.regex(/^[a-z0-9-]{1,50}$/)),
    url,
    types: z.optional(types),
  }),
);

export type CreateWebhookRequest = z.infer<typeof createWebhookRequest>;
export type UpdateWebhookRequest = z.infer<typeof updateWebhookRequest>;

/** An address that is told of events. Times are ISO 8601. */
export interface WebhookResource {
  id: string;
  /** `deployment`: the operator's, from its configuration. */
  scope: "account" | "deployment";
  name: string | null;
  url: string;
  /** `null`: all. */
  types: WebhookType[] | null;
  enabled: boolean;
  /** Why it is off, when it was not its owner who switched it off. */
  disabled_reason?: string;
  /** When it failed first since it last worked. */
  failing_since?: string;
  created_at?: string;
}

/** Answer that a new secret is in: it is shown this once. */
export interface WebhookWithSecret extends WebhookResource {
  secret: string;
}

/** `paused`: its webhook is off. `dead`: given up after three days, or one that no longer may be tried. */
export const DELIVERY_STATUSES = ["pending", "delivered", "paused", "dead"] as const;

/** What a webhook was sent, or is to be. */
export interface DeliveryResource {
  id: string;
  webhook_id: string;
  /** The header `webhook-id`: the same in each try, and for each webhook that is told of the event. */
  message_id: string;
  type: string;
  status: (typeof DELIVERY_STATUSES)[number];
  attempts: number;
  created_at: string;
  /** When it is tried next. */
  next_attempt_at?: string;
  /** The HTTP status of the last answer. */
  last_status?: number;
  last_error?: string;
}
