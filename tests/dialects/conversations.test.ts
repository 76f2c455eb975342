import { randomUUID } from "node:crypto";

import { describe, expect, test } from "vitest";

import {
  bearer,
  conversationsClient,
  read,
  textOf,
  type Fields,
} from "../support/conversations.js";
import { curl } from "../support/curl.js";
import { useDialects } from "../support/dialects.js";
import { all } from "../support/tokens.js";
import { until } from "../support/wait.js";

const edge = useDialects("query,claude-code,conversations");
const { call, stream, begin } = conversationsClient(edge);

describe("with curl", () => {
  const post = (path: string, json: string, more = "") =>
    curl(
      `curl -X POST ${edge.stack.url}${path} -H "Content-Type: application/json" -H "Authorization: Bearer ${edge.stack.token}" ${more} -d '${json}'`,
    );

  test("a query, a conversation, a stream", async () => {
    const query = await post("/query", '{"prompt": "What is 2 + 2?", "allowed_tools": ["Read"]}');
    expect(query.status).toBe(200);
    expect(JSON.parse(query.body)).toEqual({
      conversation_id: expect.any(String),
      response: expect.stringContaining("What is 2 + 2?"),
      duration_ms: expect.any(Number),
      num_turns: 1,
      total_cost_usd: expect.any(Number),
    });

    const made = await post("/conversations", '{"permission_mode": "plan"}');
    expect(made.status).toBe(201);
    const { conversation_id } = JSON.parse(made.body) as Fields;
    const path = `/conversations/${conversation_id}/messages`;
    const said = await post(path, '{"prompt": "My dog is called Rex."}');
    expect(said.status).toBe(200);
    const streamed = await post(
      path.replace("messages", "stream"),
      '{"prompt": "And then?"}',
      "-N",
    );
    expect(streamed.status).toBe(200);
    expect(streamed.headers.get("content-type")).toContain("text/event-stream");
    expect(streamed.body).toMatch(/^data: \{"type":"text","content":"/);
    expect(streamed.body).toMatch(/Rex.*\n\ndata: \{"type":"done"\}\n\n$/s);
  });
});

describe("a conversation", () => {
  test("remembers, and shows what was said", async () => {
    const how = { account: "talk" };
    const id = await begin({ title: "Boats" }, how);
    const path = `/conversations/${id}/messages`;
    expect(await call(path, undefined, how)).toEqual({
      status: 200,
      conversation_id: id,
      messages: [],
    });
    const first = await call(path, { prompt: "My boat is called Vega." }, how);
    expect(first).toMatchObject({ status: 200, conversation_id: id });
    const { response } = await call(path, { prompt: "What did I say earlier?" }, how);
    expect(response).toContain("Vega");
    expect(await call(path, { prompt: "%error 400" }, how)).toMatchObject({ status: 502 });

    const { messages } = (await call(path, undefined, how)) as { messages: Fields[] };
    const turn_id = expect.any(String);
    expect(messages).toEqual([
      { turn_id, role: "user", content: "My boat is called Vega." },
      { turn_id, role: "assistant", status: "completed", content: first.response },
      { turn_id, role: "user", content: "What did I say earlier?" },
      { turn_id, role: "assistant", status: "completed", content: response },
      { turn_id, role: "user", content: "%error 400" },
      {
        turn_id,
        role: "assistant",
        status: "failed",
        content: null,
        error: { code: "model_invalid_request", message: expect.any(String) },
      },
    ]);
    // The same, page by page.
    const paged: Fields[] = [];
    let after: unknown = 0;
    while (after !== undefined) {
      const page = await call(`${path}?limit=1&after=${String(after)}`, undefined, how);
      paged.push(...(page.messages as Fields[]));
      after = page.next_after;
    }
    expect(paged).toEqual(messages);
  });

  test("has its own tools, mode, model and system prompt", async () => {
    const how = { account: "options" };
    const given = {
      title: "Mine",
      model: "claude-haiku-4-5",
      system_prompt: "Rhyme.",
      allowed_tools: ["Bash(node:*)"],
      disallowed_tools: ["Write"],
      permission_mode: "default",
      max_turns: 9,
    };
    const made = await call("/conversations", given, how);
    const conversation = {
      ...given,
      conversation_id: expect.any(String),
      status: 201,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    };
    expect(made).toEqual({ ...conversation, status: "idle" });
    const id = String(made.conversation_id);
    expect((await edge.newest("options")).options).toEqual({
      model: "claude-haiku-4-5",
      systemPrompt: "Rhyme.",
      allowedTools: ["Bash(node:*)"],
      disallowedTools: ["Write"],
      permissionMode: "default",
      maxTurns: 9,
    });
    const prompt = '%tool Bash {"command":"node -e 1"}\n%say Ran.';
    expect(await call(`/conversations/${id}/messages`, { prompt }, how)).toMatchObject({
      response: "Ran.",
    });
    expect(edge.lastToolResult()).toMatchObject({ is_error: false });
    const { body } = edge.stack.model!.requests.at(-1)!;
    expect(body.model).toBe("claude-haiku-4-5");
    expect(JSON.stringify(body.system)).toContain("Rhyme.");
    expect(body.tools!.map(({ name }) => name)).not.toContain("Write");

    // What is null is left out, and what is left out is the agent's own.
    const plain = await call("/conversations", { model: null, allowed_tools: null }, how);
    expect(plain).toMatchObject({ model: null, allowed_tools: null, permission_mode: null });
    const asked = { prompt: prompt.replace("Ran", "Went on") };
    expect(
      await call(`/conversations/${String(plain.conversation_id)}/messages`, asked, how),
    ).toMatchObject({ response: "Went on." });
    // Without the permission it is refused; nothing waits.
    expect(edge.lastToolResult()).toMatchObject({ is_error: true });
  });

  test("is listed, read and deleted", async () => {
    const how = { account: "list" };
    const ids = [await begin({}, how), await begin({}, how), await begin({}, how)];
    const listed = await call("/conversations", undefined, how);
    const found = (answer: Fields) =>
      (answer.conversations as Fields[]).map(({ conversation_id }) => conversation_id);
    expect(listed.count).toBe(3);
    expect(found(listed).toSorted()).toEqual(ids.toSorted());
    const first = await call("/conversations?limit=2", undefined, how);
    const cursor = encodeURIComponent(String(first.next_cursor));
    const second = await call(`/conversations?cursor=${cursor}`, undefined, how);
    expect([...found(first), ...found(second)]).toEqual(found(listed));

    const path = `/conversations/${ids[0]}`;
    expect(await call(path, undefined, how)).toMatchObject({ conversation_id: ids[0] });
    expect(await call(path, undefined, { ...how, method: "DELETE" })).toEqual({
      status: "deleted",
      conversation_id: ids[0],
    });
    const gone = { status: 404, code: "session_not_found", detail: expect.any(String) };
    for (const below of ["", "/messages"]) {
      expect(await call(path + below, undefined, how)).toMatchObject(gone);
    }
    for (const below of ["/messages", "/stream"]) {
      expect(await call(path + below, { prompt: "x" }, how)).toMatchObject(gone);
    }
    expect(await call(path, undefined, { ...how, method: "DELETE" })).toMatchObject(gone);
    expect((await call("/conversations", undefined, how)).count).toBe(2);
  });

  test("is its account's: another tenant's id leads nowhere", async () => {
    const id = await begin({}, { account: "victim" });
    const headers = bearer(await edge.mint("mallory"));
    const gone = { status: 404, code: "session_not_found" };
    const path = `/conversations/${id}`;
    expect(await call(path, undefined, { headers })).toMatchObject(gone);
    expect(await call(`${path}/messages`, undefined, { headers })).toMatchObject(gone);
    expect(await call(`${path}/messages`, { prompt: "x" }, { headers })).toMatchObject(gone);
    expect(await call(`${path}/stream`, { prompt: "x" }, { headers })).toMatchObject(gone);
    expect(await call(path, undefined, { headers, method: "DELETE" })).toMatchObject(gone);
    const named = { prompt: "x", accountId: "victim" };
    expect(await call(`${path}/messages`, named, { headers })).toMatchObject({
      status: 403,
      code: "forbidden",
    });
    expect(await call(path, undefined, { account: "victim" })).toMatchObject({ status: "idle" });
    expect(await call("/conversations/..%2Fsessions")).toMatchObject(gone);
  });

  test("of a session that asks its caller for permissions takes no messages", async () => {
    const never = () => Promise.reject(new Error("nobody is to be asked"));
    const { id } = await edge.client("asking").sessions.create({ canUseTool: never });
    const answer = await call(
      `/conversations/${id}/messages`,
      { prompt: "x" },
      { account: "asking" },
    );
    expect(answer).toMatchObject({ status: 400, code: "invalid_request" });
  });

  test("a token opens what its scopes and its session allow", async () => {
    const how = { account: "scoped" };
    const [mine, other] = [await begin({}, how), await begin({}, how)];
    const forbidden = { status: 403, code: "forbidden" };
    const reader = bearer(await edge.mint("scoped", { scopes: ["sessions:read"] }));
    expect(await call("/conversations", undefined, { headers: reader })).toMatchObject({
      count: 2,
    });
    expect(await call("/conversations", {}, { headers: reader })).toMatchObject(forbidden);
    expect(await call("/stream", { prompt: "x" }, { headers: reader })).toMatchObject(forbidden);
    const path = `/conversations/${mine}/messages`;
    expect(await call(path, { prompt: "x" }, { headers: reader })).toMatchObject(forbidden);
    const held = bearer(await edge.mint("scoped", { scopes: ["query"], sessionId: mine }));
    expect(await call(path, { prompt: "%say In." }, { headers: held })).toMatchObject({
      response: "In.",
    });
    const theirs = `/conversations/${other}/messages`;
    expect(await call(theirs, { prompt: "x" }, { headers: held })).toMatchObject(forbidden);
    expect(await call("/stream", { prompt: "x" }, { headers: held })).toMatchObject(forbidden);
  });
});

describe("a stream", () => {
  test("of a query alone: pieces of text, tools, the result, done", async () => {
    const prompt = '%say First.\n%tool Write {"file_path":"a.txt","content":"a"}\n%tokens 50';
    const events = await stream("/stream", { prompt }, { account: "streams" });
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type === "text").length).toBeGreaterThan(20);
    expect(types.filter((type) => type !== "text")).toEqual(["tool_use", "result", "done"]);
    expect(textOf(events)).toMatch(/^First\.word1 word2 .* word50$/);
    expect(events.find(({ type }) => type === "tool_use")).toEqual({
      type: "tool_use",
      id: expect.any(String),
      name: "Write",
      input: { file_path: expect.stringContaining("a.txt"), content: "a" },
    });
    expect(events.at(-2)).toEqual({
      type: "result",
      conversation_id: (await edge.newest("streams")).id,
      response: expect.stringMatching(/^word1 .* word50$/),
      duration_ms: expect.any(Number),
      num_turns: 2,
      total_cost_usd: expect.any(Number),
    });
    expect(events.at(-1)).toEqual({ type: "done" });
  });

  test("of a conversation, also asked for in the body", async () => {
    const id = await begin();
    const first = await stream(`/conversations/${id}/stream`, { prompt: "My cat is called Tom." });
    expect(first.at(-2)).toMatchObject({ type: "result", conversation_id: id });
    const body = { prompt: "What did I say earlier?", stream: true };
    expect(textOf(await stream(`/conversations/${id}/messages`, body))).toContain("Tom");
    const alone = await stream("/query", { prompt: "%say Alone.", stream: true });
    expect(textOf(alone)).toBe("Alone.");
  });

  test("of a turn that is over has the same text: the same key again", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const body = { prompt: "%think Hm.\n%tokens 30" };
    const live = await stream("/stream", body, { headers });
    // From here on there are whole messages only.
    await edge.stack.restartWorker();
    const { sessions } = edge.client();
    const session = sessions.open(String(live.at(-2)!.conversation_id));
    await until("the pieces are forgotten", async () => {
      const events = await all(session.events({ follow: false }));
      return events.every(({ kind }) => kind !== "delta");
    });
    const again = await stream("/stream", body, { headers });
    expect(textOf(again)).toBe(textOf(live));
    expect(again.slice(-2)).toEqual(live.slice(-2));
    expect(again.length).toBeLessThan(live.length);
    const other = await call("/stream", { prompt: "%say Other." }, { headers });
    expect(other).toMatchObject({ status: 409, code: "idempotency_conflict" });
  });

  test("of an answer that was cut off and given again has the whole one in its result", async () => {
    const events = await stream("/stream", { prompt: "%cut 1\n%say One two three four." });
    expect(textOf(events)).toMatch(/One two three four\.$/);
    expect(events.at(-2)).toMatchObject({ type: "result", response: "One two three four." });
  });

  test("comes while the turn runs, and whoever leaves it does not stop the turn", async () => {
    const leave = new AbortController();
    const response = await edge.fetch("/stream", {
      json: { prompt: "%say Now.\n%wait 2000\n%say Later." },
      account: "left",
      signal: leave.signal,
    });
    const reader = read(response.body!);
    expect((await reader.next()).value).toEqual({ type: "text", content: "Now." });
    expect((await edge.newest("left")).status).toBe("running");
    leave.abort();
    await expect(all(reader)).rejects.toThrow("abort");
    expect(await edge.untilEnded("left")).toBe("completed");
  });
});

describe("never a false success", () => {
  const tool = '%tool Bash {"command":"true"}';
  test.each([
    [{ prompt: "%error 529" }, "model_overloaded", 503],
    [{ prompt: "%error 400" }, "model_invalid_request", 502],
    [{ prompt: "%refuse" }, "model_refused", 422],
    [{ prompt: `${tool}\n%say a\n%say b`, max_turns: 1 }, "max_turns", 422],
  ])("%j", async (body, code, status) => {
    const details = { session_id: expect.any(String), turn_id: expect.any(String) };
    const answer = await call("/query", body);
    expect(answer).toMatchObject({ status, code, details, detail: expect.any(String) });
    expect(answer).not.toHaveProperty("response");
    const events = await stream("/stream", body);
    expect(events.at(-1)).toMatchObject({
      type: "error",
      code,
      message: expect.any(String),
      retryable: expect.any(Boolean),
      details,
    });
    const types = events.map(({ type }) => type);
    expect(types).not.toContain("result");
    expect(types).not.toContain("done");
    // What the harness says of a call that failed is no answer.
    expect(textOf(events)).not.toContain("Error");
  });

  test("a container that is killed in mid-turn", async () => {
    const how = { account: "killed" };
    const prompt = "%say Half.\n%wait 60000\n%say Whole.";
    const streamed = stream("/stream", { prompt }, how);
    await edge.untilAsked("%say Half.");
    await edge.killContainer();
    const events = await streamed;
    expect(events.at(-1)).toMatchObject({ type: "error", code: "container_lost" });
    expect(events.map(({ type }) => type)).not.toContain("done");

    const id = await begin({}, how);
    const path = `/conversations/${id}/messages`;
    const asked = call(path, { prompt: `${prompt} Again.` }, how);
    await edge.untilAsked("Again.");
    await edge.killContainer();
    expect(await asked).toMatchObject({ status: 502, code: "container_lost" });
    expect(await call(path, { prompt: "%say Up." }, how)).toMatchObject({ response: "Up." });
  });

  test("a conversation that is deleted in mid-turn", async () => {
    const how = { account: "deleted" };
    const id = await begin({}, how);
    const prompt = "%say Half.\n%wait 60000\n%say Never said.";
    const streamed = stream(`/conversations/${id}/stream`, { prompt }, how);
    await edge.untilAsked("Never said.");
    await call(`/conversations/${id}`, undefined, { ...how, method: "DELETE" });
    expect((await streamed).at(-1)).toMatchObject({ type: "error", code: "session_not_found" });
  });
});
