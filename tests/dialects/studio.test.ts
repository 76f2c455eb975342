import { describe, expect, test } from "vitest";

import { useProject } from "../support/project.js";
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

const tools = (events: StudioEvent[], subtype: string) =>
  events.flatMap((event) => (event.subtype === subtype ? [event.data as StudioEvent] : []));
const said = (events: StudioEvent[]) => events.filter(({ type }) => type === "assistant_message");

describe("a prompt's events", () => {
  test.each(["/api/generate", "/api/generate-stream"])("%s: text", async (path) => {
    const studio = studioOf(edge, "events");
    const events = await studio.stream(path, { prompt: "%say One two three." });
    expect(outline(events)).toEqual([
      "session_init",
      "status",
      "status",
      "text_delta",
      "message_type_hint response",
      "assistant_message response",
      ...COMPLETED,
    ]);
    expect(events.filter(({ type }) => type === "text_delta")).toHaveLength(3);
    expect(textOf(events)).toBe("One two three.");
    const sessionId = sessionIn(events);
    expect(sessionId).toMatch(UUID);
    expect(said(events)).toEqual([
      expect.objectContaining({ text: "One two three.", content: "One two three." }),
    ]);
    const [, result, complete] = events.slice(-3);
    expect(result).toMatchObject({ success: true, sessionId, response: "One two three." });
    expect(complete).toMatchObject({
      sessionId,
      exitCode: 0,
      response: "One two three.",
      checkpoint: null,
      awaitingInput: false,
      instrumentation: { totalCost_usd: expect.any(Number), tokens: { output_tokens: 3 } },
    });
  });

  test("comes as server-sent events, which nothing in between may hold back", async () => {
    const response = await studioOf(edge, "events").ask("/api/generate", { prompt: "%say Hi." });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(response.headers.get("cache-control")).toContain("no-transform");
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(await response.text()).toMatch(/^data: \{"type":"session_init".*\n\ndata: .*\n\n$/s);
  });

  test("thinking is not the answer, and no event of its own", async () => {
    const events = await studioOf(edge, "events").generate("%think Secretly.\n%say Openly.");
    expect(textOf(events)).toBe("Openly.");
    expect(JSON.stringify(events)).not.toContain("Secretly");
    expect(outline(events)).not.toContain("message_type_hint thinking");
  });

  test("a tool: what is said before it is thinking, what is said after it the response", async () => {
    const prompt = '%say Looking.\n%tool Bash {"command":"echo found"}\n%say Done so.';
    const events = await studioOf(edge, "events").generate(prompt);
    expect(outline(events)).toEqual([
      "session_init",
      "status",
      "status",
      "text_delta",
      "message_type_hint thinking",
      "assistant_message thinking",
      "system tool_call",
      "system tool_result",
      "text_delta",
      "message_type_hint response",
      "assistant_message response",
      ...COMPLETED,
    ]);
    expect(said(events).map(({ text }) => text)).toEqual(["Looking.", "Done so."]);
    const [call] = tools(events, "tool_call");
    expect(call).toMatchObject({ tool_name: "Bash", detail: "echo found" });
    const [result] = tools(events, "tool_result");
    expect(result).toMatchObject({ tool_name: "Bash", summary: "found", is_error: false });
  });

  test("several tools at once: each result is of its call", async () => {
    // Both cuts fall into the middle of a character.
    const text = `..${"é😀".repeat(100)}.`;
    const prompt = [
      `%tool Bash {"command":"echo '${text}'"}`,
      '%tool Write {"file_path":"notes.txt","content":"forty-two"}',
      '%tool Bash {"command":"echo last"}',
      "%say All done.",
    ].join("\n");
    const events = await studioOf(edge, "events").generate(prompt);
    const calls = tools(events, "tool_call");
    const results = tools(events, "tool_result");
    expect(calls.map(({ tool_name }) => tool_name)).toEqual(["Bash", "Write", "Bash"]);
    expect(results).toHaveLength(3);
    for (const { tool_use_id, tool_name } of calls) {
      const own = results.filter((result) => result.tool_use_id === tool_use_id);
      expect(own).toEqual([expect.objectContaining({ tool_name, is_error: false })]);
    }
    expect(calls[1]).toMatchObject({ detail: "", tool_input: { content: "forty-two" } });
    expect(calls[0]!.detail).toMatch(/^echo '\.\.(é😀)+é\.\.\.$/u);
    const long = results.find(({ tool_use_id }) => tool_use_id === calls[0]!.tool_use_id);
    expect(long!.summary).toMatch(/^\.\.\.(é😀)+\.$/u);
    expect(results.some(({ summary }) => summary === "last")).toBe(true);
    expect(endsOf(events)).toEqual(COMPLETED);
  });

  test("a tool that needs leave is refused at once: there is nobody to ask", async () => {
    const prompt = '%tool Read {"file_path":"/etc/hostname"}\n%say Went on.';
    const events = await studioOf(edge, "events").generate(prompt);
    expect(tools(events, "tool_result")).toEqual([
      expect.objectContaining({ tool_name: "Read", is_error: true }),
    ]);
    expect(events.at(-1)).toMatchObject({ type: "complete", response: "Went on." });
  });

  test("a subagent's tools are shown, its words are not", async () => {
    const below = '%say Below.\n%tool Bash {"command":"echo deep"}\n%say From below.';
    const input = { description: "d", prompt: below, subagent_type: "general-purpose" };
    const prompt = `%tool Task ${JSON.stringify(input)}\n%say Up.`;
    const session = await edge.client("events").sessions.create({ forwardSubagentText: true });
    const events = await studioOf(edge, "events").generate(prompt, session.id);
    expect(textOf(events)).toBe("Up.");
    expect(said(events).map(({ text }) => text)).toEqual(["Up."]);
    expect(tools(events, "tool_call").map(({ tool_name }) => tool_name)).toEqual(["Task", "Bash"]);
    expect(tools(events, "tool_result").map(({ tool_name }) => tool_name)).toEqual([
      "Bash",
      "Task",
    ]);
  });

  test("the longest prompt there may be", async () => {
    const start = "%say Read it.\n";
    const prompt = start.padEnd(1024 * 1024, ".");
    expect((await studioOf(edge, "events").generate(prompt)).at(-1)).toMatchObject({
      type: "complete",
      response: "Read it.",
    });
  });
});

describe("a turn that does not complete ends with an error, and with nothing else", () => {
  const expectError = (events: StudioEvent[], code: string) => {
    expect(endsOf(events)).toEqual(["error"]);
    const end = events.at(-1)!;
    expect(end).toMatchObject({
      type: "error",
      success: false,
      code,
      sessionId: sessionIn(events),
    });
    expect(end.error).toEqual(expect.stringMatching(/\S/));
    expect(end.message).toBe(end.error);
  };

  test.each([
    ["%error 401", "model_auth_failed"],
    ["%error 400", "model_invalid_request"],
    ["%refuse", "model_refused"],
  ])("model error: %s", async (prompt, code) => {
    const events = await studioOf(edge, "errors").generate(prompt);
    expectError(events, code);
    expect(said(events)).toEqual([]);
    expect(textOf(events)).toBe("");
  });

  test("a session goes on after one, and shows it", async () => {
    const studio = studioOf(edge, "errors");
    const sessionId = sessionIn(await studio.generate("%error 400"));
    const path = `/api/sessions/${sessionId}`;
    expect((await studio.json(path)).body.session).toMatchObject({
      status: "error",
      error_message: expect.stringContaining("400"),
    });
    expect((await studio.json(`${path}/messages`)).body.messages).toEqual([
      expect.objectContaining({ role: "user", content: "%error 400" }),
      expect.objectContaining({ role: "system", code: "model_invalid_request" }),
    ]);
    expect((await studio.generate("%say Fine.", sessionId)).at(-1)).toMatchObject({
      response: "Fine.",
    });
    expect((await studio.json(path)).body.session).toMatchObject({
      status: "completed",
      error_message: null,
    });
  });

  test("a container that is killed in mid-turn", async () => {
    const before = new Set(edge.stack.containers().map(({ name }) => name));
    const studio = studioOf(edge, "killed");
    let killed: Promise<void> | undefined;
    const events = await studio.generate("%tokens 3\n%wait 60000", undefined, ({ type }) => {
      const own = edge.stack.containers().find(({ name }) => !before.has(name));
      if (type === "text_delta") killed ??= edge.stack.killContainer(own!.name);
    });
    await killed;
    expectError(events, "container_lost");
    expect((await studio.generate("%say Again.", sessionIn(events))).at(-1)).toMatchObject({
      type: "complete",
      response: "Again.",
    });
  });

  test("cancelled in mid-turn, with what waits behind it", async () => {
    const studio = studioOf(edge, "errors");
    const answers: unknown[] = [];
    let second: Promise<StudioEvent[]> | undefined;
    const first = await studio.generate("%tokens 3\n%wait 60000", "cancelled", async ({ type }) => {
      if (type !== "text_delta" || second) return;
      const queued = Promise.withResolvers<void>();
      second = studio.generate("%say Never.", "cancelled", () => queued.resolve());
      await queued.promise;
      answers.push(await studio.json("/api/sessions/cancelled/cancel", undefined, POST));
    });
    expect(answers).toEqual([
      { status: 200, body: { success: true, message: "Generation cancelled" } },
    ]);
    expectError(first, "interrupted");
    expectError((await second)!, "interrupted");
    expect(textOf((await second)!)).toBe("");

    // Twice, and when nothing has ever run.
    expect(await studio.json("/api/sessions/cancelled/cancel", undefined, POST)).toMatchObject({
      status: 404,
      body: { success: false, code: "turn_not_found" },
    });
    expect((await studio.generate("%say On.", "cancelled")).at(-1)).toMatchObject({
      type: "complete",
    });
  });

  test("cancelled by several at once: one end", async () => {
    const studio = studioOf(edge, "errors");
    let answers: Promise<{ status: number }[]> | undefined;
    const events = await studio.generate("%tokens 3\n%wait 60000", "c", ({ type }) => {
      if (type !== "text_delta") return;
      const cancel = () => studio.json("/api/sessions/c/cancel", undefined, POST);
      answers ??= Promise.all([cancel(), cancel(), cancel()]);
    });
    expectError(events, "interrupted");
    const statuses = (await answers!).map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.filter((status) => status !== 200 && status !== 404)).toEqual([]);
  });

  test("its session is deleted", async () => {
    const studio = studioOf(edge, "errors");
    let deleted: Promise<unknown> | undefined;
    const events = await studio.generate("%tokens 3\n%wait 60000", "gone", ({ type }) => {
      if (type !== "text_delta") return;
      deleted ??= studio.json("/api/sessions/gone", undefined, { method: "DELETE" });
    });
    expect(await deleted).toEqual({ status: 200, body: { success: true, sessionId: "gone" } });
    expectError(events, "session_not_found");
  });
});

describe("while the container does not come up", () => {
  const slow = useStack({
    project: useProject({
      "agent.config.ts": "setInterval(() => {}, 1000);\nawait new Promise(() => {});\n",
    }),
    vars: { CLAUDE_EDGE_DIALECTS: "studio", CLAUDE_EDGE_START_TIMEOUT: "17s" },
  });

  test("the stream has begun, stays alive, and ends with what became of it", async () => {
    const studio = studioOf(slow);
    const response = await studio.ask("/api/generate", { prompt: "%say Hi.", sessionId: "s" });
    const [own, copy] = response.body!.pipeThrough(new TextDecoderStream()).tee();
    const events = eventsOf(new Response(own.pipeThrough(new TextEncoderStream())));
    expect((await events.next()).value).toEqual({ type: "session_init", sessionId: "s" });
    expect((await events.next()).value).toMatchObject({ type: "status" });
    await until("it is being started", async () => {
      const status = (await (await slow.fetch("/v1/status")).json()) as {
        container: { state: string };
      };
      return status.container.state === "starting";
    });
    expect((await studio.json("/api/sessions/s")).body.session).toMatchObject({ status: "active" });
    const { messages } = (await studio.json("/api/sessions/s/messages")).body;
    expect(messages).toEqual([expect.objectContaining({ role: "user", content: "%say Hi." })]);

    const rest = await all(events);
    expect(rest).toEqual([
      expect.objectContaining({ type: "error", code: "container_unavailable", retryable: true }),
    ]);
    expect((await all(copy)).join("")).toContain("\n\n:\n\n");
  }, 40_000);
});

describe("where it is not switched on", () => {
  const off = useStack();

  test("its paths are none, for whoever has a key", async () => {
    for (const [path, json] of [
      ["/api/health"],
      ["/api/generate", { prompt: "Hi" }],
      ["/api/sessions"],
      ["/api/sessions/x/cancel", {}],
    ] as const) {
      const response = await off.fetch(path, json === undefined ? {} : { json });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ type: "error", error: { code: "not_found" } });
      expect((await fetch(`${off.stack.url}${path}`)).status).toBe(401);
    }
    expect(off.stack.containers()).toEqual([]);
  });
});
