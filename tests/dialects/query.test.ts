import { randomUUID } from "node:crypto";

import { describe, expect, test } from "vitest";

import { curl } from "../support/curl.js";
import { useDialects } from "../support/dialects.js";
import { all } from "../support/tokens.js";

const edge = useDialects();
const ACCOUNT = "query";

/** The line of that system's README, as it is. */
const README = `curl -X POST http://localhost:8787/query \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -d '{"query": "What is 2+2?"}'`;
const HEALTH = `curl -s "http://localhost:$PORT/health"`;

const here = (line: string, key = edge.stack.token) => {
  const { port } = new URL(edge.stack.url);
  return line
    .replaceAll(/localhost:(8787|\$PORT)/g, `127.0.0.1:${port}`)
    .replaceAll("YOUR_API_KEY", key);
};

interface Answer {
  success: boolean;
  response?: string;
  error?: string;
  code?: string;
  request_id?: string;
}

async function read(response: Response): Promise<Answer & { status: number }> {
  const answer = (await response.json()) as Answer;
  const id = response.headers.get("x-request-id");
  expect(answer.request_id ?? id).toBe(id);
  expect(answer.success).toBe(response.ok);
  return { ...answer, status: response.status };
}

const say = async (body: object, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  read(await edge.fetch("/query", { json: body, headers, ...init }));

const ask = (query: string) => say({ query, accountId: ACCOUNT });

const sessions = () => all(edge.client(ACCOUNT).sessions.list());

describe("a query", () => {
  test("by the curl line of its README, with a token of an account", async () => {
    const token = await edge.mint(ACCOUNT, { scopes: ["query"] });
    const { status, headers, body } = await curl(here(README, token));
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(body)).toEqual({
      success: true,
      response: expect.stringContaining("What is 2+2?"),
    });
    expect(await sessions()).toMatchObject([{ title: expect.stringContaining("What is 2+2?") }]);
  });

  test("is a conversation of its own", async () => {
    const { response } = await ask("What did I say earlier?");
    expect(response).toContain("What did I say earlier?");
    expect(response).not.toContain("2+2");
    expect(await sessions()).toHaveLength(2);
  });

  test("that needs a permission is refused it, as there is nobody to give it", async () => {
    const prompt = '%tool Bash {"command":"node -e 1"}\n%say Query went on.';
    expect(await ask(prompt)).toMatchObject({ response: "Query went on." });
    expect(await edge.lastToolResult("Query went on.")).toMatchObject({
      is_error: true,
      content: expect.stringContaining("requires approval"),
    });
  });

  test("that fails is no success", async () => {
    const answer = await ask("%error 400");
    expect(answer).toMatchObject({
      success: false,
      code: "model_invalid_request",
      status: 502,
      error: expect.stringContaining("400"),
    });
    expect(answer).not.toHaveProperty("response");
  });

  test("goes on without its client, who is told what came of it by the same key", async () => {
    const before = (await sessions()).length;
    const headers = { "idempotency-key": randomUUID() };
    const body = { query: "%wait 1000\n%say Query alone.", accountId: ACCOUNT };
    const leave = new AbortController();
    const asked = say(body, headers, { signal: leave.signal });
    await edge.untilAsked("%say Query alone.");
    leave.abort();
    await expect(asked).rejects.toThrow("abort");
    const answers = await Promise.all([say(body, headers), say(body, headers)]);
    for (const answer of answers) expect(answer).toMatchObject({ response: "Query alone." });
    expect(await sessions()).toHaveLength(before + 1);
    expect(await edge.untilEnded(ACCOUNT)).toBe("completed");
    const other = await say({ ...body, query: "%say Twice." }, headers);
    expect(other).toMatchObject({ success: false, status: 409, code: "idempotency_conflict" });
  });
});

test("the README's health check", async () => {
  const { status, body } = await curl(here(HEALTH));
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ status: "ok" });
});

describe("what is refused, in its own words", () => {
  test("a body that will not do", async () => {
    expect(await say({ query: " " })).toMatchObject({ status: 400, code: "prompt_empty" });
    expect(await say({ query: "x", promt: "y" })).toMatchObject({
      success: false,
      status: 400,
      code: "invalid_request",
      error: "promt: there is no such field",
    });
  });

  test("another content type, as curl has it without a header", async () => {
    const line = here(README).replace(/ -H "Content-Type.*\n/, " \\\n");
    const { status, body } = await curl(line);
    expect(status).toBe(415);
    expect(JSON.parse(body)).toMatchObject({ success: false, code: "unsupported_media_type" });
  });

  test("no key, and a wrong one", async () => {
    const without = await curl(here(README).replace(/ -H "Authorization.*\n/, " \\\n"));
    expect(without.status).toBe(401);
    expect(JSON.parse(without.body)).toMatchObject({
      success: false,
      error: "The request carries no key.",
      code: "unauthorized",
      request_id: without.headers.get("x-request-id"),
    });
    const wrong = await say({ query: "x" }, { authorization: "Bearer wrong" });
    expect(wrong).toMatchObject({ success: false, status: 401, code: "unauthorized" });
  });

  test("a token for another account, and one without the scope", async () => {
    const bearer = async (options?: Parameters<typeof edge.mint>[1]) => ({
      authorization: `Bearer ${await edge.mint(ACCOUNT, options)}`,
    });
    const forbidden = { success: false, status: 403, code: "forbidden" };
    const other = { query: "x", accountId: "default" };
    expect(await say(other, await bearer({ scopes: ["query"] }))).toMatchObject(forbidden);
    const reader = await bearer({ scopes: ["sessions:read"] });
    expect(await say({ query: "x" }, reader)).toMatchObject(forbidden);
  });
});

test("the key may come as x-api-key", async () => {
  const init = { method: "POST", body: "{}" };
  const headers = { "content-type": "application/json", "x-api-key": edge.stack.token };
  const response = await fetch(`${edge.stack.url}/query`, { ...init, headers });
  expect(await read(response)).toMatchObject({ status: 400, code: "prompt_empty" });
});
