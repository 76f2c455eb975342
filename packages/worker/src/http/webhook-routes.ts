import {
  createWebhookRequest,
  DELIVERY_STATUSES,
  newWebhookSecret,
  resendRequest,
  updateWebhookRequest,
  webhookRequest,
} from "@claude-edge/protocol";
import type { Hono } from "hono";

import { webhookSecret, type WebhookMethod } from "../account/webhooks.js";
import { webhookUrl } from "../egress/webhook-url.js";
import { commonHeaders } from "../errors.js";
import { seal } from "../secrets/sealing.js";
import { privateHosts } from "../settings.js";
import { readBody } from "./body.js";
import { json, nameOf, stubOf } from "./call.js";
import type { AppEnv, Call } from "./contract.js";
import { oneOf, pageSize, wholeNumber } from "./query-string.js";

/** Adds the routes of webhooks. Secrets are made and sealed here, before an object sees them, and shown once. */
export function addWebhookRoutes(app: Hono<AppEnv>): void {
  app.get("/v1/webhooks", async (c) => json(c, await ask(c, nameOf(c), "list", isOperator(c))));

  app.post("/v1/webhooks", async (c) => {
    const { value } = await readBody(c, createWebhookRequest);
    const { accountId, ...webhook } = value;
    webhookUrl(webhook.url, privateHosts(c.env));
    const account = nameOf(c, accountId);
    const id = `wh_${crypto.randomUUID().replaceAll("-", "")}`;
    const secret = newWebhookSecret();
    const sealed = await seal(c.env, webhookSecret(account, id), secret);
    const made = await ask(c, account, "create", { ...webhook, id, secret: sealed });
    return json(c, { ...made, secret }, 201);
  });

  app.get("/v1/webhooks/:webhook", async (c) =>
    json(c, await ask(c, nameOf(c), "get", c.req.param("webhook"), isOperator(c))),
  );

  app.patch("/v1/webhooks/:webhook", async (c) => {
    const { value } = await readBody(c, updateWebhookRequest);
    if (value.url !== undefined) webhookUrl(value.url, privateHosts(c.env));
    const account = nameOf(c, value.accountId);
    return json(c, await ask(c, account, "update", c.req.param("webhook"), value, isOperator(c)));
  });

  app.delete("/v1/webhooks/:webhook", async (c) => {
    await ask(c, nameOf(c), "delete", c.req.param("webhook"));
    return new Response(null, { status: 204, headers: commonHeaders(c.get("requestId")) });
  });

  app.post("/v1/webhooks/:webhook/rotate", async (c) => {
    const { value } = await readBody(c, webhookRequest);
    const account = nameOf(c, value.accountId);
    const id = c.req.param("webhook");
    const secret = newWebhookSecret();
    const sealed = await seal(c.env, webhookSecret(account, id), secret);
    return json(c, { ...(await ask(c, account, "rotate", id, sealed)), secret });
  });

  app.post("/v1/webhooks/:webhook/test", async (c) => {
    const { value } = await readBody(c, webhookRequest);
    const account = nameOf(c, value.accountId);
    return json(c, await ask(c, account, "test", c.req.param("webhook"), isOperator(c)));
  });

  app.get("/v1/webhooks/:webhook/deliveries", async (c) => {
    const status = oneOf(c, "status", DELIVERY_STATUSES);
    const before = wholeNumber("cursor", c.req.query("cursor"), 0) || undefined;
    const query = [status, before, pageSize(c), isOperator(c)];
    return json(c, await ask(c, nameOf(c), "deliveries", c.req.param("webhook"), ...query));
  });

  app.post("/v1/webhooks/:webhook/resend", async (c) => {
    const { value } = await readBody(c, resendRequest);
    const account = nameOf(c, value.accountId);
    const which = [c.req.param("webhook"), value.delivery_id, isOperator(c)];
    return json(c, await ask(c, account, "resend", ...which));
  });
}

const isOperator = (c: Call): boolean => c.get("caller").token === undefined;

const ask = (c: Call, account: string, method: WebhookMethod, ...args: unknown[]) =>
  stubOf(c, account).call("webhook", method, args) as Promise<object>;
