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

const edge = useDialects();
const { call, stream, begin } = conversationsClient(edge);

const ACCOUNT = "conversations";
const how = { account: ACCOUNT };

const post = (path: string, json: string, more = "") =>
  curl(
    `curl -X POST ${edge.stack.url}${path} -H "Content-Type: application/json" -H "x-account-id: ${ACCOUNT}" -H "Authorization: Bearer ${edge.stack.token}" ${more} -d '${json}'`,
  );

test("a query by curl", async () => {
  const query = await post("/query", '{"prompt": "What is 2 + 2?", "allowed_tools": ["Read"]}');
  expect(query.status).toBe(200);
  expect(JSON.parse(query.body)).toEqual({
    conversation_id: (await edge.newest(ACCOUNT)).id,
    response: expect.stringContaining("What is 2 + 2?"),
    duration_ms: expect.any(Number),
    num_turns: 1,
    total_cost_usd: expect.any(Number),
  });
});

describe("a conversation", () => {
  /** The one that most tests talk in. */
  let id = "";
  const path = () => `/conversations/${id}/messages`;
  const streamed = (body: object) => stream(`/conversations/${id}/stream`, body, how);

  test("by curl: made, asked, streamed", async () => {
    const made = await post("/conversations", '{"permission_mode": "default", "title": "Dogs"}');
    expect(made.status).toBe(201);
    id = String((JSON.parse(made.body) as Fields).conversation_id);
    const empty = { status: 200, conversation_id: id, messages: [] };
    expect(await call(path(), undefined, how)).toEqual(empty);
    const said = await post(path(), '{"prompt": "My dog is called Rex."}');
    expect(said.status).toBe(200);
    const { status, headers, body } = await post(
      `/conversations/${id}/stream`,
      '{"prompt": "And then?"}',
      "-N",
    );
    expect(status).toBe(200);
    expect(headers.get("content-type")).toContain("text/event-stream");
    expect(body).toMatch(/^data: \{"type":"text","content":"/);
    expect(body).toMatch(/Rex.*\n\ndata: \{"type":"done"\}\n\n$/s);
  });

  test("remembers, and shows what was said", async () => {
    const body = { prompt: "What did I say earlier?" };
    const { response } = await call(path(), body, how);
    expect(response).toContain("Rex");
    const failed = await call(path(), { prompt: "%error 400" }, how);
    expect(failed).toMatchObject({ status: 502, code: "model_invalid_request" });
    expect(failed).not.toHaveProperty("response");

    const { messages } = (await call(path(), undefined, how)) as { messages: Fields[] };
    const turn_id = expect.any(String);
    const content = expect.any(String);
    const answer = { turn_id, role: "assistant", status: "completed" };
    expect(messages).toEqual([
      { turn_id, role: "user", content: "My dog is called Rex." },
      { ...answer, content },
      { turn_id, role: "user", content: "And then?" },
      { ...answer, content },
      { turn_id, role: "user", content: "What did I say earlier?" },
      { ...answer, content: response },
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
      const page = await call(`${path()}?limit=1&after=${String(after)}`, undefined, how);
      paged.push(...(page.messages as Fields[]));
      after = page.next_after;
    }
    expect(paged).toEqual(messages);
  });

  test("is streamed to whoever asks for it in the body too", async () => {
    const events = await stream(path(), { prompt: "What did I say?", stream: true }, how);
    expect(textOf(events)).toContain("Rex");
    expect(events.at(-2)).toMatchObject({ type: "result", conversation_id: id });
  });

  test("that fails in a stream ends it with the error", async () => {
    const events = await streamed({ prompt: "%say No.\n%refuse" });
    expect(events.at(-1)).toMatchObject({
      type: "error",
      code: "model_refused",
      message: expect.any(String),
      retryable: expect.any(Boolean),
      details: { session_id: id, turn_id: expect.any(String) },
    });
    expect(events.map(({ type }) => type)).not.toContain("done");
  });

  test("has the whole of an answer in its result that was cut off and given again", async () => {
    const events = await streamed({ prompt: "%cut 1\n%say One two three four." });
    expect(textOf(events)).toMatch(/One two three four\.$/);
    expect(events.at(-2)).toMatchObject({ type: "result", response: "One two three four." });
  });

  test("by the same key again is the same turn, which has the same text when it is over", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const body = { prompt: "%think Hm.\n%tokens 30" };
    const again = () => stream(`/conversations/${id}/stream`, body, { ...how, headers });
    const [live, second] = await Promise.all([again(), again()]);
    const third = await again();
    for (const events of [second, third]) {
      expect(textOf(events)).toBe(textOf(live));
      expect(events.slice(-2)).toEqual(live.slice(-2));
    }
    const other = { prompt: "%say Other." };
    const conflict = await call(`/conversations/${id}/stream`, other, { ...how, headers });
    expect(conflict).toMatchObject({ status: 409, code: "idempotency_conflict" });
  });

  test("opens to a token as far as its scopes and its session allow", async () => {
    const theirs = `/conversations/${await begin({}, how)}/messages`;
    const forbidden = { status: 403, code: "forbidden" };
    const reader = bearer(await edge.mint(ACCOUNT, { scopes: ["sessions:read"] }));
    expect(await call("/conversations", undefined, { headers: reader })).toMatchObject({
      status: 200,
    });
    expect(await call("/conversations", {}, { headers: reader })).toMatchObject(forbidden);
    expect(await call("/stream", { prompt: "x" }, { headers: reader })).toMatchObject(forbidden);
    expect(await call(path(), { prompt: "x" }, { headers: reader })).toMatchObject(forbidden);
    const held = bearer(await edge.mint(ACCOUNT, { scopes: ["query"], sessionId: id }));
    expect(await call(path(), { prompt: "%say In." }, { headers: held })).toMatchObject({
      response: "In.",
    });
    expect(await call(theirs, { prompt: "x" }, { headers: held })).toMatchObject(forbidden);
    expect(await call("/stream", { prompt: "x" }, { headers: held })).toMatchObject(forbidden);
  });

  test("without the permission for a tool has it refused; nothing waits", async () => {
    const prompt = '%tool Bash {"command":"node -e 1"}\n%say Talk went on.';
    expect(await call(path(), { prompt }, how)).toMatchObject({ response: "Talk went on." });
    expect(await edge.lastToolResult("Talk went on.")).toMatchObject({ is_error: true });
  });
});

test("a conversation has its own tools, mode, model and system prompt", async () => {
  const given = {
    title: "Mine",
    model: "claude-haiku-4-5",
    system_prompt: "Rhyme.",
    allowed_tools: ["Bash(node:*)"],
    disallowed_tools: ["Write"],
    permission_mode: "default",
    max_turns: 2,
  };
  const made = await call("/conversations", given, how);
  expect(made).toEqual({
    ...given,
    conversation_id: expect.any(String),
    status: "idle",
    created_at: expect.any(String),
    updated_at: expect.any(String),
  });
  const id = String(made.conversation_id);
  expect((await edge.newest(ACCOUNT)).options).toEqual({
    model: "claude-haiku-4-5",
    systemPrompt: "Rhyme.",
    allowedTools: ["Bash(node:*)"],
    disallowedTools: ["Write"],
    permissionMode: "default",
    maxTurns: 2,
  });
  const path = `/conversations/${id}`;
  const tool = '%tool Bash {"command":"node -e 1"}';
  const prompt = `${tool}\n%say Talk ran.`;
  expect(await call(`${path}/messages`, { prompt }, how)).toMatchObject({ response: "Talk ran." });
  expect(await edge.lastToolResult("Talk ran.")).toMatchObject({ is_error: false });
  const { body } = (await edge.asked("Talk ran.")).at(-1)!;
  expect(body.model).toBe("claude-haiku-4-5");
  expect(JSON.stringify(body.system)).toContain("Rhyme.");
  expect(body.tools!.map(({ name }) => name)).not.toContain("Write");
  const more = { prompt: `${tool}\n%say a\n${tool}\n%say b` };
  expect(await call(`${path}/messages`, more, how)).toMatchObject({
    status: 422,
    code: "max_turns",
  });

  // What is null is left out, and what is left out is the agent's own.
  const plain = await call("/conversations", { model: null, allowed_tools: null }, how);
  expect(plain).toMatchObject({ model: null, allowed_tools: null, permission_mode: null });
  expect((await edge.newest(ACCOUNT)).options).toEqual({});

  // Deleted in mid-turn.
  const half = { prompt: "%say Half.\n%wait 60000\n%say Never said of talks." };
  const streamed = stream(`${path}/stream`, half, how);
  await edge.untilAsked("Never said of talks.");
  await call(path, undefined, { ...how, method: "DELETE" });
  expect((await streamed).at(-1)).toMatchObject({ type: "error", code: "interrupted" });
});

describe("a stream of a query alone", () => {
  test("has pieces of text, tools, the result, done", async () => {
    const prompt = '%say First.\n%tool Write {"file_path":"a.txt","content":"a"}\n%tokens 50';
    const events = await stream("/stream", { prompt }, how);
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
      conversation_id: (await edge.newest(ACCOUNT)).id,
      response: expect.stringMatching(/^word1 .* word50$/),
      duration_ms: expect.any(Number),
      num_turns: 2,
      total_cost_usd: expect.any(Number),
    });
    expect(events.at(-1)).toEqual({ type: "done" });
  });

  test("comes while the turn runs, which goes on without its client", async () => {
    const leave = new AbortController();
    const response = await edge.fetch("/query", {
      json: { prompt: "%say Now.\n%wait 2000\n%say Later.", stream: true },
      ...how,
      signal: leave.signal,
    });
    const reader = read(response.body!);
    expect((await reader.next()).value).toEqual({ type: "text", content: "Now." });
    expect((await edge.newest(ACCOUNT)).status).toBe("running");
    leave.abort();
    await expect(all(reader)).rejects.toThrow("abort");
    expect(await edge.untilEnded(ACCOUNT)).toBe("completed");
  });
});

describe("conversations where nothing is said", () => {
  const list = { account: "conversations-list" };

  test("are listed, read and deleted", async () => {
    const ids = [await begin({}, list), await begin({}, list), await begin({}, list)];
    const listed = await call("/conversations", undefined, list);
    const found = (answer: Fields) =>
      (answer.conversations as Fields[]).map(({ conversation_id }) => conversation_id);
    expect(listed.count).toBe(3);
    expect(found(listed).toSorted()).toEqual(ids.toSorted());
    const first = await call("/conversations?limit=2", undefined, list);
    const cursor = encodeURIComponent(String(first.next_cursor));
    const second = await call(`/conversations?cursor=${cursor}`, undefined, list);
    expect([...found(first), ...found(second)]).toEqual(found(listed));

    const path = `/conversations/${ids[0]}`;
    expect(await call(path, undefined, list)).toMatchObject({ conversation_id: ids[0] });
    expect(await call(path, undefined, { ...list, method: "DELETE" })).toEqual({
      status: "deleted",
      conversation_id: ids[0],
    });
    const gone = { status: 404, code: "session_not_found", detail: expect.any(String) };
    for (const below of ["", "/messages"]) {
      expect(await call(path + below, undefined, list)).toMatchObject(gone);
    }
    for (const below of ["/messages", "/stream"]) {
      expect(await call(path + below, { prompt: "x" }, list)).toMatchObject(gone);
    }
    expect(await call(path, undefined, { ...list, method: "DELETE" })).toMatchObject(gone);
    expect((await call("/conversations", undefined, list)).count).toBe(2);
  });

  test("are their account's: another tenant's id leads nowhere", async () => {
    const id = await begin({}, list);
    const headers = bearer(await edge.mint("conversations-mallory"));
    const gone = { status: 404, code: "session_not_found" };
    const path = `/conversations/${id}`;
    expect(await call(path, undefined, { headers })).toMatchObject(gone);
    expect(await call(`${path}/messages`, undefined, { headers })).toMatchObject(gone);
    expect(await call(`${path}/messages`, { prompt: "x" }, { headers })).toMatchObject(gone);
    expect(await call(`${path}/stream`, { prompt: "x" }, { headers })).toMatchObject(gone);
    expect(await call(path, undefined, { headers, method: "DELETE" })).toMatchObject(gone);
    const named = { prompt: "x", accountId: list.account };
    expect(await call(`${path}/messages`, named, { headers })).toMatchObject({
      status: 403,
      code: "forbidden",
    });
    expect(await call(path, undefined, list)).toMatchObject({ status: "idle" });
    expect(await call("/conversations/..%2Fsessions")).toMatchObject(gone);
  });

  test("take no messages where the session asks its caller for permissions", async () => {
    const never = () => Promise.reject(new Error("nobody is to be asked"));
    const { id } = await edge.client(list.account).sessions.create({ canUseTool: never });
    const answer = await call(`/conversations/${id}/messages`, { prompt: "x" }, list);
    expect(answer).toMatchObject({ status: 400, code: "invalid_request" });
  });
});

describe("what is refused, in its own words", () => {
  test("a body that will not do, pages that are none", async () => {
    expect(await call("/stream", { prompt: "" })).toMatchObject({ code: "prompt_empty" });
    expect(await call("/conversations", { cwd: "/etc" })).toMatchObject({
      status: 400,
      code: "invalid_request",
      detail: "cwd: there is no such field",
    });
    for (const query of ["limit=0", "limit=1000", "limit=x", "cursor=%00"]) {
      expect(await call(`/conversations?${query}`)).toMatchObject({ code: "invalid_request" });
    }
    const form = {
      ...bearer(edge.stack.token),
      "content-type": "application/x-www-form-urlencoded",
    };
    const path = `${edge.stack.url}/conversations`;
    const other = await fetch(path, { method: "POST", body: "a=b", headers: form });
    expect(other.status).toBe(415);
  });

  test("no key", async () => {
    for (const path of ["/conversations", `/conversations/${randomUUID()}/messages`]) {
      const response = await fetch(`${edge.stack.url}${path}`);
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        detail: "The request carries no key.",
        code: "unauthorized",
        request_id: response.headers.get("x-request-id"),
      });
    }
  });
});
