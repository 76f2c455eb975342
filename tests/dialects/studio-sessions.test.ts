import { randomUUID } from "node:crypto";

import { mintToken } from "@claude-edge/client/tokens";
import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { all } from "../support/tokens.js";
import { until } from "../support/wait.js";
import {
  COMPLETED,
  endsOf,
  eventsOf,
  outline,
  POST,
  sessionIn,
  studioOf,
  textOf,
  UUID,
} from "./studio-client.js";

const edge = useStack("dialects");

const ACCOUNT = "studio-sessions";
const studio = studioOf(edge, ACCOUNT);

/** How it is listed. */
const listed = async (id: string) => {
  const { sessions } = (await studio.json("/api/sessions")).body as { sessions: { id: string }[] };
  return sessions.filter((session) => session.id === id);
};

/** The session that most tests talk in: the first of them makes it. */
let session = "";
/** Another, of one turn, and what that cost. */
const left = { id: randomUUID() as string, cost: 0 };

describe("sessions", () => {
  test("remember, by the id that was given back and by every way of going on", async () => {
    expect(await studio.json("/api/sessions")).toEqual({
      status: 200,
      body: { success: true, count: 0, sessions: [] },
    });
    session = sessionIn(await studio.generate("My boat is called Vega."));
    for (const path of ["/api/generate", "/api/generate-stream"]) {
      const events = await studio.stream(path, { prompt: "What did I say?", sessionId: session });
      expect(sessionIn(events)).toBe(session);
      expect(textOf(events)).toContain("Vega");
    }
    for (const way of ["continue", "continue-stream"]) {
      const path = `/api/sessions/${session}/${way}`;
      const events = await studio.stream(path, { prompt: "And now?" });
      expect(outline(events).slice(-COMPLETED.length)).toEqual(COMPLETED);
      expect(textOf(events)).toContain("Vega");
    }
    expect((await studio.json(`/api/sessions/${session}`)).body.session).toMatchObject({
      id: session,
      sdk_session_id: session,
    });
  });

  test("have the id that their client chose, whatever its form, and are made once", async () => {
    const id = `session_${randomUUID()}`;
    // A tag that says so makes no session another.
    const tagged = await edge.client(ACCOUNT).sessions.create({ tags: [id] });
    const prompts = ["%say a", "%say b", "My cat is called Mia."];
    const streams = await Promise.all(prompts.map((prompt) => studio.generate(prompt, id)));
    expect(streams.map((events) => endsOf(events))).toEqual([COMPLETED, COMPLETED, COMPLETED]);
    expect(streams.map(sessionIn)).toEqual([id, id, id]);
    expect(textOf(await studio.generate("What did I say?", id))).toContain("Mia");
    expect(await listed(id)).toEqual([
      expect.objectContaining({ total_turns: 4, status: "completed" }),
    ]);
    expect(await listed(tagged.id)).toEqual([expect.objectContaining({ status: "active" })]);

    const [{ sdk_session_id: uuid }] = (await listed(id)) as unknown as [
      { sdk_session_id: string },
    ];
    expect(uuid).toMatch(UUID);
    for (const path of [id, uuid]) {
      const { body } = await studio.json(`/api/sessions/${path}`);
      expect(body.session).toMatchObject({ id, sdk_session_id: uuid });
    }
    const bob = studioOf(edge, "studio-bob");
    for (const path of [id, uuid]) {
      expect((await bob.json(`/api/sessions/${path}`)).status).toBe(404);
    }
  });

  test("have their messages, as their pages keep them; one that was deleted is gone, and one of its name begins anew", async () => {
    const prompt = '%say Looking.\n%tool Bash {"command":"echo hi"}\n%say Found it.';
    await studio.generate(prompt, "m");
    await studio.generate("%say Again.", "m");
    const { status, body } = await studio.json("/api/sessions/m/messages");
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, sessionId: "m", count: 6 });
    const id = expect.any(String) as string;
    const assistant = { id, role: "assistant" };
    expect(body.messages).toEqual([
      { id, role: "user", type: "text", content: prompt },
      { ...assistant, type: "thinking", content: "Looking." },
      {
        ...assistant,
        type: "tool_use",
        toolName: "Bash",
        toolId: id,
        toolInput: { command: "echo hi" },
      },
      { ...assistant, type: "text", content: "Found it." },
      { id, role: "user", type: "text", content: "%say Again." },
      { ...assistant, type: "text", content: "Again." },
    ]);
    const ids = (body.messages as { id: string }[]).map((message) => message.id);
    expect(new Set(ids).size).toBe(6);

    const empty = await edge.client(ACCOUNT).sessions.create();
    expect((await studio.json(`/api/sessions/${empty.id}/messages`)).body).toMatchObject({
      messages: [],
      count: 0,
    });

    const remove = () => studio.json("/api/sessions/m", undefined, { method: "DELETE" });
    expect((await remove()).status).toBe(200);
    for (const path of ["m", "m/messages", "m/pipeline"]) {
      expect((await studio.json(`/api/sessions/${path}`)).status).toBe(404);
    }
    expect((await remove()).status).toBe(404);
    expect(await listed("m")).toEqual([]);
    expect(textOf(await studio.generate("What did I say?", "m"))).not.toContain("Looking");
  });

  test("go on without their client, who finds there what came of it, also by the same Idempotency-Key", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const leaving = new AbortController();
    const prompt = "%say Begun.\n%wait 1500\n%say And ended.";
    const body = { prompt, sessionId: left.id };
    const response = await studio.ask("/api/generate", body, { headers, signal: leaving.signal });
    const seen: string[] = [];
    await expect(async () => {
      for await (const { type } of eventsOf(response)) {
        seen.push(type);
        if (type === "text_delta") leaving.abort();
      }
    }).rejects.toMatchObject({ name: "AbortError" });
    expect(seen).not.toContain("complete");
    const path = `/api/sessions/${body.sessionId}`;
    const status = async () =>
      (await studio.json(path)).body.session as { id: string; status: string };
    expect(await status()).toMatchObject({ id: body.sessionId, status: "active" });
    await until("the turn has ended", async () => (await status()).status === "completed");
    const { messages } = (await studio.json(`${path}/messages`)).body;
    expect(messages).toContainEqual(
      expect.objectContaining({
        role: "assistant",
        content: expect.stringContaining("And ended."),
      }),
    );

    const again = await studio.ask("/api/generate", body, { headers });
    const events = await all(eventsOf(again));
    expect(sessionIn(events)).toBe(body.sessionId);
    const complete = events.at(-1)!;
    expect(complete).toMatchObject({ type: "complete", response: "And ended." });
    left.cost = (complete.instrumentation as { totalCost_usd: number }).totalCost_usd;
    expect(await listed(body.sessionId)).toEqual([expect.objectContaining({ total_turns: 1 })]);
    const other = { ...body, prompt: "%say Other." };
    expect((await studio.ask("/api/generate", other, { headers })).status).toBe(409);
  });

  test("are listed with what they used, newest first, page by page", async () => {
    await studio.generate("%error 400", session);
    const rows: { id: string }[] = [];
    let cursor: unknown;
    do {
      const page = cursor === undefined ? "" : `&cursor=${String(cursor)}`;
      const { status, body } = await studio.json(`/api/sessions?limit=1${page}`);
      expect([status, body.success, body.count]).toEqual([200, true, 1]);
      rows.push(...(body.sessions as typeof rows));
      cursor = body.next_cursor;
    } while (cursor !== undefined);
    const { sessions } = (await studio.json("/api/sessions")).body;
    expect(rows).toEqual(sessions);
    expect(rows[0]).toMatchObject({ id: session, status: "error" });
    expect(rows.find(({ id }) => id === left.id)).toEqual({
      id: left.id,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      status: "completed",
      pipeline_stage: "unknown",
      sdk_session_id: left.id,
      total_cost_usd: expect.closeTo(left.cost, 9),
      total_turns: 1,
      error_message: null,
      metadata: null,
    });
    expect((await studio.json("/api/sessions/m/pipeline")).body).toEqual({
      success: true,
      sessionId: "m",
      pipeline: { stage: "unknown", status: "completed", checkpoint: null },
    });
    for (const query of ["limit=0", "limit=x", "cursor=x"]) {
      expect(await studio.json(`/api/sessions?${query}`)).toMatchObject({
        status: 400,
        body: { success: false, code: "invalid_request" },
      });
    }
  });
});

describe("bad input", () => {
  const prompt = "%say Hi.";

  test.each([
    [{ prompt: "" }, "prompt_empty"],
    [{ prompt, autonomousMode: true }, "invalid_request"],
    [{ prompt, sessionId: "../x" }, "invalid_request"],
  ])("%j", async (json, code) => {
    const response = await studio.ask("/api/generate", json);
    expect(response.status).toBe(400);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    const error = expect.stringMatching(/\S/) as string;
    expect(await response.json()).toMatchObject({ success: false, error, code });
  });

  test("images that were not uploaded; an empty list of them is none", async () => {
    const inputImages = ["/storage/uploads/a.png"];
    expect(await studio.json("/api/generate", { prompt, inputImages })).toMatchObject({
      status: 404,
      body: { success: false, code: "file_not_found" },
    });
    const events = await studio.stream("/api/generate", {
      prompt,
      sessionId: session,
      inputImages: [],
    });
    expect(events.at(-1)).toMatchObject({ type: "complete" });
  });

  test("what does not say that it is JSON", async () => {
    expect(
      await studio.json("/api/generate", undefined, { method: "POST", body: "Hi" }),
    ).toMatchObject({ status: 415, body: { success: false, code: "unsupported_media_type" } });
  });

  test("paths and methods that are none", async () => {
    for (const [path, json, status] of [
      ["/api/upload", undefined, 405],
      ["/api/media/a.png", undefined, 404],
      ["/api/sessions/x/assets", undefined, 404],
      ["/api/generate", undefined, 405],
      ["/api/sessions", {}, 405],
    ] as const) {
      expect((await studio.ask(path, json)).status).toBe(status);
    }
  });
});

describe("who may", () => {
  const token = (
    account: string,
    scopes?: Parameters<typeof mintToken>[0]["scopes"],
    of?: string,
  ) =>
    mintToken({
      rootKey: edge.stack.token,
      account,
      ...(scopes ? { scopes } : {}),
      ...(of ? { sessionId: of } : {}),
    });
  const ROUTES: [path: string, json?: unknown, method?: string][] = [
    [""],
    ["/messages"],
    ["/pipeline"],
    ["/continue", { prompt: "%say Mine." }],
    ["/continue-stream", { prompt: "%say Mine." }],
    ["/cancel", undefined, "POST"],
    ["", undefined, "DELETE"],
  ];

  test("without a key nobody, but anyone may ask how it is", async () => {
    for (const path of [
      "/api/generate",
      "/api/sessions",
      "/api/sessions/x",
      "/api/generate-stream",
    ]) {
      const isPost = path.startsWith("/api/generate");
      const post = { method: "POST", body: '{"prompt":"Hi"}' };
      const response = await fetch(`${edge.stack.url}${path}`, isPost ? post : {});
      expect(response.status).toBe(401);
      expect(response.headers.get("x-request-id")).toMatch(/^req_/);
      expect(await response.json()).toMatchObject({
        success: false,
        error: "The request carries no key.",
        code: "unauthorized",
      });
    }
    const health = await fetch(`${edge.stack.url}/api/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({
      status: "healthy",
      agent: "claude-edge",
      timestamp: expect.any(String),
      config: { hasAnthropicKey: true },
    });
  });

  test("another account's session is no other than one that is not there", async () => {
    const id = session;
    const { count } = (await studio.json(`/api/sessions/${id}/messages`)).body;
    const other = studioOf(edge, undefined, await token("studio-other"));
    for (const [path, json, method] of ROUTES) {
      const answers = [];
      for (const of of [id, randomUUID(), "unknown", "%2e%2e%2fx"]) {
        const init = method === undefined ? {} : { method };
        const { status, body } = await other.json(`/api/sessions/${of}${path}`, json, init);
        answers.push({ status, success: body.success, code: body.code });
      }
      const missing = { status: 404, success: false, code: "session_not_found" };
      expect(answers).toEqual([missing, missing, missing, missing]);
    }
    expect((await studio.json(`/api/sessions/${id}/messages`)).body.count).toBe(count);
  });

  test("a token needs the scope, and stays in its account and session", async () => {
    const id = session;
    const reader = studioOf(edge, undefined, await token(ACCOUNT, ["sessions:read"]));
    const sender = studioOf(edge, undefined, await token(ACCOUNT, ["query"]));
    const allowed = async (by: typeof reader) => {
      const statuses = [(await by.ask("/api/sessions")).status];
      statuses.push((await by.ask("/api/generate", { prompt: "" })).status);
      for (const [path, json, method] of ROUTES) {
        const body = json === undefined ? undefined : { prompt: "" };
        const init = method === undefined ? {} : { method };
        statuses.push((await by.ask(`/api/sessions/${id}${path}`, body, init)).status);
      }
      return statuses;
    };
    expect(await allowed(reader)).toEqual([200, 403, 200, 200, 200, 403, 403, 403, 403]);
    expect(await allowed(sender)).toEqual([403, 400, 403, 403, 403, 400, 400, 404, 403]);
    expect(await sender.json("/api/sessions")).toMatchObject({
      body: { success: false, code: "forbidden" },
    });
    const named = await sender.ask("/api/generate", undefined, {
      ...POST,
      body: '{"prompt":"Hi"}',
      headers: { ...POST.headers, "x-account-id": "studio-owner" },
    });
    expect(named.status).toBe(403);

    const held = studioOf(edge, undefined, await token(ACCOUNT, undefined, id));
    expect((await held.json(`/api/sessions/${id}`)).status).toBe(200);
    expect(
      (await held.stream(`/api/sessions/${id}/continue`, { prompt: "%say On." })).at(-1),
    ).toMatchObject({ type: "complete" });
    for (const path of ["/api/sessions", `/api/sessions/${randomUUID()}`]) {
      expect((await held.json(path)).status).toBe(403);
    }
    expect((await held.json("/api/generate", { prompt: "Hi", sessionId: id })).status).toBe(403);
  });
});

test("an account's limits are said in this dialect too", async () => {
  const account = "studio-limited";
  const limited = studioOf(edge, account);
  const limits = { requests_per_minute: 1 };
  await edge.fetch("/v1/limits", { method: "PATCH", account, json: limits });
  expect((await limited.ask("/api/sessions")).status).toBe(200);
  const response = await limited.ask("/api/generate", { prompt: "%say Hi." });
  expect(response.status).toBe(429);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({ success: false, code: "rate_limited" });
});
