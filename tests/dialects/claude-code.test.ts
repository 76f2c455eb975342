import { randomUUID } from "node:crypto";

import { isTerminal } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { claudeCodeClient, known, lines, type Message } from "../support/claude-code.js";
import { curl } from "../support/curl.js";
import { useDialects } from "../support/dialects.js";
import { all } from "../support/tokens.js";

const edge = useDialects();
const { send, stream, whole } = claudeCodeClient(edge);

const ACCOUNT = "claude-code";
const how = { account: ACCOUNT };

/** The session that most tests talk in, as its messages name it. */
let session = "";
const there = () => ({ resumeSessionId: session });

const remembers = async (body: object) =>
  String((await whole({ prompt: "What did I say earlier?", ...body }, how)).result);

test("continueSession begins where there is none, and goes on with the newest", async () => {
  const body = { prompt: "My cat is called Tom.", continueSession: true };
  const begun = await whole(body, how);
  expect(begun).toMatchObject({ status: 200, type: "result" });
  session = String(begun.session_id);
  expect((await edge.newest(ACCOUNT)).id).toBe(session);
  expect(await remembers({ continueSession: true })).toContain("Tom");
});

describe("a stream", () => {
  test("is the default: the Agent SDK's messages unchanged, the result last", async () => {
    const response = await send({ prompt: "%say It is 4.", ...there() }, how);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    const messages = await all(lines(response.body!));
    expect(known(messages)[0]).toMatchObject({
      type: "system",
      subtype: "init",
      session_id: session,
    });
    expect(messages.at(-1)).toMatchObject({
      type: "result",
      subtype: "success",
      is_error: false,
      result: "It is 4.",
      session_id: session,
    });
    const events = await all(edge.client(ACCOUNT).sessions.open(session).events({ follow: false }));
    const { turn_id } = events.findLast((event) => isTerminal(event))!;
    const end = events.findLastIndex((event) => isTerminal(event));
    const stored = events
      .slice(0, end)
      .flatMap((event) =>
        event.kind === "message" && event.turn_id === turn_id ? [event.message] : [],
      );
    expect(messages).toEqual(stored);
  });

  test("by outputFormat, which counts before stream", async () => {
    const given = { prompt: "%say a", stream: false, inputFormat: "text", ...there() };
    const streamed = await stream({ ...given, outputFormat: "stream-json" }, how);
    expect(streamed.at(-1)).toMatchObject({ type: "result", result: "a" });
    const body = { prompt: "%say b", stream: true, outputFormat: "json", ...there() };
    expect(await whole(body, how)).toMatchObject({ type: "result", result: "b" });
  });

  test("shows tools as they are called", async () => {
    const prompt = '%tool Write {"file_path":"a.txt","content":"a"}\n%say Written.';
    const types = known(await stream({ prompt, ...there() }, how)).map(({ type }) => type);
    expect(types.filter((type) => type !== "system")).toEqual([
      "assistant",
      "user",
      "assistant",
      "result",
    ]);
  });

  test("comes line by line while the turn runs, and ends with an error when it is interrupted", async () => {
    const response = await send({ prompt: "%wait 60000\n%say Late.", ...there() }, how);
    const reader = lines(response.body!);
    let first = await reader.next();
    while (first.value?.subtype !== "init") first = await reader.next();
    // The model still waits: the answer is not there.
    await edge.untilAsked("%say Late.");
    expect((await edge.newest(ACCOUNT)).status).toBe("running");
    await edge.client(ACCOUNT).sessions.open(session).interrupt();
    expect((await all(reader)).at(-1)).toMatchObject({ type: "error", code: "interrupted" });
  });

  test("goes on without its client", async () => {
    const leave = new AbortController();
    const prompt = "%wait 1000\n%say Left alone.";
    const response = await send({ prompt, ...there() }, { ...how, signal: leave.signal });
    const reader = lines(response.body!);
    await reader.next();
    await edge.untilAsked("%say Left alone.");
    leave.abort();
    await expect(all(reader)).rejects.toThrow("abort");
    expect(await edge.untilEnded(ACCOUNT)).toBe("completed");
  });
});

describe("one JSON answer", () => {
  test("is the result message, with what its README names beside", async () => {
    const answer = await whole({ prompt: "%say It is 5.", ...there() }, how);
    expect(answer).toMatchObject({
      status: 200,
      type: "result",
      subtype: "success",
      result: "It is 5.",
      sessionId: session,
      session_id: session,
      cost_usd: expect.any(Number),
      duration_ms: expect.any(Number),
      num_turns: 1,
    });
    expect(answer.cost_usd).toBe(answer.total_cost_usd);
    expect(answer).not.toHaveProperty("messages");
  });

  test("with all messages when verbose", async () => {
    const { messages } = await whole({ prompt: "%say Loud.", verbose: true, ...there() }, how);
    const types = known(messages as Message[]).map(({ type }) => type);
    expect(types[0]).toBe("system");
    expect(types).toContain("assistant");
    expect(types.at(-1)).toBe("result");
  });
});

describe("never a false success", () => {
  test.each([
    ["%error 400", "model_invalid_request", 502],
    ["%refuse", "model_refused", 422],
  ])("%s, streaming or not", async (prompt, code, status) => {
    const messages = await stream({ prompt, ...there() }, how);
    expect(messages.at(-1)).toMatchObject({
      type: "error",
      error: code,
      code,
      message: expect.any(String),
      retryable: expect.any(Boolean),
      details: { session_id: session, turn_id: expect.any(String) },
    });
    expect(messages.filter(({ type }) => type === "result")).toEqual([]);
    expect(await whole({ prompt, ...there() }, how)).toMatchObject({ status, type: "error", code });
  });

  test("a permission that nobody can give is refused, and nothing waits", async () => {
    const prompt = '%tool Bash {"command":"node -e 1"}\n%say Program went on.';
    const messages = await stream({ prompt, ...there() }, how);
    expect(messages.at(-1)).toMatchObject({ result: "Program went on." });
    expect(await edge.lastToolResult("Program went on.")).toMatchObject({ is_error: true });
  });
});

test("the same idempotency key is the same turn", async () => {
  const headers = { "idempotency-key": randomUUID() };
  const body = { prompt: "%say Once.", ...there() };
  const [first, second] = await Promise.all([
    stream(body, { ...how, headers }),
    stream(body, { ...how, headers }),
  ]);
  expect(first).toEqual(second);
  expect(await stream(body, { ...how, headers })).toEqual(first);
  const other = await whole({ ...body, prompt: "%say Twice." }, { ...how, headers });
  expect(other).toMatchObject({ status: 409, code: "idempotency_conflict" });
});

// It stays in the session and goes to the model with every turn that follows.
test("a long answer is whole", async () => {
  const messages = await stream({ prompt: "%bytes 2000000", ...there() }, how);
  expect(String(messages.at(-1)!.result).length).toBeGreaterThan(1_990_000);
});

describe("a sessionId", () => {
  /** The curl line of its README for a conversation, as it is. */
  const README = () => `curl -X POST ${edge.stack.url}/claude-code \\
    -H "Content-Type: application/json" -H "x-account-id: ${ACCOUNT}" \\
    -H "Authorization: Bearer ${edge.stack.token}" \\
    -d '{"prompt": "Create a hello.py file", "sessionId": "demo-abc123"}'`;

  test("of any form is a conversation, made once when it is new; by the curl line of its README", async () => {
    const answers = await Promise.all([curl(README()), curl(README())]);
    const results = answers.map(({ status, body }) => {
      expect(status).toBe(200);
      return JSON.parse(body.trimEnd().split("\n").at(-1)!) as Message;
    });
    for (const result of results) {
      expect(result).toMatchObject({
        type: "result",
        is_error: false,
        result: expect.stringContaining("Create a hello.py file"),
      });
      expect(result.result).not.toContain("Tom");
    }
    const { session_id } = results[0]!;
    expect(results[1]!.session_id).toBe(session_id);
    expect(session_id).not.toBe(session);
    const body = { prompt: "%say Named.", sessionId: "demo-abc123" };
    expect(await whole(body, how)).toMatchObject({ sessionId: "demo-abc123", session_id });
    // So do the name and the id that the messages have.
    for (const resumeSessionId of [session_id, "demo-abc123"]) {
      expect(await remembers({ resumeSessionId })).toContain("hello.py");
    }
    expect(await remembers({ sessionId: "demo-abc123", continueSession: true })).toContain(
      "hello.py",
    );
  });

  test("that is a UUID is the session's id; fields are its options, and flags of claude count first", async () => {
    const sessionId = randomUUID();
    const answer = await whole(
      {
        prompt: '%tool Bash {"command":"true"}\n%say One turn too many.',
        sessionId,
        model: "other",
        maxTurns: 1,
        allowedTools: ["Bash"],
        appendSystemPrompt: "Rhyme.",
        additionalArgs: ["--model", "claude-haiku-4-5", "--disallowedTools", "WebFetch"],
      },
      how,
    );
    expect(answer).toMatchObject({ status: 422, type: "error", code: "max_turns" });
    expect(await edge.newest(ACCOUNT)).toMatchObject({
      id: sessionId,
      options: {
        model: "claude-haiku-4-5",
        maxTurns: 1,
        allowedTools: ["Bash"],
        disallowedTools: ["WebFetch"],
        systemPrompt: { type: "preset", preset: "claude_code", append: "Rhyme." },
      },
    });
    const { body } = (await edge.asked("One turn too many.")).at(-1)!;
    expect(body.model).toBe("claude-haiku-4-5");
    expect(JSON.stringify(body.system)).toContain("Rhyme.");

    // A later request changes what it names; a token only with the scope for it.
    const bearer = async (...scopes: ("query" | "sessions:write")[]) => ({
      headers: { authorization: `Bearer ${await edge.mint(ACCOUNT, { scopes })}` },
    });
    const later = { prompt: "%say Fine.", resumeSessionId: sessionId };
    const query = await bearer("query");
    expect(await whole(later, query)).toMatchObject({ result: "Fine." });
    const forbidden = { status: 403, code: "forbidden", type: "error" };
    expect(await whole({ ...later, maxTurns: 9 }, query)).toMatchObject(forbidden);
    const latest = { prompt: "x", continueSession: true };
    expect(await whole(latest, query)).toMatchObject(forbidden);
    const writer = await bearer("query", "sessions:write");
    expect(await whole({ ...later, maxTurns: 9 }, writer)).toMatchObject({ result: "Fine." });
    expect((await edge.newest(ACCOUNT)).options).toMatchObject({
      maxTurns: 9,
      model: "claude-haiku-4-5",
    });
  });

  test("that is not there, another tenant's, a deleted one", async () => {
    const missing = { status: 404, type: "error", code: "session_not_found" };
    const prompt = "x";
    expect(await whole({ prompt, resumeSessionId: randomUUID() }, how)).toMatchObject(missing);
    expect(await whole({ prompt, resumeSessionId: "never-heard-of" }, how)).toMatchObject(missing);
    const victim = await edge.client(ACCOUNT).sessions.create();
    const resumeSessionId = victim.id;
    const mallory = { authorization: `Bearer ${await edge.mint("claude-code-mallory")}` };
    expect(await whole({ prompt, resumeSessionId }, { headers: mallory })).toMatchObject(missing);
    await victim.delete();
    expect(await whole({ prompt, resumeSessionId }, how)).toMatchObject(missing);
  });

  test("of one that asks its caller for permissions is refused", async () => {
    const canUseTool = () => Promise.reject(new Error("nobody is to be asked"));
    const { id } = await edge.client(ACCOUNT).sessions.create({ canUseTool });
    const answer = await whole({ prompt: "x", sessionId: id }, how);
    expect(answer).toMatchObject({ status: 400, code: "invalid_request" });
    expect(answer.message).toContain("asks for permissions");
  });
});

describe("what is refused, in its own words", () => {
  test.each([
    [{ prompt: "" }, "prompt_empty"],
    [{ prompt: "x", cwd: "/etc" }, "invalid_request"],
    [{ prompt: "x", additionalArgs: ["--mcp-config", "/etc/passwd"] }, "invalid_request"],
  ])("%j", async (body, code) => {
    const response = await send(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: "error",
      error: code,
      code,
      message: expect.any(String),
      request_id: response.headers.get("x-request-id"),
    });
  });

  test("no key, a wrong key, a token without the scope", async () => {
    const without = await fetch(`${edge.stack.url}/claude-code`, { method: "POST" });
    expect(without.status).toBe(401);
    expect(await without.json()).toMatchObject({ type: "error", code: "unauthorized" });
    const wrong = { authorization: "Bearer wrong" };
    expect(await whole({ prompt: "x" }, { headers: wrong })).toMatchObject({
      status: 401,
      code: "unauthorized",
    });
    const reader = await edge.mint(ACCOUNT, { scopes: ["sessions:read"] });
    const headers = { authorization: `Bearer ${reader}` };
    expect(await whole({ prompt: "x" }, { headers })).toMatchObject({
      status: 403,
      code: "forbidden",
    });
  });
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
    const token = await edge.mint(ACCOUNT, { scopes: ["admin"] });
    const headers = { authorization: `Bearer ${token}` };
    const forbidden = await edge.fetch("/debug", { headers });
    expect(forbidden.status).toBe(403);
    expect(await forbidden.json()).toMatchObject({ type: "error", code: "forbidden" });
  });

  test("GET /debug holds no part of a secret", async () => {
    const response = await edge.fetch("/debug");
    const { timestamp, ...told } = (await response.json()) as Record<string, unknown>;
    // Its digits may be anything.
    expect(timestamp).toEqual(expect.any(String));
    const text = JSON.stringify(told);
    expect(response.status).toBe(200);
    expect(told).toMatchObject({
      dialects: ["query", "claude-code", "conversations", "studio"],
      apiConfiguration: { variable: "ANTHROPIC_API_KEY" },
    });
    // The kind of a key is told; what follows its prefix is not.
    for (const secret of [edge.stack.token, edge.stack.model.key.replace(/^scripted-/, "")]) {
      for (let at = 0; at + 8 <= secret.length; at += 1) {
        expect(text).not.toContain(secret.slice(at, at + 8));
      }
      expect(text).not.toContain(String(secret.length));
    }
  });
});
