import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import {
  COMPLETED,
  endsOf,
  outline,
  POST,
  sessionIn,
  studioOf,
  textOf,
  UUID,
  type StudioEvent,
} from "./studio-client.js";

const edge = useStack("dialects");
const studio = studioOf(edge, "studio");

const tools = (events: StudioEvent[], subtype: string) =>
  events.flatMap((event) => (event.subtype === subtype ? [event.data as StudioEvent] : []));
const said = (events: StudioEvent[]) => events.filter(({ type }) => type === "assistant_message");

/** The session that the tests talk in: the first of them makes it. */
let session = "";
const generate = (prompt: string, onEvent?: (event: StudioEvent) => unknown) =>
  studio.generate(prompt, session, onEvent);

describe("a prompt's events", () => {
  test.each(["/api/generate", "/api/generate-stream"])("%s: text", async (path) => {
    const given = session ? { sessionId: session } : {};
    const events = await studio.stream(path, { prompt: "%say One two three.", ...given });
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
    session = sessionId;
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

  test("come as server-sent events, which nothing in between may hold back", async () => {
    const body = { prompt: "%say Hi.", sessionId: session };
    const response = await studio.ask("/api/generate", body);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(response.headers.get("cache-control")).toContain("no-transform");
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(await response.text()).toMatch(/^data: \{"type":"session_init".*\n\ndata: .*\n\n$/s);
  });

  test("thinking is not the answer, and no event of its own", async () => {
    const events = await generate("%think Secretly.\n%say Openly.");
    expect(textOf(events)).toBe("Openly.");
    expect(JSON.stringify(events)).not.toContain("Secretly");
    expect(outline(events)).not.toContain("message_type_hint thinking");
  });

  test("several tools at once: what is said before them is thinking, each result is of its call", async () => {
    const prompt = [
      "%say Looking.",
      '%tool Bash {"command":"echo found"}',
      '%tool Write {"file_path":"notes.txt","content":"forty-two"}',
      '%tool Read {"file_path":"/etc/hostname"}',
      "%say All done.",
    ].join("\n");
    const events = await generate(prompt);
    const kinds = outline(events);
    expect(kinds.slice(0, 6)).toEqual([
      "session_init",
      "status",
      "status",
      "text_delta",
      "message_type_hint thinking",
      "assistant_message thinking",
    ]);
    expect(kinds.slice(6, 12).toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => "system tool_call"),
      ...Array.from({ length: 3 }, () => "system tool_result"),
    ]);
    expect(kinds.slice(12)).toEqual([
      "text_delta",
      "message_type_hint response",
      "assistant_message response",
      ...COMPLETED,
    ]);
    expect(said(events).map(({ text }) => text)).toEqual(["Looking.", "All done."]);
    const calls = tools(events, "tool_call");
    const results = tools(events, "tool_result");
    expect(calls.map(({ tool_name }) => tool_name)).toEqual(["Bash", "Write", "Read"]);
    expect(calls[0]).toMatchObject({ detail: "echo found" });
    expect(calls[1]).toMatchObject({ detail: "", tool_input: { content: "forty-two" } });
    const resultOf = ({ tool_use_id }: StudioEvent) =>
      results.filter((result) => result.tool_use_id === tool_use_id);
    expect(resultOf(calls[0]!)).toMatchObject([
      { tool_name: "Bash", summary: "found", is_error: false },
    ]);
    expect(resultOf(calls[1]!)).toMatchObject([{ tool_name: "Write", is_error: false }]);
    // It needs leave, and there is nobody to ask: it is refused at once.
    expect(resultOf(calls[2]!)).toMatchObject([{ tool_name: "Read", is_error: true }]);
    expect(events.at(-1)).toMatchObject({ type: "complete", response: "All done." });
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
  const path = () => `/api/sessions/${session}`;
  const cancel = () => studio.json(`${path()}/cancel`, undefined, POST);

  test("a model's error; the session goes on after it, and shows it", async () => {
    const events = await generate("%error 400");
    expectError(events, "model_invalid_request");
    expect(said(events)).toEqual([]);
    expect(textOf(events)).toBe("");
    expect((await studio.json(path())).body.session).toMatchObject({
      status: "error",
      error_message: expect.stringContaining("400"),
    });
    const { messages } = (await studio.json(`${path()}/messages`)).body;
    expect((messages as object[]).slice(-2)).toEqual([
      expect.objectContaining({ role: "user", content: "%error 400" }),
      expect.objectContaining({ role: "system", code: "model_invalid_request" }),
    ]);
    expect((await generate("%say Fine.")).at(-1)).toMatchObject({ response: "Fine." });
    expect((await studio.json(path())).body.session).toMatchObject({
      status: "completed",
      error_message: null,
    });
  });

  test("cancelled in mid-turn, with what waits behind it", async () => {
    const answers: unknown[] = [];
    let second: Promise<StudioEvent[]> | undefined;
    const first = await generate("%tokens 3\n%wait 60000", async ({ type }) => {
      if (type !== "text_delta" || second) return;
      const queued = Promise.withResolvers<void>();
      second = generate("%say Never.", () => queued.resolve());
      await queued.promise;
      answers.push(await cancel());
    });
    expect(answers).toEqual([
      { status: 200, body: { success: true, message: "Generation cancelled" } },
    ]);
    expectError(first, "interrupted");
    expectError((await second)!, "interrupted");
    expect(textOf((await second)!)).toBe("");

    // Twice, and when nothing has ever run.
    const none = { status: 404, body: { success: false, code: "turn_not_found" } };
    expect(await cancel()).toMatchObject(none);
    const { id } = await edge.client("studio").sessions.create();
    expect(await studio.json(`/api/sessions/${id}/cancel`, undefined, POST)).toMatchObject(none);
    expect((await generate("%say On.")).at(-1)).toMatchObject({ type: "complete" });
  });

  test("cancelled by several at once: one end", async () => {
    let answers: Promise<{ status: number }[]> | undefined;
    const events = await generate("%tokens 3\n%wait 60000", ({ type }) => {
      if (type === "text_delta") answers ??= Promise.all([cancel(), cancel(), cancel()]);
    });
    expectError(events, "interrupted");
    const statuses = (await answers!).map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.filter((status) => status !== 200 && status !== 404)).toEqual([]);
  });

  // The last in it: what it reads goes to the model with every turn that follows.
  test("the longest prompt there may be completes; the session is deleted in mid-turn", async () => {
    const prompt = "%say Read it.\n".padEnd(1024 * 1024, ".");
    expect((await generate(prompt)).at(-1)).toMatchObject({
      type: "complete",
      response: "Read it.",
    });
    let deleted: Promise<unknown> | undefined;
    const events = await generate("%tokens 3\n%wait 60000", ({ type }) => {
      if (type !== "text_delta") return;
      deleted ??= studio.json(path(), undefined, { method: "DELETE" });
    });
    expect(await deleted).toEqual({ status: 200, body: { success: true, sessionId: session } });
    expectError(events, "interrupted");
  });
});
