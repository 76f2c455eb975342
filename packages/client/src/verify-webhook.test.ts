import { newWebhookSecret, signWebhook } from "@claude-edge/protocol";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";

import { verifyWebhook, WebhookError } from "./verify-webhook.js";

const SECRET = newWebhookSecret();
const EVENT = {
  type: "request.created",
  timestamp: new Date().toISOString(),
  data: {
    account_id: "ada",
    session_id: "s",
    turn_id: "t",
    request_id: "r",
    request_kind: "permission",
  },
};
const BODY = JSON.stringify(EVENT);
const now = () => Math.floor(Date.now() / 1_000);

async function request({
  secret = SECRET,
  id = "msg_1",
  at = now(),
  body = BODY,
  sent = body,
  headers = {},
}: {
  secret?: string;
  id?: string;
  at?: number | string;
  body?: string;
  sent?: string;
  headers?: Record<string, string>;
} = {}): Promise<Request> {
  const signature = await signWebhook(secret, { id, timestamp: String(at), body });
  return new Request("https://hooks.test/", {
    method: "POST",
    body: sent,
    headers: {
      "webhook-id": id,
      "webhook-timestamp": String(at),
      "webhook-signature": signature,
      ...headers,
    },
  });
}

const refusal = async (given: Request, secret: string | string[] = SECRET) => {
  const error: unknown = await verifyWebhook(given, secret).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WebhookError);
  return (error as WebhookError).reason;
};

test("an event is given by its type", async () => {
  const event = await verifyWebhook(await request(), SECRET);
  expect(event).toEqual(EVENT);
  const requestId = event.type === "request.created" ? event.data.request_id : undefined;
  expect(requestId).toBe("r");
});

test("what is signed here the standardwebhooks package takes, and the other way round", async () => {
  const given = await request();
  const headers = Object.fromEntries(given.headers);
  expect(new Webhook(SECRET).verify(BODY, headers)).toEqual(EVENT);
  const theirs = new Webhook(SECRET).sign("msg_2", new Date(), BODY);
  const at = now();
  const sent = await request({ id: "msg_2", at, headers: { "webhook-signature": theirs } });
  expect(await verifyWebhook(sent, SECRET)).toEqual(EVENT);
});

test("of several secrets and signatures one must fit", async () => {
  const old = newWebhookSecret();
  expect(await verifyWebhook(await request({ secret: old }), [SECRET, old])).toEqual(EVENT);
  const given = await request();
  const both = `v1,AAAA v2,x v1,??? ${given.headers.get("webhook-signature")}`;
  const headers = { "webhook-signature": both };
  expect(await verifyWebhook(await request({ headers }), SECRET)).toEqual(EVENT);
});

test("what is forged, changed, replayed or incomplete is refused, with the reason", async () => {
  expect(await refusal(await request({ secret: newWebhookSecret() }))).toBe("signature");
  expect(await refusal(await request({ sent: BODY.replace("ada", "eve") }))).toBe("signature");
  expect(await refusal(await request({ headers: { "webhook-id": "msg_9" } }))).toBe("signature");
  expect(await refusal(await request({ headers: { "webhook-signature": "" } }))).toBe("headers");
  expect(await refusal(await request({ headers: { "webhook-signature": "v1," } }))).toBe(
    "signature",
  );
  expect(await refusal(await request({ at: now() - 301 }))).toBe("timestamp");
  expect(await refusal(await request({ at: now() + 310 }))).toBe("timestamp");
  expect(await refusal(await request({ at: "soon" }))).toBe("timestamp");
  expect(await refusal(await request({ body: "[]" }))).toBe("body");
  expect(await refusal(await request({ body: "x".repeat(70_000) }))).toBe("body");
  const old = await request({ at: now() - 4_000 });
  expect(await verifyWebhook(old, SECRET, { tolerance: 5_000 })).toEqual(EVENT);
});

test("a secret that is none is the caller's mistake", async () => {
  await expect(verifyWebhook(await request(), "secret")).rejects.toThrow(TypeError);
});
