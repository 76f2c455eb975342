import { randomUUID } from "node:crypto";

import { describe, expect, test } from "vitest";

import { curl } from "../support/curl.js";
import { useDialects, wrongBodies } from "../support/dialects.js";
import { all } from "../support/tokens.js";

const edge = useDialects("query,claude-code,conversations");

/** The lines of that system's README and of its test script, as they are. */
const README = `curl -X POST http://localhost:8787/query \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -d '{"query": "What is 2+2?"}'`;
const TEST_SCRIPT = `curl -s -X POST "http://localhost:$PORT/query" \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer $API_KEY" \\
  -d '{"query": "What is 2+2? Just the number."}'`;
const HEALTH = `curl -s "http://localhost:$PORT/health"`;

const here = (line: string) => {
  const { port } = new URL(edge.stack.url);
  return line
    .replaceAll(/localhost:(8787|\$PORT)/g, `127.0.0.1:${port}`)
    .replaceAll(/YOUR_API_KEY|\$API_KEY/g, edge.stack.token);
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

const ask = async (query: string, accountId?: string, init: RequestInit = {}) =>
  read(await edge.fetch("/query", { json: { query, accountId }, ...init }));

const post = async (body: string, headers: Record<string, string> = {}) =>
  read(
    await edge.fetch("/query", {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers },
    }),
  );

const say = (body: object, headers: Record<string, string>) => post(JSON.stringify(body), headers);

describe("the curl lines of its README", () => {
  test.each([
    ["README", README],
    ["test script", TEST_SCRIPT],
  ])("%s", async (_what, line) => {
    const { status, headers, body } = await curl(here(line));
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(body)).toEqual({
      success: true,
      response: expect.stringContaining("What is 2+2?"),
    });
    const titles = (await all(edge.client("default").sessions.list())).map(({ title }) => title);
    expect(titles[0]).toContain("What is 2+2?");
  });

  test("its health check", async () => {
    const { status, body } = await curl(here(HEALTH));
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ status: "ok" });
  });
});

describe("one account after the other, accounts side by side", () => {
  test("a second query waits for the first, that of another account does not", async () => {
    // Their containers are there: no start's time is to count.
    await Promise.all([ask("%say Warm.", "one"), ask("%say Warm.", "two")]);
    const order: string[] = [];
    const then = (name: string, asked: Promise<Answer>) =>
      asked.then(({ response }) => order.push(`${name}: ${response}`));
    const first = then("first", ask("%wait 6000\n%say One.", "one"));
    await edge.untilAsked("%wait 6000");
    const second = then("second", ask("%say Two.", "one"));
    const other = then("other", ask("%say Three.", "two"));
    await Promise.all([first, second, other]);
    expect(order).toEqual(["other: Three.", "first: One.", "second: Two."]);
  });

  test("each query is a conversation of its own", async () => {
    await ask("My dog is called Rex.", "apart");
    expect((await ask("What did I say earlier?", "apart")).response).not.toContain("Rex");
    expect(await all(edge.client("apart").sessions.list())).toHaveLength(2);
  });
});

describe("what cannot be asked", () => {
  test.each([
    ...wrongBodies("query"),
    ["no query", {}, 400, "prompt_empty"] as const,
    ["an account that is none", { query: "x", accountId: "a/b" }, 400, "invalid_request"] as const,
  ])("%s", async (_what, body, status, code) => {
    const answer = await post(JSON.stringify(body));
    expect(answer).toMatchObject({ success: false, status, code, error: expect.any(String) });
  });

  test.each(["{", "", "query=x"])("what is no JSON: %j", async (text) => {
    expect(await post(text)).toMatchObject({ success: false, status: 400, code: "invalid_json" });
  });

  test("another content type, as curl has it without a header", async () => {
    const line = here(README)
      .replace(/ -H "Content-Type.*\n/, "\\\n")
      .replace("\\\n\\\n", "\\\n");
    const { status, body } = await curl(line);
    expect(status).toBe(415);
    expect(JSON.parse(body)).toMatchObject({ success: false, code: "unsupported_media_type" });
  });
});

describe("who may ask", () => {
  test("without the key, and with a wrong one", async () => {
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

  test("a token is for its account, and needs the scope", async () => {
    const token = await edge.mint("tenant", { scopes: ["query"] });
    const bearer = { authorization: `Bearer ${token}` };
    expect(await say({ query: "%say Mine." }, bearer)).toEqual({
      status: 200,
      success: true,
      response: "Mine.",
    });
    expect(await all(edge.client("tenant").sessions.list())).toHaveLength(1);
    expect(await say({ query: "x", accountId: "default" }, bearer)).toMatchObject({
      success: false,
      status: 403,
      code: "forbidden",
    });
    const reader = await edge.mint("tenant", { scopes: ["sessions:read"] });
    expect(await say({ query: "x" }, { authorization: `Bearer ${reader}` })).toMatchObject({
      success: false,
      status: 403,
      code: "forbidden",
    });
  });

  test("the key as x-api-key", async () => {
    const response = await fetch(`${edge.stack.url}/query`, {
      method: "POST",
      body: JSON.stringify({ query: "%say Fine." }),
      headers: { "content-type": "application/json", "x-api-key": edge.stack.token },
    });
    expect(await read(response)).toMatchObject({ success: true, response: "Fine." });
  });
});

describe("never a false success", () => {
  test.each([
    ["%error 429", "model_rate_limited", 503],
    ["%error 500", "model_error", 502],
    ["%error 401", "model_auth_failed", 502],
    ["%refuse", "model_refused", 422],
  ])("%s is %s", async (prompt, code, status) => {
    const answer = await ask(prompt, "errors");
    expect(answer).toMatchObject({ success: false, code, status, error: expect.any(String) });
    expect(answer).not.toHaveProperty("response");
  });

  test("a container that is killed", async () => {
    const asked = ask("%say Half.\n%wait 60000\n%say Whole.", "killed");
    await edge.untilAsked("%say Half.");
    await edge.killContainer();
    expect(await asked).toMatchObject({ success: false, status: 502, code: "container_lost" });
    expect(await ask("%say Up again.", "killed")).toMatchObject({ response: "Up again." });
  });

  test("a permission that nobody can give is refused, and nothing waits", async () => {
    const prompt = '%tool Bash {"command":"node -e 1"}\n%say Went on.';
    expect(await ask(prompt, "permission")).toMatchObject({ response: "Went on." });
    expect(edge.lastToolResult()).toMatchObject({
      is_error: true,
      content: expect.stringContaining("requires approval"),
    });
  });
});

test("who leaves does not stop the turn", async () => {
  const leave = new AbortController();
  const asked = ask("%wait 1500\n%say Alone.", "left", { signal: leave.signal });
  await edge.untilAsked("%say Alone.");
  leave.abort();
  await expect(asked).rejects.toThrow("abort");
  expect(await edge.untilEnded("left")).toBe("completed");
});

test("the same idempotency key is the same query", async () => {
  const headers = { "idempotency-key": randomUUID() };
  const body = { query: "%say Once.", accountId: "twice" };
  const answers = await Promise.all([say(body, headers), say(body, headers)]);
  for (const answer of answers) expect(answer).toMatchObject({ response: "Once." });
  expect(await all(edge.client("twice").sessions.list())).toHaveLength(1);
  const other = await say({ ...body, query: "%say Twice." }, headers);
  expect(other).toMatchObject({ success: false, status: 409, code: "idempotency_conflict" });
});
