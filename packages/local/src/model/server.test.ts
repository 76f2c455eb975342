import Anthropic, {
  APIConnectionError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { until } from "../../../../tests/support/wait.js";
import { startScriptedModel, type ScriptedModel } from "./server.js";

/** The official client of the Messages API judges whether the scripted model speaks it. */
let model: ScriptedModel;
let client: Anthropic;

beforeAll(async () => {
  model = await startScriptedModel();
  client = new Anthropic({ baseURL: model.url, apiKey: model.key, maxRetries: 0 });
});
afterAll(() => model.close());

const ask = (content: string, rest: object = {}) => ({
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user" as const, content }],
  ...rest,
});

/** What a stream said before it ended, and how it did. */
async function said(prompt: string): Promise<{ text: string; error?: unknown }> {
  let text = "";
  try {
    for await (const event of await client.messages.create({ ...ask(prompt), stream: true })) {
      if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") continue;
      text += event.delta.text;
    }
    return { text };
  } catch (error) {
    return { text, error };
  }
}

describe("the scripted model", () => {
  test("answers whole and streamed alike", async () => {
    const prompt = '%think Hm.\n%say Both ways.\n%tool get_time {"zone":"UTC"}';
    const whole = await client.messages.create(ask(prompt));
    const streamed = await client.messages.stream(ask(prompt)).finalMessage();
    const plain = (blocks: Anthropic.ContentBlock[]) =>
      blocks.map(({ type, ...rest }) => ({ type, ...rest, id: undefined }));
    expect(plain(streamed.content)).toEqual(plain(whole.content));
    expect(streamed.stop_reason).toBe("tool_use");
    expect(whole.content.map(({ type }) => type)).toEqual(["thinking", "text", "tool_use"]);
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
  });

  test("goes on with its script when the tool's result is in", async () => {
    const prompt = "%tool a {}\n%tool b {}\n%say After both.";
    const first = await client.messages.create(ask(prompt));
    const calls = first.content.filter((block) => block.type === "tool_use");
    expect(calls.map(({ name }) => name)).toEqual(["a", "b"]);
    const second = await client.messages.create(
      ask(prompt, {
        messages: [
          { role: "user", content: prompt },
          { role: "assistant", content: first.content },
          {
            role: "user",
            content: calls.map(({ id }) => ({
              type: "tool_result",
              tool_use_id: id,
              content: "ok",
            })),
          },
        ],
      }),
    );
    expect(second.content).toEqual([{ type: "text", text: "After both." }]);
    expect(second.stop_reason).toBe("end_turn");
  });

  test("fails as it is told to, as often as it is told to", async () => {
    const prompt = "%error 429 1\n%say Then fine.";
    await expect(client.messages.create(ask(prompt))).rejects.toBeInstanceOf(RateLimitError);
    expect((await client.messages.create(ask(prompt))).content).toEqual([
      { type: "text", text: "Then fine." },
    ]);
    const dropped = client.messages.create(ask("%drop 1\n%say Then fine."));
    await expect(dropped).rejects.toBeInstanceOf(APIConnectionError);
    await client.messages.create(ask("%drop 1\n%say Then fine."));
    const cut = client.messages.stream(ask("%cut\n%tokens 40"));
    await expect(cut.finalMessage()).rejects.toThrow();
  });

  test("fails in mid-stream, with the error that it is told", async () => {
    const prompt = "%fail overloaded_error 1\n%say One two three four.";
    const error = { type: "overloaded_error", message: "scripted overloaded_error" };
    const failed = await said(prompt);
    expect(failed.text).toMatch(/^One/);
    expect(failed.text).not.toContain("four.");
    expect(failed.error).toMatchObject({ error: { type: "error", error } });
    expect(await said(prompt)).toEqual({ text: "One two three four." });
    // Without a stream it is an answer of that error's status.
    const whole = ask("%fail rate_limit_error\n%say Whole.");
    await expect(client.messages.create(whole)).rejects.toBeInstanceOf(RateLimitError);
    await expect(client.messages.create(whole)).rejects.toBeInstanceOf(RateLimitError);
  });

  test("cuts a stream after a pause, in which nothing comes", async () => {
    const prompt = "%cut 1 300\n%say One two three four.";
    const startedAt = performance.now();
    const cut = await said(prompt);
    expect(performance.now() - startedAt).toBeGreaterThan(290);
    expect(cut.text).toMatch(/^One/);
    expect(cut.error).toBeInstanceOf(Error);
    expect(await said(prompt)).toEqual({ text: "One two three four." });
  });

  test("tells by session who asked what, and keeps a session's whatever others ask", async () => {
    const of = (session: string) =>
      new Anthropic({
        baseURL: model.url,
        apiKey: model.key,
        maxRetries: 0,
        defaultHeaders: { "x-claude-code-session-id": session },
      });
    const prompt = "%error 500 1\n%say Mine.";
    const [one, other] = [of("session-one"), of("session-other")];
    // What one has tried does not count for the other.
    await expect(one.messages.create(ask(prompt))).rejects.toThrow();
    await expect(other.messages.create(ask(prompt))).rejects.toThrow();
    await one.messages.create(ask(prompt));
    expect(model.asked("session-one")).toHaveLength(2);
    expect(model.asked("session-other")).toHaveLength(1);
    expect(model.asked("Mine.")).toHaveLength(3);
    expect(model.asked("session-one")[0]!.body.messages).toMatchObject([{ content: prompt }]);
    expect(model.asked("no such text")).toEqual([]);
  });

  test("refuses a key that is not its own, and a script it cannot read", async () => {
    const stranger = new Anthropic({ baseURL: model.url, apiKey: "nope", maxRetries: 0 });
    await expect(stranger.messages.create(ask("hi"))).rejects.toBeInstanceOf(AuthenticationError);
    await expect(client.messages.create(ask("%dance"))).rejects.toBeInstanceOf(BadRequestError);
    await expect(client.messages.create(ask("%tool a {"))).rejects.toBeInstanceOf(BadRequestError);
  });

  test("makes up a value for a schema when it has no script", async () => {
    const input_schema = {
      type: "object" as const,
      properties: {
        name: { type: "string" },
        tags: { type: "array", items: { enum: ["x", "y"] } },
      },
    };
    const tools = [{ name: "StructuredOutput", input_schema }];
    const { content } = await client.messages.create(ask("Extract", { tools }));
    expect(content[0]).toMatchObject({ type: "tool_use", input: { name: "text", tags: ["x"] } });
  });

  test("counts tokens, lists models and tells of one", async () => {
    expect((await client.messages.countTokens(ask("hello"))).input_tokens).toBeGreaterThan(0);
    const [first] = (await client.models.list()).data;
    expect(await client.models.retrieve(first!.id)).toEqual(first);
    await expect(client.models.retrieve("claude-none")).rejects.toBeInstanceOf(NotFoundError);
  });

  test.each([
    ["%say One two. STOP three.", { stop_sequences: ["three", "STOP"] }, "One two.", "STOP"],
    ["%say One two.", { stop_sequences: ["three"] }, "One two.", null],
    ["%say One two three.", { max_tokens: 2 }, "One two", null],
    ["%say One two three.", { max_tokens: 3 }, "One two three.", null],
  ])("keeps to the request's bounds: %s %o", async (prompt, bounds, text, sequence) => {
    const whole = await client.messages.create(ask(prompt, bounds));
    const streamed = await client.messages.stream(ask(prompt, bounds)).finalMessage();
    for (const { content, stop_reason, stop_sequence } of [whole, streamed]) {
      expect(content).toMatchObject([{ type: "text", text }]);
      const isShort = text.length < prompt.length - "%say ".length;
      const reason = sequence ? "stop_sequence" : isShort ? "max_tokens" : "end_turn";
      expect({ stop_reason, stop_sequence }).toEqual({
        stop_reason: reason,
        stop_sequence: sequence,
      });
    }
  });

  test("a tool that no token is left for is not called", async () => {
    const answer = await client.messages.create(ask("%say Hm.\n%tool a {}", { max_tokens: 10 }));
    expect(answer.content.map(({ type }) => type)).toEqual(["text"]);
    expect(answer.stop_reason).toBe("max_tokens");
  });

  test("says when to come back, and what is left of an organisation's limits", async () => {
    const late = await client.messages.create(ask("%error 429 1 7")).catch((error) => error);
    expect(late.headers.get("retry-after")).toBe("7");
    const { response } = await client.messages.create(ask("%say Hi.")).withResponse();
    expect(response.headers.get("anthropic-ratelimit-requests-remaining")).toBe("999");
  });

  test("holds threads: who continues one sends only what is new", async () => {
    const thread = client.beta.messages.thread(ask("%tool a {}\n%say Second."));
    const first = await thread.send();
    const { id } = first.content.find((block) => block.type === "tool_use")!;
    const result = { type: "tool_result" as const, tool_use_id: id, content: "ok" };
    const second = await thread.send({ role: "user", content: [result] });
    expect(second.content).toMatchObject([{ text: "Second." }]);
    expect(model.requests.at(-1)!.body.messages).toHaveLength(1);
    const lost = { type: "continue" as const, previous_message_id: "msg_none" };
    await expect(client.beta.messages.create({ ...ask("hi"), thread: lost })).rejects.toMatchObject(
      { status: 404, errorCode: "thread_not_found" },
    );
  });

  test("notices who leaves", async () => {
    const leaving = client.messages.stream(ask("%say Begun.\n%wait 60000\n%say Never."));
    for await (const event of leaving) if (event.type === "content_block_delta") break;
    const seen = () => model.requests.find(({ text }) => text.includes("Never."))!;
    await until("the end of the connection", () => seen().left);
    expect(model.requests.filter(({ left }) => left)).toEqual([seen()]);
  });
});
