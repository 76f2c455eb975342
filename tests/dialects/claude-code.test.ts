import { randomUUID } from "node:crypto";

import { isTerminal } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { claudeCodeClient, known, lines, type How, type Message } from "../support/claude-code.js";
import { useDialects } from "../support/dialects.js";
import { all } from "../support/tokens.js";

const edge = useDialects("query,claude-code,conversations");
const { send, stream, whole } = claudeCodeClient(edge);

describe("a stream", () => {
  test("is the default: the Agent SDK's messages unchanged, the result last", async () => {
    const response = await send({ prompt: "%say It is 4." }, { account: "stream" });
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    const messages = await all(lines(response.body!));
    const { id } = await edge.newest("stream");
    expect(known(messages)[0]).toMatchObject({
      type: "system",
      subtype: "init",
      session_id: id,
    });
    expect(messages.at(-1)).toMatchObject({
      type: "result",
      subtype: "success",
      is_error: false,
      result: "It is 4.",
      session_id: id,
    });
    const events = await all(edge.client("stream").sessions.open(id).events({ follow: false }));
    const end = events.findIndex((event) => isTerminal(event));
    const stored = events
      .slice(0, end)
      .flatMap((event) => (event.kind === "message" ? [event.message] : []));
    expect(messages).toEqual(stored);
  });

  test("by outputFormat, which counts before stream", async () => {
    const streamed = await stream({
      prompt: "%say a",
      stream: false,
      outputFormat: "stream-json",
      inputFormat: "text",
    });
    expect(streamed.at(-1)).toMatchObject({ type: "result", result: "a" });
    const one = await whole({ prompt: "%say b", stream: true, outputFormat: "json" });
    expect(one).toMatchObject({ type: "result", result: "b" });
  });

  test("shows tools as they are called", async () => {
    const prompt = '%tool Write {"file_path":"a.txt","content":"a"}\n%say Written.';
    const types = known(await stream({ prompt })).map(({ type }) => type);
    expect(types.filter((type) => type !== "system")).toEqual([
      "assistant",
      "user",
      "assistant",
      "result",
    ]);
  });

  test("comes line by line while the turn runs", async () => {
    const response = await send({ prompt: "%wait 3000\n%say Late." });
    const reader = lines(response.body!);
    let first = await reader.next();
    while (first.value?.subtype !== "init") first = await reader.next();
    // The model still waits: the answer is not there.
    expect((await edge.newest("default")).status).toBe("running");
    expect((await all(reader)).at(-1)).toMatchObject({ type: "result", result: "Late." });
  });

  test("a long answer is whole", async () => {
    const messages = await stream({ prompt: "%bytes 2000000" });
    expect(String(messages.at(-1)!.result).length).toBeGreaterThan(1_990_000);
  });
});

describe("one JSON answer", () => {
  test("is the result message, with what its README names beside", async () => {
    const answer = await whole({ prompt: "%say It is 4." }, { account: "json" });
    expect(answer).toMatchObject({
      status: 200,
      type: "result",
      subtype: "success",
      result: "It is 4.",
      sessionId: (await edge.newest("json")).id,
      session_id: (await edge.newest("json")).id,
      cost_usd: expect.any(Number),
      duration_ms: expect.any(Number),
      num_turns: 1,
    });
    expect(answer.cost_usd).toBe(answer.total_cost_usd);
    expect(answer).not.toHaveProperty("messages");
  });

  test("with all messages when verbose", async () => {
    const { messages } = await whole({ prompt: "%say Loud.", verbose: true });
    const types = known(messages as Message[]).map(({ type }) => type);
    expect(types[0]).toBe("system");
    expect(types).toContain("assistant");
    expect(types.at(-1)).toBe("result");
  });
});

describe("sessions", () => {
  const remembers = async (body: object, how?: How) =>
    String((await whole({ prompt: "What did I say earlier?", ...body }, how)).result);

  test("a sessionId of any form is a conversation, made when it is new", async () => {
    const how = { account: "named" };
    const first = await whole({ prompt: "My boat is called Vega.", sessionId: "demo-abc123" }, how);
    expect(first).toMatchObject({ sessionId: "demo-abc123", session_id: expect.any(String) });
    expect(await remembers({ sessionId: "demo-abc123" }, how)).toContain("Vega");
    expect(await remembers({ sessionId: "demo-abc123", continueSession: true }, how)).toContain(
      "Vega",
    );
    expect(await remembers({ sessionId: "demo-abc124" }, how)).not.toContain("Vega");
    // The id that the messages name leads there too.
    expect(await remembers({ resumeSessionId: first.session_id }, how)).toContain("Vega");
    expect(await remembers({ resumeSessionId: "demo-abc123" }, how)).toContain("Vega");
    // In another account the same name is another conversation.
    expect(await remembers({ sessionId: "demo-abc123" }, { account: "other" })).not.toContain(
      "Vega",
    );
  });

  test("a UUID is the session's id itself", async () => {
    const sessionId = randomUUID();
    const answer = await whole({ prompt: "%say x", sessionId });
    expect(answer).toMatchObject({ sessionId, session_id: sessionId });
  });

  test("two at once with a new id are one conversation", async () => {
    const body = { prompt: "%say Both.", sessionId: "race" };
    const answers = await Promise.all([whole(body), whole(body)]);
    expect(answers.map(({ result }) => result)).toEqual(["Both.", "Both."]);
    expect(answers[0]!.session_id).toBe(answers[1]!.session_id);
  });

  test("continueSession goes on with the newest, and begins where there is none", async () => {
    const how = { account: "continue" };
    const begun = await whole({ prompt: "My cat is called Tom.", continueSession: true }, how);
    expect(begun.status).toBe(200);
    expect(await remembers({ continueSession: true }, how)).toContain("Tom");
    expect(await remembers({}, how)).not.toContain("Tom");
  });

  test("a session that is not there, another tenant's, a deleted one", async () => {
    const missing = { status: 404, type: "error", code: "session_not_found" };
    const prompt = "x";
    expect(await whole({ prompt, resumeSessionId: randomUUID() })).toMatchObject(missing);
    expect(await whole({ prompt, resumeSessionId: "never-heard-of" })).toMatchObject(missing);

    const { session_id } = await whole({ prompt: "%say Secret." }, { account: "victim" });
    const token = await edge.mint("mallory");
    const headers = { authorization: `Bearer ${token}` };
    expect(await whole({ prompt, resumeSessionId: session_id }, { headers })).toMatchObject(
      missing,
    );
    await edge.client("victim").sessions.open(String(session_id)).delete();
    expect(
      await whole({ prompt, resumeSessionId: session_id }, { account: "victim" }),
    ).toMatchObject(missing);
  });

  test("one that asks its caller for permissions is refused", async () => {
    const { id } = await edge.client("asking").sessions.create({ canUseTool: async () => never() });
    const answer = await whole({ prompt: "x", sessionId: id }, { account: "asking" });
    expect(answer).toMatchObject({ status: 400, code: "invalid_request" });
    expect(answer.message).toContain("asks for permissions");
  });
});

function never(): never {
  throw new Error("nobody is to be asked");
}

describe("never a false success", () => {
  test.each([
    [{ prompt: "%error 529" }, "model_overloaded", 503],
    [{ prompt: "%error 400" }, "model_invalid_request", 502],
    [{ prompt: "%refuse" }, "model_refused", 422],
    [{ prompt: '%tool Bash {"command":"true"}\n%say a\n%say b', maxTurns: 1 }, "max_turns", 422],
  ])("%j", async (body, code, status) => {
    const messages = await stream(body);
    expect(messages.at(-1)).toMatchObject({
      type: "error",
      error: code,
      code,
      message: expect.any(String),
      retryable: expect.any(Boolean),
      details: { session_id: expect.any(String), turn_id: expect.any(String) },
    });
    expect(messages.filter(({ type }) => type === "result")).toEqual([]);
    expect(await whole(body)).toMatchObject({ status, type: "error", code });
  });

  test("a container that is killed in mid-turn, streaming or not", async () => {
    const prompt = "%say Half.\n%wait 60000\n%say Whole.";
    const streamed = stream({ prompt }, { account: "killed" });
    await edge.untilAsked("%say Half.");
    await edge.killContainer();
    const messages = await streamed;
    expect(messages.at(-1)).toMatchObject({ type: "error", code: "container_lost" });
    expect(messages.filter(({ type }) => type === "result")).toEqual([]);

    const asked = whole({ prompt: `${prompt} Again.` }, { account: "killed" });
    await edge.untilAsked("Again.");
    await edge.killContainer();
    expect(await asked).toMatchObject({ status: 502, type: "error", code: "container_lost" });
  });

  test("a turn that is interrupted from elsewhere", async () => {
    const streamed = stream({ prompt: "%wait 60000\n%say Not now." }, { account: "stopped" });
    await edge.untilAsked("Not now.");
    const { id } = await edge.newest("stopped");
    await edge.client("stopped").sessions.open(id).interrupt();
    expect((await streamed).at(-1)).toMatchObject({ type: "error", code: "interrupted" });
  });

  test("a permission that nobody can give is refused, and nothing waits", async () => {
    const prompt = '%tool Bash {"command":"node -e 1"}\n%say Went on.';
    expect((await stream({ prompt })).at(-1)).toMatchObject({ result: "Went on." });
    expect(edge.lastToolResult()).toMatchObject({ is_error: true });
  });
});

test("who leaves the stream does not stop the turn", async () => {
  const leave = new AbortController();
  const how = { account: "left", signal: leave.signal };
  const response = await send({ prompt: "%wait 1500\n%say Alone." }, how);
  const reader = lines(response.body!);
  await reader.next();
  await edge.untilAsked("%say Alone.");
  leave.abort();
  await expect(all(reader)).rejects.toThrow("abort");
  expect(await edge.untilEnded("left")).toBe("completed");
});

test("the same idempotency key is the same turn", async () => {
  const headers = { "idempotency-key": randomUUID() };
  const body = { prompt: "%say Once.", sessionId: "twice" };
  const [first, second] = await Promise.all([
    stream(body, { account: "twice", headers }),
    stream(body, { account: "twice", headers }),
  ]);
  expect(first).toEqual(second);
  expect(await stream(body, { account: "twice", headers })).toEqual(first);
  const other = await whole({ ...body, prompt: "%say Twice." }, { account: "twice", headers });
  expect(other).toMatchObject({ status: 409, code: "idempotency_conflict" });
});

describe("what it tells of itself", () => {
  test("GET / is open", async () => {
    const response = await fetch(`${edge.stack.url}/`);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(await response.json()).toEqual({
      status: "healthy",
      service: "claude-edge",
      version: expect.any(String),
      endpoints: expect.arrayContaining(["POST /claude-code"]),
      timestamp: expect.any(String),
    });
  });

  test("GET /debug is the root key's", async () => {
    const without = await fetch(`${edge.stack.url}/debug`);
    expect(without.status).toBe(401);
    expect(await without.json()).toMatchObject({ type: "error", code: "unauthorized" });
    const token = await edge.mint("admin", { scopes: ["admin"] });
    const headers = { authorization: `Bearer ${token}` };
    const forbidden = await edge.fetch("/debug", { headers });
    expect(forbidden.status).toBe(403);
    expect(await forbidden.json()).toMatchObject({ type: "error", code: "forbidden" });
  });

  test("GET /debug holds no part of a secret", async () => {
    const response = await edge.fetch("/debug");
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      dialects: ["query", "claude-code", "conversations"],
      apiConfiguration: { variable: "ANTHROPIC_API_KEY" },
    });
    for (const secret of [edge.stack.token, edge.stack.model!.key]) {
      for (let at = 0; at + 8 <= secret.length; at += 1) {
        expect(text).not.toContain(secret.slice(at, at + 8));
      }
      expect(text).not.toContain(String(secret.length));
    }
  });
});
