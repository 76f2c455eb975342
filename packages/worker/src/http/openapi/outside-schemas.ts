import {
  DELIVERY_STATUSES,
  requestKind,
  requestStatus,
  WEBHOOK_TYPES,
  type DeliveryResource,
  type FeedEntry,
  type WebhookEvent,
  type WebhookResource,
  type WebhookWithSecret,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import { schemaOf } from "./schema-of.js";

export const feedEntry = schemaOf<FeedEntry>()(
  z.object({
    seq: z.int(),
    at: z.number(),
    kind: z.enum([
      "reset",
      "session.created",
      "session.changed",
      "session.event",
      "session.deleted",
      "session.expired",
      "turn.queued",
      "turn.running",
      "turn.waiting",
      "turn.completed",
      "turn.failed",
      "turn.interrupted",
      "request.created",
      "request.resolved",
      "network.denied",
      "budget.spent",
    ]),
    session_id: z.optional(z.string()),
    turn_id: z.optional(z.string()),
    request_id: z.optional(z.string()),
    request_kind: z.optional(requestKind),
    status: z.optional(requestStatus),
  }),
);

export const feedPage = z.object({ entries: z.array(feedEntry), seq: z.int() });

const webhookFields = {
  id: z.string(),
  scope: z.enum(["account", "deployment"]),
  name: z.nullable(z.string()),
  url: z.string(),
  types: z.nullable(z.array(z.enum(WEBHOOK_TYPES))),
  enabled: z.boolean(),
  disabled_reason: z.optional(z.string()),
  failing_since: z.optional(z.string()),
  created_at: z.optional(z.string()),
};

export const webhook = schemaOf<WebhookResource>()(z.object(webhookFields));

export const webhookWithSecret = schemaOf<WebhookWithSecret>()(
  z.object({ ...webhookFields, secret: z.string() }),
);

export const webhookList = z.object({ webhooks: z.array(webhook) });

export const delivery = schemaOf<DeliveryResource>()(
  z.object({
    id: z.string(),
    webhook_id: z.string(),
    message_id: z.string(),
    type: z.string(),
    status: z.enum(DELIVERY_STATUSES),
    attempts: z.number(),
    created_at: z.string(),
    next_attempt_at: z.optional(z.string()),
    last_status: z.optional(z.number()),
    last_error: z.optional(z.string()),
  }),
);

export const deliveryList = z.object({
  deliveries: z.array(delivery),
  next_cursor: z.optional(z.string()),
});

export const resent = z.object({ resent: z.int() });

/** The body of a webhook. */
export const webhookEvent = schemaOf<WebhookEvent>()(
  z.object({
    type: z.enum([...WEBHOOK_TYPES, "webhook.test"]),
    timestamp: z.string(),
    data: z.object({
      account_id: z.string(),
      session_id: z.optional(z.string()),
      turn_id: z.optional(z.string()),
      request_id: z.optional(z.string()),
      request_kind: z.optional(requestKind),
      status: z.optional(requestStatus),
    }),
  }),
);
