import type { SecretPlaces } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { newPlaceholder } from "../secrets/placeholder.js";
import { placeholdersOf, withSecrets, type OpenSecret } from "./replace-secrets.js";

const PLACEHOLDER = newPlaceholder({ scope: "account", session: "" });
const OTHER = newPlaceholder({ scope: "deployment", session: "" });
const VALUE = 'sk-"1 2"+/&é';

const secret = (places: SecretPlaces, value = "sk-live-1234", placeholder = PLACEHOLDER) =>
  ({ name: "KEY", scope: "account", placeholder, value, places }) satisfies OpenSecret;

const URL_OF_HOST = "https://api.example.com/v1?q=1";
const post = (body: string, type: string, more: Record<string, string> = {}) =>
  new Request(URL_OF_HOST, {
    method: "POST",
    body,
    headers: { "content-type": type, "content-length": String(body.length), ...more },
  });
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("headers", () => {
  test.each([
    ["authorization", `Bearer ${PLACEHOLDER}`, "Bearer sk-live-1234"],
    ["x-api-key", PLACEHOLDER, "sk-live-1234"],
    [
      "cookie",
      `a=1; token=${PLACEHOLDER}; b=${PLACEHOLDER}`,
      "a=1; token=sk-live-1234; b=sk-live-1234",
    ],
    [
      "authorization",
      `Basic ${base64(`user:${PLACEHOLDER}`)}`,
      `Basic ${base64("user:sk-live-1234")}`,
    ],
    ["authorization", `basic ${base64(`${PLACEHOLDER}:`)}`, `basic ${base64("sk-live-1234:")}`],
    ["authorization", "Basic %%%", "Basic %%%"],
    ["authorization", `Basic ${base64("user:pass")}`, `Basic ${base64("user:pass")}`],
    ["x-other", `Basic ${base64(PLACEHOLDER)}`, `Basic ${base64(PLACEHOLDER)}`],
    ["x-api-key", OTHER, OTHER],
    ["x-api-key", PLACEHOLDER.slice(0, -1), PLACEHOLDER.slice(0, -1)],
  ])("%s: %s", (name, before, after) => {
    const given = new Request(URL_OF_HOST, { headers: { [name]: before } });
    expect(withSecrets(given, [secret({ header: true })]).request.headers.get(name)).toBe(after);
  });

  test("a secret for one header goes into no other", () => {
    const headers = { "x-key": PLACEHOLDER, authorization: `Basic ${base64(`u:${PLACEHOLDER}`)}` };
    const { request } = withSecrets(new Request(URL_OF_HOST, { headers }), [
      secret({ header: "X-Key" }),
    ]);
    expect(request.headers.get("x-key")).toBe("sk-live-1234");
    expect(request.headers.get("authorization")).toBe(headers.authorization);
  });

  test("a secret for other places goes into none", () => {
    const given = new Request(URL_OF_HOST, { headers: { "x-key": PLACEHOLDER } });
    const answer = withSecrets(given, [secret({ query: true, body: true })]);
    expect(answer.request).toBe(given);
    expect(answer.sent).toEqual([]);
  });
});

describe("the query", () => {
  const url = `https://api.example.com/${PLACEHOLDER}/x?key=${PLACEHOLDER}&key=${PLACEHOLDER}#h`;

  test("holds a secret only if that was asked for, encoded; the path never", () => {
    const queried = withSecrets(new Request(url), [secret({ query: true }, VALUE)]).request;
    expect(new URL(queried.url).searchParams.getAll("key")).toEqual([VALUE, VALUE]);
    expect(new URL(queried.url).pathname).toBe(`/${PLACEHOLDER}/x`);
    const given = new Request(url);
    expect(withSecrets(given, [secret({ header: true, body: true })]).request).toBe(given);
  });
});

describe("a body", () => {
  test("is left alone, with its length, unless a secret is for bodies", () => {
    const given = post(PLACEHOLDER, "text/plain");
    expect(withSecrets(given, [secret({ header: true })]).request).toBe(given);
  });

  test.each([
    ["application/json; charset=utf-8", `{"key":"${PLACEHOLDER}"}`, JSON.stringify({ key: VALUE })],
    ["application/vnd.api+json", `"${PLACEHOLDER}"`, JSON.stringify(VALUE)],
    [
      "application/x-www-form-urlencoded",
      `a=1&key=${PLACEHOLDER}`,
      `a=1&key=${encodeURIComponent(VALUE)}`,
    ],
    ["text/plain", PLACEHOLDER, VALUE],
    ["", `<k>${PLACEHOLDER}</k>`, `<k>${VALUE}</k>`],
  ])("of type %s has the value as that type writes it", async (type, before, after) => {
    const { request } = withSecrets(post(before, type), [secret({ body: true }, VALUE)]);
    expect(await request.text()).toBe(after);
    expect(request.headers.get("content-length")).toBeNull();
    expect(request.method).toBe("POST");
  });

  test("that comes in pieces is replaced across them", async () => {
    const text = `{"a":"${PLACEHOLDER}","b":"${OTHER}"}`;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of new TextEncoder().encode(text)) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    const { request } = withSecrets(new Request(URL_OF_HOST, init), [secret({ body: true })]);
    expect(await request.text()).toBe(`{"a":"sk-live-1234","b":"${OTHER}"}`);
  });

  test("that is compressed passes as it is", async () => {
    const given = post(PLACEHOLDER, "text/plain", { "content-encoding": "gzip" });
    const { request } = withSecrets(given, [secret({ body: true })]);
    expect(request).toBe(given);
    expect(await request.text()).toBe(PLACEHOLDER);
  });
});

test("what was sent is known in each spelling that it can come back in", () => {
  const authorization = `Basic ${base64(`u:${PLACEHOLDER}`)}`;
  const { sent } = withSecrets(new Request(URL_OF_HOST, { headers: { authorization } }), [
    secret({ header: true }, 'a"b c'),
  ]);
  expect(sent.map(({ text }) => text)).toEqual([
    'a"b c',
    'a\\"b c',
    'a\\\\\\"b c',
    "a%22b%20c",
    "a%22b+c",
    base64('u:a"b c'),
  ]);
});

test("placeholders are found in headers, Basic ones too, and in the URL", () => {
  const third = newPlaceholder({ scope: "session", session: crypto.randomUUID() });
  const headers = { authorization: `Basic ${base64(`u:${PLACEHOLDER}`)}`, "x-key": `a${OTHER}b` };
  const request = new Request(`https://api.example.com/?k=${third}`, { headers });
  expect(placeholdersOf(request).toSorted()).toEqual([PLACEHOLDER, OTHER, third].toSorted());
  expect(placeholdersOf(new Request(URL_OF_HOST))).toEqual([]);
});
