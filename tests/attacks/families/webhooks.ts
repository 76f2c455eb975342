import { signWebhook } from "@claude-edge/protocol";
import { verifyWebhook } from "@claude-edge/client/webhooks";

import { holds, refused, works, type Attack, type Family } from "../attack.ts";
import type { World } from "../world.ts";

const REFUSED = { status: 400, code: "webhook_url_refused" };
const MISSING = { status: 404, code: "webhook_not_found" };
const FORBIDDEN = { status: 403, code: "forbidden" };

/** Ways to write what is private, local or no HTTPS. */
const URLS = [
  ..."127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 0 0.0.0.0 localhost localhost. LOCALHOST".split(
    " ",
  ),
  ..."[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [fd00::1] [fe80::1] [64:ff9b::7f00:1]".split(
    " ",
  ),
  ..."10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 192.0.2.1 224.0.0.1".split(" "),
  ..."a.localhost printer.local db.internal metadata.google.internal router.lan x.home.arpa metadata".split(
    " ",
  ),
  "127。0。0。1",
  "①②⑦.0.0.1",
  "open.test@127.0.0.1",
  "127.0.0.1:443",
  "127.0.0.1#@example.com",
  "user:password@example.com",
].map((host) => `https://${host}/`);

const NO_HTTPS = [
  "http://example.com/",
  "http://open.test/",
  "//example.com/",
  "ftp://example.com/",
  "file:///etc/passwd",
  "data:text/plain,x",
  "javascript:alert(1)",
  "https://",
  "https:///",
  "x",
  " ",
];

/** Webhooks: addresses that lead inside, another tenant's, and signatures that are none. */
export async function webhooks(world: World): Promise<Family> {
  const { ask, mint, hosts } = world;
  const key = await mint({ account: "mallory", scopes: ["admin"] });
  const alice = await mint({ account: "alice", scopes: ["admin"] });
  const add = (url: unknown, more: object = {}, by = key) =>
    ask("/v1/webhooks", { method: "POST", key: by, json: { url, ...more } });
  const made = await add("https://open.test/hook", {}, alice);
  const { id, secret } = JSON.parse(made.text) as { id: string; secret: string };
  const own = JSON.parse((await add("https://open.test/own")).text) as { id: string };
  const moved = JSON.parse(
    (await add("https://open.test/?to=https%3A%2F%2Fshut.test%2F")).text,
  ) as { id: string };

  const hers = (method: string, path: string, json?: object): Attack[] => [
    refused(
      `Alice's: ${method} ${path}`,
      () => ask(`/v1/webhooks/${id}${path}`, { method, key, ...(json && { json }) }),
      MISSING,
    ),
    refused(
      `Alice's by her name: ${method} ${path}`,
      () =>
        ask(`/v1/webhooks/${id}${path}`, { method, key, account: "alice", ...(json && { json }) }),
      FORBIDDEN,
    ),
  ];

  const body = JSON.stringify({ type: "turn.completed", timestamp: "", data: {} });
  const now = Math.floor(Date.now() / 1_000);
  /** A message to a receiver with Alice's secret. */
  const forged = (
    name: string,
    make: (
      sign: (of: { at?: number; text?: string; by?: string }) => Promise<string>,
    ) => Promise<HeadersInit>,
    text = body,
  ): Attack =>
    holds(name, async () => {
      const sign = ({ at = now, text: signed = body, by = secret }) =>
        signWebhook(by, { id: "msg_1", timestamp: String(at), body: signed });
      const headers = new Headers({ "webhook-id": "msg_1", "webhook-timestamp": String(now) });
      new Headers(await make(sign)).forEach((value, header) => headers.set(header, value));
      const request = new Request("https://x.test/", { method: "POST", body: text, headers });
      return verifyWebhook(request, secret).then(
        () => "it was believed",
        () => undefined,
      );
    });

  return {
    controls: [
      holds("Alice's webhook was made", async () =>
        secret?.startsWith("whsec_") ? undefined : made.text,
      ),
      works("is listed for Alice", () => ask("/v1/webhooks", { key: alice })),
      works("is shown to Alice", () => ask(`/v1/webhooks/${id}`, { key: alice })),
      works("with what it was sent", () => ask(`/v1/webhooks/${id}/deliveries`, { key: alice })),
      holds("reaches its host, by its operator's leave", async () => {
        const { text } = await ask(`/v1/webhooks/${own.id}/test`, {
          method: "POST",
          key,
          json: {},
        });
        const came = hosts.asked.some(({ name, url }) => name === "open.test" && url === "/own");
        return came && text.includes('"delivered"') ? undefined : text;
      }),
      holds("what is signed is believed", async () => {
        const signature = await signWebhook(secret, { id: "msg_1", timestamp: String(now), body });
        const headers = {
          "webhook-id": "msg_1",
          "webhook-timestamp": String(now),
          "webhook-signature": signature,
        };
        const request = new Request("https://x.test/", { method: "POST", body, headers });
        return verifyWebhook(request, secret).then(
          () => undefined,
          (error: unknown) => String(error),
        );
      }),
    ],
    attacks: [
      ...[...URLS, ...NO_HTTPS].flatMap((url) => [
        refused(`a new one at ${JSON.stringify(url)}`, () => add(url), REFUSED),
        refused(
          `moved to ${JSON.stringify(url)}`,
          () => ask(`/v1/webhooks/${own.id}`, { method: "PATCH", key, json: { url } }),
          REFUSED,
        ),
      ]),
      ...[1, null, {}, [], "", `https://example.com/${"x".repeat(3_000)}`].map((url) =>
        refused(`the url ${JSON.stringify(url).slice(0, 40)}`, () => add(url), {
          status: 400,
          code: "invalid_request",
        }),
      ),
      ...[["turn.deleted"], [], ["*"], "turn.failed", [1]].map((types) =>
        refused(`the types ${JSON.stringify(types)}`, () => add("https://open.test/", { types }), {
          status: 400,
          code: "invalid_request",
        }),
      ),
      refused("with a secret of her choice", () => add("https://open.test/", { secret }), {
        status: 400,
        code: "invalid_request",
      }),
      ...hers("GET", ""),
      ...hers("PATCH", "", { enabled: false }),
      ...hers("DELETE", ""),
      ...hers("POST", "/rotate", {}),
      ...hers("POST", "/test", {}),
      ...hers("GET", "/deliveries"),
      ...hers("POST", "/resend", {}),
      refused("Alice's, listed", () => ask("/v1/webhooks", { key, account: "alice" }), FORBIDDEN),
      refused(
        "for Alice, by the body",
        () => add("https://open.test/", { accountId: "alice" }),
        FORBIDDEN,
      ),
      refused(
        "another's delivery, sent again",
        () =>
          ask(`/v1/webhooks/${own.id}/resend`, {
            method: "POST",
            key,
            json: { delivery_id: "99" },
          }),
        { status: 404, code: "delivery_not_found" },
      ),
      holds("Alice's, in Mallory's list", async () => {
        const { text } = await ask("/v1/webhooks", { key });
        return text.includes(id) ? text : undefined;
      }),
      holds("a secret, shown again", async () => {
        const seen = await Promise.all(
          ["", `/${id}`, `/${id}/deliveries`].map((path) =>
            ask(`/v1/webhooks${path}`, { key: alice }),
          ),
        );
        return seen.find(({ text }) => text.includes("whsec_"))?.text;
      }),
      holds("a redirect, followed", async () => {
        await ask(`/v1/webhooks/${moved.id}/test`, { method: "POST", key, json: {} });
        return hosts.asked.some(({ name }) => name === "shut.test") ? "it was followed" : undefined;
      }),
      forged("no signature", async () => ({})),
      forged("a signature of another secret", async (sign) => ({
        "webhook-signature": await sign({ by: `whsec_${btoa("x".repeat(32))}` }),
      })),
      forged("a replay of an hour ago", async (sign) => ({
        "webhook-timestamp": String(now - 3_600),
        "webhook-signature": await sign({ at: now - 3_600 }),
      })),
      forged("a replay with a new time", async (sign) => ({
        "webhook-signature": await sign({ at: now - 3_600 }),
      })),
      forged("one of the future", async (sign) => ({
        "webhook-timestamp": String(now + 3_600),
        "webhook-signature": await sign({ at: now + 3_600 }),
      })),
      forged("the signature of another body", async (sign) => ({
        "webhook-signature": await sign({ text: "{}" }),
      })),
      forged("the signature of another message", async (sign) => ({
        "webhook-id": "msg_2",
        "webhook-signature": await sign({}),
      })),
      forged("another version of signatures", async (sign) => ({
        "webhook-signature": (await sign({})).replace("v1,", "v1a,"),
      })),
      forged("half a signature", async (sign) => ({
        "webhook-signature": (await sign({})).slice(0, 20),
      })),
    ],
  };
}
