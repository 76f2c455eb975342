import { DELIVERY_STATUSES } from "@claude-edge/protocol";
import * as z from "zod/mini";

import { json, page, text, whole, type Operation } from "./operation.js";

/** The feed and webhooks. */
export const OUTSIDE: Record<string, Operation> = {
  "GET /v1/feed": {
    id: "getFeed",
    tag: "feed",
    summary: "What changes in the account: a page, or a stream. A WebSocket takes the same address",
    query: { after: whole, session_id: text },
    answers: { 200: json("FeedPage") },
    events: { of: "FeedEntry" },
  },
  "GET /v1/webhooks": {
    id: "listWebhooks",
    tag: "webhooks",
    summary: "List webhooks",
    answers: { 200: json("WebhookList") },
  },
  "POST /v1/webhooks": {
    id: "createWebhook",
    tag: "webhooks",
    summary: "Add a webhook",
    body: "CreateWebhook",
    answers: { 201: json("WebhookWithSecret") },
  },
  "GET /v1/webhooks/:webhook": {
    id: "getWebhook",
    tag: "webhooks",
    summary: "Read a webhook",
    answers: { 200: json("Webhook") },
  },
  "PATCH /v1/webhooks/:webhook": {
    id: "updateWebhook",
    tag: "webhooks",
    summary: "Change a webhook, or switch it off or on",
    body: "UpdateWebhook",
    answers: { 200: json("Webhook") },
  },
  "DELETE /v1/webhooks/:webhook": {
    id: "deleteWebhook",
    tag: "webhooks",
    summary: "Delete a webhook",
    answers: { 204: null },
  },
  "POST /v1/webhooks/:webhook/rotate": {
    id: "rotateWebhookSecret",
    tag: "webhooks",
    summary: "Give a webhook a new secret",
    body: "WebhookCall",
    answers: { 200: json("WebhookWithSecret") },
  },
  "POST /v1/webhooks/:webhook/test": {
    id: "testWebhook",
    tag: "webhooks",
    summary: "Send a webhook a test event",
    body: "WebhookCall",
    answers: { 200: json("Delivery") },
  },
  "GET /v1/webhooks/:webhook/deliveries": {
    id: "listDeliveries",
    tag: "webhooks",
    summary: "What a webhook was sent, or is to be",
    query: { ...page, status: z.enum(DELIVERY_STATUSES) },
    answers: { 200: json("DeliveryList") },
  },
  "POST /v1/webhooks/:webhook/resend": {
    id: "resendDeliveries",
    tag: "webhooks",
    summary: "Send deliveries again",
    body: "Resend",
    answers: { 200: json("Resent") },
  },
};
