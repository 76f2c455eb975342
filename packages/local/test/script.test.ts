import Anthropic, { AuthenticationError, BadRequestError, RateLimitError } from "@anthropic-ai/sdk";
import { startScriptedModel, type ScriptedModel } from "@claude-edge/local";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

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
    const cut = client.messages.stream(ask("%cut\n%tokens 40"));
    await expect(cut.finalMessage()).rejects.toThrow();
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

  test("counts tokens and lists models", async () => {
    expect((await client.messages.countTokens(ask("hello"))).input_tokens).toBeGreaterThan(0);
    expect((await client.models.list()).data.length).toBeGreaterThan(0);
  });
});
