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
  type StudioEvent,
} from "./studio-client.js";

const edge = useStack({ vars: { CLAUDE_EDGE_DIALECTS: "studio" } });

describe("sessions", () => {
  test("remember, by the id that was given back and by every way of going on", async () => {
    const studio = studioOf(edge, "sessions");
    const id = sessionIn(await studio.generate("My boat is called Vega."));
    for (const path of ["/api/generate", "/api/generate-stream"]) {
      const events = await studio.stream(path, { prompt: "What did I say?", sessionId: id });
      expect(sessionIn(events)).toBe(id);
      expect(textOf(events)).toContain("Vega");
    }
    for (const way of ["continue", "continue-stream"]) {
      const events = await studio.stream(`/api/sessions/${id}/${way}`, { prompt: "And now?" });
      expect(outline(events).slice(-COMPLETED.length)).toEqual(COMPLETED);
      expect(textOf(events)).toContain("Vega");
    }
  });

  test("have the id that their client chose, whatever its form, in one account each", async () => {
    const [ada, bob] = [studioOf(edge, "id-ada"), studioOf(edge, "id-bob")];
    const id = `session_${randomUUID()}`;
    expect(sessionIn(await ada.generate("My cat is called Mia.", id))).toBe(id);
    expect(textOf(await bob.generate("What did I say?", id))).not.toContain("Mia");
    expect(textOf(await ada.generate("What did I say?", id))).toContain("Mia");

    const { body } = await ada.json("/api/sessions");
    expect(body).toMatchObject({ success: true, count: 1, sessions: [{ id }] });
    const [{ sdk_session_id: uuid }] = body.sessions as [{ sdk_session_id: string }];
    expect(uuid).toMatch(UUID);
    for (const path of [id, uuid]) {
      const { session } = (await ada.json(`/api/sessions/${path}`)).body;
      expect(session).toMatchObject({ id, sdk_session_id: uuid });
    }
    expect((await bob.json(`/api/sessions/${uuid}`)).status).toBe(404);
  });

  test("have the UUID that their client chose", async () => {
    const studio = studioOf(edge, "sessions");
    const chosen = randomUUID();
    expect(sessionIn(await studio.generate("%say Hi.", chosen))).toBe(chosen);
    expect((await studio.json(`/api/sessions/${chosen}`)).body.session).toMatchObject({
      id: chosen,
      sdk_session_id: chosen,
    });
  });

  test("a tag that says so makes no session another", async () => {
    const client = edge.client("tag");
    const own = await client.sessions.create({ tags: ["mine"] });
    const studio = studioOf(edge, "tag");
    await studio.generate("%say Hi.", "mine");
    const { sessions } = (await studio.json("/api/sessions")).body as { sessions: unknown[] };
    expect(sessions).toHaveLength(2);
    expect(sessions).toContainEqual(expect.objectContaining({ id: own.id, status: "active" }));
    expect(sessions).toContainEqual(expect.objectContaining({ id: "mine", status: "completed" }));
  });

  test("one that two ask for at the same time is made once", async () => {
    const studio = studioOf(edge, "sessions");
    const prompts = ["%say a", "%say b", "%say c"];
    const streams = await Promise.all(prompts.map((prompt) => studio.generate(prompt, "one")));
    expect(streams.map((events) => endsOf(events))).toEqual([COMPLETED, COMPLETED, COMPLETED]);
    const { sessions } = (await studio.json("/api/sessions")).body as { sessions: unknown[] };
    expect(sessions.filter((session) => (session as { id: string }).id === "one")).toEqual([
      expect.objectContaining({ total_turns: 3 }),
    ]);
  });

  test("are listed with what they used, newest first, page by page", async () => {
    const studio = studioOf(edge, "list");
    expect(await studio.json("/api/sessions")).toEqual({
      status: 200,
      body: { success: true, count: 0, sessions: [] },
    });
    const complete = (await studio.generate("%say Hi.", "first")).at(-1)!;
    await studio.generate("%error 400", "second");
    const { totalCost_usd } = complete.instrumentation as { totalCost_usd: number };
    const { body } = await studio.json("/api/sessions?limit=1");
    expect(body).toMatchObject({ count: 1, sessions: [{ id: "second", status: "error" }] });
    const next = await studio.json(`/api/sessions?cursor=${String(body.next_cursor)}`);
    expect(next.body).toEqual({
      success: true,
      count: 1,
      sessions: [
        {
          id: "first",
          created_at: expect.any(String),
          updated_at: expect.any(String),
          status: "completed",
          pipeline_stage: "unknown",
          sdk_session_id: expect.stringMatching(UUID),
          total_cost_usd: expect.closeTo(totalCost_usd, 9),
          total_turns: 1,
          error_message: null,
          metadata: null,
        },
      ],
    });
    expect((await studio.json("/api/sessions/first/pipeline")).body).toEqual({
      success: true,
      sessionId: "first",
      pipeline: { stage: "unknown", status: "completed", checkpoint: null },
    });
    for (const query of ["limit=0", "limit=x", "cursor=x"]) {
      expect(await studio.json(`/api/sessions?${query}`)).toMatchObject({
        status: 400,
        body: { success: false, code: "invalid_request" },
      });
    }
  });

  test("have their messages, as their pages keep them", async () => {
    const studio = studioOf(edge, "sessions");
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

    const empty = await edge.client("sessions").sessions.create();
    expect((await studio.json(`/api/sessions/${empty.id}/messages`)).body).toMatchObject({
      messages: [],
      count: 0,
    });
  });

  test("have all of them, when they are read from storage in several pieces", async () => {
    const studio = studioOf(edge, "sessions");
    for (let turn = 0; turn < 3; turn += 1) await studio.generate("%bytes 800000", "long");
    await edge.stack.restartWorker();
    const { body } = await studio.json("/api/sessions/long/messages");
    expect(body.count).toBe(6);
    const lengths = (body.messages as { content: string }[]).map(({ content }) => content.length);
    expect(lengths.filter((length) => length > 790_000)).toHaveLength(3);
  });

  test("one that was deleted is gone, and one of its name begins anew", async () => {
    const studio = studioOf(edge, "sessions");
    await studio.generate("My dog is called Rex.", "d");
    const gone = () => studio.json("/api/sessions/d", undefined, { method: "DELETE" });
    expect((await gone()).status).toBe(200);
    for (const path of ["d", "d/messages", "d/pipeline"]) {
      expect((await studio.json(`/api/sessions/${path}`)).status).toBe(404);
    }
    expect((await gone()).status).toBe(404);
    const { sessions } = (await studio.json("/api/sessions")).body;
    expect(sessions).not.toContainEqual(expect.objectContaining({ id: "d" }));
    expect(textOf(await studio.generate("What did I say?", "d"))).not.toContain("Rex");
  });

  test("whoever leaves a stream leaves the turn to itself, and finds it in the session", async () => {
    const studio = studioOf(edge, "sessions");
    const leaving = new AbortController();
    const body = { prompt: "%say Begun.\n%wait 1500\n%say And ended.", sessionId: "left" };
    const response = await studio.ask("/api/generate", body, { signal: leaving.signal });
    const seen: string[] = [];
    await expect(async () => {
      for await (const { type } of eventsOf(response)) {
        seen.push(type);
        if (type === "text_delta") leaving.abort();
      }
    }).rejects.toMatchObject({ name: "AbortError" });
    expect(seen).not.toContain("complete");
    const status = async () => (await studio.json("/api/sessions/left")).body.session;
    expect(await status()).toMatchObject({ status: "active" });
    await until("the turn has ended", async () => {
      return ((await status()) as { status: string }).status === "completed";
    });
    const { messages } = (await studio.json("/api/sessions/left/messages")).body;
    expect(messages).toContainEqual(
      expect.objectContaining({
        role: "assistant",
        content: expect.stringContaining("And ended."),
      }),
    );
  });

  test("the same Idempotency-Key is the same turn, whoever made its session", async () => {
    const studio = studioOf(edge, "once");
    const send = async (sessionId?: string, prompt = "%say Once.") => {
      const headers = { "idempotency-key": sessionId ?? "none" };
      const response = await studio.ask("/api/generate", { prompt, sessionId }, { headers });
      if (response.status !== 200) return response.status;
      return all(eventsOf(response));
    };
    for (const id of [undefined, "named"]) {
      const first = (await send(id)) as StudioEvent[];
      const second = (await send(id)) as StudioEvent[];
      expect(sessionIn(second)).toBe(sessionIn(first));
      expect(second.at(-1)).toEqual(first.at(-1));
      expect(await send(id, "%say Other.")).toBe(409);
    }
    expect((await studio.json("/api/sessions")).body).toMatchObject({
      count: 2,
      sessions: [{ total_turns: 1 }, { total_turns: 1 }],
    });
  });
});

describe("bad input", () => {
  const studio = studioOf(edge, "bad");
  const prompt = "%say Hi.";
  const REFUSED: [what: string, json: unknown, status: number, code: string][] = [
    ["no prompt", {}, 400, "invalid_request"],
    ["an empty prompt", { prompt: "" }, 400, "prompt_empty"],
    ["a blank prompt", { prompt: " \n\t" }, 400, "prompt_empty"],
    ["a number", { prompt: 7 }, 400, "invalid_request"],
    ["nothing", { prompt: null }, 400, "invalid_request"],
    ["blocks", { prompt: [{ type: "text", text: "Hi" }] }, 400, "invalid_request"],
    ["a prompt too long", { prompt: "é".repeat(512 * 1024 + 1) }, 413, "prompt_too_long"],
    ["a body too large", { prompt: "x".repeat(8 * 1024 * 1024) }, 413, "body_too_large"],
    ["an array", [prompt], 400, "invalid_request"],
    ["a field that is none", { prompt, autonomousMode: true }, 400, "invalid_request"],
  ];

  test.each(REFUSED)("%s", async (_what, json, status, code) => {
    for (const path of ["/api/generate", "/api/generate-stream", "/api/sessions/x/continue"]) {
      const response = await studio.ask(path, json);
      expect(response.status).toBe(status);
      expect(response.headers.get("x-request-id")).toMatch(/^req_/);
      const error = expect.stringMatching(/\S/) as string;
      expect(await response.json()).toMatchObject({ success: false, error, code });
    }
  });

  test.each(["", "a b", "a/b", "../x", "-x", "é", "x".repeat(51), 7, null, randomUUID() + "\n"])(
    "a session id of another form: %j",
    async (sessionId) => {
      expect(await studio.json("/api/generate", { prompt, sessionId })).toMatchObject({
        status: 400,
        body: { code: "invalid_request", error: expect.stringContaining("sessionId") },
      });
    },
  );

  test("images that were not uploaded; an empty list of them is none", async () => {
    const inputImages = ["/storage/uploads/a.png"];
    expect(await studio.json("/api/generate", { prompt, inputImages })).toMatchObject({
      status: 404,
      body: { success: false, code: "file_not_found" },
    });
    const events = await studio.stream("/api/generate", { prompt, inputImages: [] });
    expect(events.at(-1)).toMatchObject({ type: "complete" });
  });

  test("what is no JSON, or does not say so", async () => {
    const body = '{"prompt":"%say';
    const headers = { "content-type": "application/json" };
    const json = { method: "POST", body, headers };
    expect(await studio.json("/api/generate", undefined, json)).toMatchObject({
      status: 400,
      body: { success: false, code: "invalid_json" },
    });
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
    const owner = studioOf(edge, "owner");
    const id = sessionIn(await owner.generate("%say Mine."));
    const other = studioOf(edge, undefined, await token("other"));
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
    // One of the same id is another session.
    expect(textOf(await other.generate("What did I say?", id))).not.toContain("Mine");
    expect((await owner.json(`/api/sessions/${id}/messages`)).body.count).toBe(2);
  });

  test("a token needs the scope, and stays in its account and session", async () => {
    const owner = studioOf(edge, "scopes");
    const id = sessionIn(await owner.generate("%say Hi."));
    const reader = studioOf(edge, undefined, await token("scopes", ["sessions:read"]));
    const sender = studioOf(edge, undefined, await token("scopes", ["query"]));
    const allowed = async (studio: typeof reader) => {
      const statuses = [(await studio.ask("/api/sessions")).status];
      statuses.push((await studio.ask("/api/generate", { prompt: "" })).status);
      for (const [path, json, method] of ROUTES) {
        const body = json === undefined ? undefined : { prompt: "" };
        const init = method === undefined ? {} : { method };
        statuses.push((await studio.ask(`/api/sessions/${id}${path}`, body, init)).status);
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
      headers: { ...POST.headers, "x-account-id": "owner" },
    });
    expect(named.status).toBe(403);

    const held = studioOf(edge, undefined, await token("scopes", undefined, id));
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
  const studio = studioOf(edge, "limited");
  const limits = { requests_per_minute: 1 };
  await edge.fetch("/v1/limits", { method: "PATCH", account: "limited", json: limits });
  expect((await studio.ask("/api/sessions")).status).toBe(200);
  const response = await studio.ask("/api/generate", { prompt: "%say Hi." });
  expect(response.status).toBe(429);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({ success: false, code: "rate_limited" });
});
