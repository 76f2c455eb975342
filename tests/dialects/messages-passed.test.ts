import { randomUUID } from "node:crypto";

import { mintToken, type MintTokenOptions } from "@claude-edge/client/tokens";
import { describe, expect, test } from "vitest";

import { anthropic, ask, failure, hasNoContainer } from "../support/anthropic.js";
import { claims, signWith } from "../support/signing.js";
import { useStack } from "../support/stack.js";
import { outcome } from "../support/tokens.js";

const edge = useStack();
const model = () => edge.stack.model;
const ACCOUNT = "messages-passed";

const mint = (options: Partial<MintTokenOptions> & { account: string }) =>
  mintToken({ rootKey: edge.stack.token, ...options });
const sign = (of: object) => signWith(edge.stack.token, of);

/** The same request here, or to the model itself. */
const send = (
  to: "worker" | "model",
  body: BodyInit,
  { path = "/v1/messages", headers = {} }: { path?: string; headers?: Record<string, string> } = {},
) => {
  const { url, key } = to === "model" ? model() : { url: edge.stack.url, key: edge.stack.token };
  return fetch(`${url}${path}`, {
    method: "POST",
    body,
    headers: {
      "x-api-key": key,
      "content-type": "application/json",
      "x-account-id": ACCOUNT,
      ...headers,
    },
  });
};

/** Of what the model numbers, the number. */
const unnumbered = (text: string) => text.replaceAll(/\d{8}/g, "n");

describe("nothing is lost on the way to the model", () => {
  test("odd JSON arrives as it was written", async () => {
    const body = `\n{ "messages":[ {"role":"user", "content":"%say \\u0041 odd 🐘"}],\t"model":"m", "max_tokens":1e2, "stream":false,"unknown":{"x":[null]},"max_tokens":100 }\r\n`;
    expect((await send("worker", body)).status).toBe(200);
    expect((await edge.asked("odd 🐘")).at(-1)!.text).toBe(body);
  });

  test.each([
    ["no JSON at all", "not json"],
    ["nothing", ""],
    ["half of it", '{"model":"m","messages":[{"role":"user","content":"%say'],
  ])("%s is the model's to refuse", async (_name, body) => {
    const there = await send("worker", body);
    const here = await send("model", body);
    expect(there.status).toBe(here.status);
    expect(unnumbered(await there.text())).toBe(unnumbered(await here.text()));
  });

  test("a body of many megabytes", async () => {
    const [block] = ask("%say Big and passed.").messages;
    const data = "AbCd".repeat(3_000_000);
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
    const body = JSON.stringify({
      ...ask(""),
      messages: [{ role: "user", content: [image, { type: "text", text: block!.content }] }],
    });
    expect((await send("worker", body)).status).toBe(200);
    expect((await edge.asked("Big and passed.")).at(-1)!.text === body).toBe(true);
  });

  test("headers and query, but for those that speak of somebody", async () => {
    const passed = {
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "one-2026-01-01,two-2026-02-02",
      "user-agent": "a client/1.0",
      "x-stainless-lang": "js",
      "x-of-its-own": "kept",
    };
    const held = {
      authorization: `Bearer ${edge.stack.token}`,
      "x-api-key": "somebody's own",
      cookie: "session=1",
      "cf-connecting-ip": "203.0.113.1",
      "cf-ray": "1",
      "x-forwarded-for": "203.0.113.1",
      "x-forwarded-host": "inside",
      "x-real-ip": "203.0.113.1",
      forwarded: "for=203.0.113.1",
      "true-client-ip": "203.0.113.1",
      via: "1.1 somewhere",
      "x-account-id": "messages-headers",
      "idempotency-key": "k",
    };
    const path = "/v1/messages?beta=true&x=%20y";
    const answer = await send("worker", JSON.stringify(ask("%say Headers.")), {
      path,
      headers: { ...passed, ...held },
    });
    expect(answer.status).toBe(200);
    const seen = (await edge.asked("%say Headers.")).at(-1)!;
    expect(seen.path).toBe(path);
    expect(seen.headers).toMatchObject({ ...passed, "x-api-key": model().key });
    const none = Object.keys(held).filter((name) => seen.headers[name] !== undefined);
    expect(none).toEqual(["x-api-key"]);
    const values = JSON.stringify(seen.headers);
    for (const secret of [edge.stack.token, "203.0.113.1", "somebody's own", "messages-headers"]) {
      expect(values).not.toContain(secret);
    }
    // workerd itself adds one, which names the zone that a Worker is of.
    const ofTheWay = /^(cf-(?!worker$)|x-forwarded-)/;
    expect(Object.keys(seen.headers).filter((name) => ofTheWay.test(name))).toEqual([]);
  });
});

describe("nothing is lost on the way back", () => {
  /** Headers of a connection, and not of what is said over it. */
  const ABOUT_THE_WAY = /^(connection|keep-alive|date|transfer-encoding|content-length)$/;
  const told = ({ headers }: Response) =>
    Object.fromEntries([...headers].map(([name, value]) => [name, unnumbered(value)]));
  test.each([
    ["%say Whole.", {}],
    ["%think Hm.\n%say Piece by piece 🐘.\n%tool t {}", { stream: true }],
    ["%error 429 1 7", {}],
    ["%error 400", { stream: true }],
    ["%error 500", {}],
  ])("%j %o", async (prompt, rest) => {
    const body = JSON.stringify(ask(prompt, rest));
    // Tries are counted by what was said, so that the model is asked of each by its own.
    const there = await send("worker", body, { headers: { "x-claude-code-session-id": "a" } });
    const here = await send("model", body, { headers: { "x-claude-code-session-id": "b" } });
    expect(there.status).toBe(here.status);
    expect(unnumbered(await there.text())).toBe(unnumbered(await here.text()));
    const expected = Object.entries(told(here)).filter(([name]) => !ABOUT_THE_WAY.test(name));
    expect(told(there)).toMatchObject(Object.fromEntries(expected));
    expect(there.headers.get("anthropic-ratelimit-requests-remaining")).toBe("999");
    // Its own id, beside the model's.
    expect(there.headers.get("x-request-id")).toMatch(/^req_/);
  });
});

describe("who may", () => {
  const paths: [method: string, path: string][] = [
    ["POST", "/v1/messages"],
    ["POST", "/v1/messages/count_tokens"],
    ["GET", "/v1/models"],
    ["GET", "/v1/models/claude-haiku-4-5"],
  ];
  const asked = async (
    token: string,
    method: string,
    path: string,
    headers = {},
    said = "%say Yes.",
  ) => {
    const answer = await fetch(`${edge.stack.url}${path}`, {
      method,
      headers: { "x-api-key": token, "content-type": "application/json", ...headers },
      ...(method === "POST" ? { body: JSON.stringify(ask(said)) } : {}),
    });
    const body = (await answer.json()) as { error?: { type: string; code: string } };
    return { status: answer.status, type: body.error?.type, code: body.error?.code };
  };
  const REFUSED = { status: 403, type: "permission_error", code: "forbidden" };

  test.each(paths)("%s %s takes the scope query", async (method, path) => {
    const session = randomUUID();
    const holds = (scope: string, more: object = {}) => sign(claims({ scope, ...more }));
    expect(await asked(holds("query"), method, path)).toMatchObject({ status: 200 });
    expect(await asked(holds("admin"), method, path)).toMatchObject({ status: 200 });
    for (const scope of ["sessions:read sessions:write requests:answer files", ""]) {
      expect(await asked(holds(scope), method, path)).toEqual(REFUSED);
    }
    expect(await asked(holds("query", { sid: session }), method, path)).toEqual(REFUSED);
    const another = await asked(holds("query"), method, path, { "x-account-id": "grace" });
    expect(another).toEqual(REFUSED);
    const expired = holds("query", { exp: 1 });
    expect(await asked(expired, method, path)).toMatchObject({ status: 401 });
  });

  test.each(paths)("%s %s ends with a token's revocation", async (method, path) => {
    const token = await mint({ scopes: ["query"], account: "messages-leavers" });
    expect(await asked(token, method, path)).toMatchObject({ status: 200 });
    const [, payload = ""] = token.split(".");
    const { jti } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { jti: string };
    await edge.fetch(`/v1/tokens/${jti}`, { method: "DELETE", account: "messages-leavers" });
    expect(await asked(token, method, path)).toMatchObject({
      status: 401,
      type: "authentication_error",
    });
  });

  test("the model is asked of none who may not", async () => {
    const said = "%say Asked by none who may not.";
    for (const token of [
      "nobody",
      sign(claims({ scope: "" })),
      sign(claims({ scope: "query", sid: randomUUID() })),
    ]) {
      await asked(token, "POST", "/v1/messages", {}, said);
    }
    expect(await edge.asked(said)).toEqual([]);
  });

  test.each([
    ["GET", "/v1/messages", 405],
    ["POST", "/v1/models", 405],
    ["DELETE", "/v1/models/claude-haiku-4-5", 405],
    ["POST", "/v1/messages/batches", 404],
    ["POST", "/v1/complete", 404],
    ["GET", "/v1/files", 404],
    ["GET", "/v1/models/a%2F..%2F..%2Ffiles", 404],
    ["GET", "/v1/models/%2e%2e", 404],
  ])("%s %s is no route of it", async (method, path, status) => {
    expect((await edge.fetch(path, { method })).status).toBe(status);
  });
});

describe("an account's budget", () => {
  const limit = (account: string, json: object) =>
    edge.fetch("/v1/limits", { method: "PATCH", account, json });

  test("spent, it is a 402, which no client tries again", async () => {
    await limit("messages-broke", { tokens_per_day: 1 });
    const client = anthropic(edge, await mint({ account: "messages-broke" })).withOptions({
      maxRetries: 3,
    });
    await client.messages.create(ask("%say The last one."));
    const error = await failure(client.messages.create(ask("%say One more than paid for.")));
    expect(error).toMatchObject({
      status: 402,
      type: "billing_error",
      errorCode: "budget_spent",
    });
    expect(error.message).toContain("budget of today");
    expect(await edge.asked("One more than paid for.")).toEqual([]);
  });

  test("requests of a minute, a 429 that says when", async () => {
    await limit("messages-hasty", { requests_per_minute: 1 });
    const client = anthropic(edge, await mint({ account: "messages-hasty" }));
    await client.messages.create(ask("%say Once."));
    const error = await failure<{ headers: Headers }>(client.models.list());
    expect(error).toMatchObject({ status: 429, type: "rate_limit_error" });
    expect(Number(error.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("what was used is counted to the token, streamed or not", async () => {
    const client = anthropic(edge, await mint({ account: "messages-counted" }));
    const sums = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0 };
    const add = ({ usage }: { usage: { [Name in keyof typeof sums]: number | null } }) => {
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) {
        sums[name] += usage[name] ?? 0;
      }
    };
    for (const prompt of ["%say One.", "%cache 900 100\n%tokens 40", "%tool t {}"]) {
      add(await client.messages.create(ask(prompt)));
      add(await client.messages.stream(ask(prompt)).finalMessage());
    }
    await failure(client.messages.create(ask("%error 500")));
    await client.messages.countTokens(ask("%say Costs nothing."));
    const report = await usageOf("messages-counted");
    expect(report.groups).toMatchObject([
      { key: "claude-haiku-4-5", ...sums, cache_creation_input_tokens: 200 },
    ]);
  });

  const usageOf = async (account: string) => {
    const answer = await edge.fetch("/v1/usage?group=model", { account });
    return (await answer.json()) as { groups: object[] };
  };
});

test("an account is named by the root key, and by nobody else", async () => {
  const answer = await send("worker", JSON.stringify(ask("%say Hi.")), {
    headers: { "x-account-id": "no/such name" },
  });
  expect(await outcome(answer)).toMatchObject({ status: 400, code: "invalid_request" });
});

// The last one: nothing of all this is a container's matter.
test("no container was started", async () => {
  for (const account of [ACCOUNT, "messages-counted"]) {
    expect(await hasNoContainer(edge, account)).toBe(true);
  }
});
