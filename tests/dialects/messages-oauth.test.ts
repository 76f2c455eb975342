import Anthropic, {
  APIError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { isStepCount, streamText, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { anthropic, ask, failure, PIXEL, runTimeTool, TIME_TOOL } from "../support/anthropic.js";
import { useCredential } from "../support/credential.js";
import { until } from "../support/wait.js";

const edge = useCredential("CLAUDE_CODE_OAUTH_TOKEN");
const client = () => anthropic(edge);
const sent = () => edge.model.requests.at(-1)!;

describe("one message through Claude Code", () => {
  test("is created", async () => {
    const before = edge.model.requests.length;
    const message = await client().messages.create(ask("%say Hello there."));
    expect(message).toMatchObject({
      type: "message",
      role: "assistant",
      model: "claude-haiku-4-5",
      content: [{ type: "text", text: "Hello there." }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: expect.any(Number), output_tokens: 2 },
    });
    expect(message._request_id).toMatch(/^req_/);
    // Claude Code asked, with the token, once.
    expect(edge.model.requests.length).toBe(before + 1);
    const { headers } = sent();
    expect(headers.authorization).toBe(`Bearer ${edge.model.key}`);
    expect(headers["anthropic-beta"]).toContain("oauth-");
    expect(headers["user-agent"]).toContain("claude-cli");
  });

  test("is streamed", async () => {
    const stream = client().messages.stream(ask("%say One two three."));
    const types: string[] = [];
    stream.on("streamEvent", ({ type }) => types.push(type));
    expect(await stream.finalText()).toBe("One two three.");
    expect(types[0]).toBe("message_start");
    expect(types.at(-1)).toBe("message_stop");
    expect(types.filter((type) => type === "message_start")).toHaveLength(1);
  });

  test("sends system prompt, bounds and parameters, and offers no tool of the agent's", async () => {
    const message = await client().messages.create({
      ...ask("%say One two STOP three.", { stop_sequences: ["STOP"], temperature: 0.25 }),
      max_tokens: 123,
      system: "Be brief.",
    });
    expect(message).toMatchObject({
      content: [{ type: "text", text: "One two" }],
      stop_reason: "stop_sequence",
      stop_sequence: "STOP",
    });
    const { body } = sent();
    expect(body).toMatchObject({
      max_tokens: 123,
      temperature: 0.25,
      stop_sequences: ["STOP"],
      tools: [],
      thinking: { type: "disabled" },
    });
    expect(JSON.stringify(body.system)).toContain("Be brief.");
    // Nothing of the project's agent is in it.
    expect(JSON.stringify(body)).not.toContain("mcp__");
  });

  test.each([true, false])("that is too long ends there (streamed: %s)", async (streamed) => {
    const before = edge.model.requests.length;
    const request = ask("%say One two three four.", { max_tokens: 2 });
    const message = streamed
      ? await client().messages.stream(request).finalMessage()
      : await client().messages.create(request);
    expect(message).toMatchObject({ content: [{ text: "One two" }], stop_reason: "max_tokens" });
    // Claude Code would have it go on, and is not let through.
    await gone();
    expect(edge.model.requests.length).toBe(before + 1);
  });

  test("thinks as it is asked to", async () => {
    const thinking = { type: "enabled" as const, budget_tokens: 1_500 };
    const request = ask("%think Let me see.\n%say Seen.", { thinking, max_tokens: 4_000 });
    const message = await client().messages.create(request);
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "Let me see.", signature: expect.stringMatching(/./) },
      { type: "text", text: "Seen." },
    ]);
    expect(sent().body).toMatchObject({ thinking, max_tokens: 4_000 });
  });

  test("refused by the model, it says so", async () => {
    const message = await client().messages.create(ask("%refuse"));
    expect(message.stop_reason).toBe("refusal");
  });

  test.each(["/clear", "/compact now", "@/etc/hostname", "!ls", "#remember"])(
    "%s in it is text and nothing else",
    async (text) => {
      const message = await client().messages.create(ask(`${text}\n%say As it was.`));
      expect(message.content).toMatchObject([{ text: "As it was." }]);
      expect(JSON.stringify(sent().body.messages)).toContain(text);
    },
  );
});

/** What was sent as messages, without what Claude Code adds. */
function said(): unknown[] {
  const isAdded = ({ text }: { text?: string }) =>
    /^<system-reminder>|^Continue from where|^\[Image: source/.test(text ?? "");
  return sent().body.messages.map(({ role, content }) => ({
    role,
    content: (typeof content === "string" ? [{ type: "text", text: content }] : content)
      .filter((block) => !isAdded(block))
      .map(({ cache_control: _mark, ...block }) => block)
      // A line break comes behind the text beside an image.
      .map((block) =>
        block.text === undefined ? block : { ...block, text: block.text.trimEnd() },
      ),
  }));
}

/** Resolves when nothing of a request is left in the account's queue. */
async function gone(account = "default") {
  await until("the session to be gone", async () => {
    const limits = await edge.fetch("/v1/limits", { account });
    const { used } = (await limits.json()) as { used: Record<string, number> };
    return used.running_turns === 0 && used.queued_turns === 0;
  });
}

describe("a history", () => {
  const text = (of: string) => ({ type: "text", text: of });

  test("goes to the model as it is: texts, images, documents, tools and their results", async () => {
    const image = {
      type: "image",
      source: { type: "base64", media_type: "image/png", data: PIXEL },
    };
    const call = { type: "tool_use", id: "toolu_1", name: "get_time", input: { zone: "UTC" } };
    const result = { type: "tool_result", tool_use_id: "toolu_1", content: [text("Noon"), image] };
    const messages = [
      { role: "user", content: [text("What is this?"), image] },
      { role: "assistant", content: [text("A dot."), call] },
      { role: "user", content: [result, text("/clear and @/etc/hostname")] },
      { role: "assistant", content: [text("No.")] },
      { role: "user", content: [image, text("%say All seen.")] },
    ];
    const request = { ...ask(""), messages, tools: [TIME_TOOL] };
    const answer = await client().messages.create(
      request as Anthropic.MessageCreateParamsNonStreaming,
    );
    expect(answer).toMatchObject({ content: [{ text: "All seen." }] });
    expect(said()).toEqual(messages);
    expect(sent().body.tools).toMatchObject([TIME_TOOL]);
  });

  test("with thoughts in it, which a tool's result needs before it", async () => {
    const thought = { type: "thinking", thinking: "Which zone?", signature: "c2lnbmVk" };
    const call = { type: "tool_use", id: "toolu_1", name: "get_time", input: { zone: "UTC" } };
    const result = { type: "tool_result", tool_use_id: "toolu_1", content: [text("Noon")] };
    const messages = [
      { role: "user", content: [text("%tool get_time {}\n%say Thought over.")] },
      { role: "assistant", content: [thought, text("Asking."), call] },
      { role: "user", content: [result] },
    ];
    const thinking = { type: "enabled", budget_tokens: 1_024 };
    const request = { ...ask(""), messages, tools: [TIME_TOOL], thinking, max_tokens: 2_000 };
    const answer = await client().messages.create(
      request as Anthropic.MessageCreateParamsNonStreaming,
    );
    expect(answer.content).toMatchObject([{ text: "Thought over." }]);
    expect(said().slice(0, 2)).toEqual(messages.slice(0, 2));
  });

  test("of strings, of the same side in a row, and with marks of what to cache", async () => {
    const mark = { cache_control: { type: "ephemeral" } };
    const messages = [
      { role: "user", content: "One." },
      { role: "user", content: [{ ...text("Two."), ...mark }] },
      { role: "assistant", content: "Three." },
      { role: "assistant", content: "Four." },
      { role: "user", content: "%say Five." },
    ];
    await client().messages.create({
      ...ask(""),
      messages,
    } as Anthropic.MessageCreateParamsNonStreaming);
    expect(said()).toEqual([
      { role: "user", content: [text("One."), text("Two.")] },
      { role: "assistant", content: [text("Three."), text("Four.")] },
      { role: "user", content: [text("%say Five.")] },
    ]);
  });

  test("of a hundred messages, with one of megabytes", async () => {
    const messages = Array.from({ length: 101 }, (_, place) => ({
      role: place % 2 ? "assistant" : "user",
      content: [text(place === 100 ? "%say Long." : `Message ${place}.`)] as object[],
    }));
    const data = "AbCd".repeat(500_000);
    const big = { type: "document", source: { type: "text", media_type: "text/plain", data } };
    messages[50]!.content.unshift(big);
    const request = { ...ask(""), messages } as Anthropic.MessageCreateParamsNonStreaming;
    expect((await client().messages.create(request)).content).toMatchObject([{ text: "Long." }]);
    expect(said()).toEqual(messages);
    // It may be the newest one too.
    const newest = [...messages.slice(0, 50), { role: "user", content: [big, text("%say Big.")] }];
    const again = { ...request, messages: newest } as Anthropic.MessageCreateParamsNonStreaming;
    expect((await client().messages.create(again)).content).toMatchObject([{ text: "Big." }]);
    expect(said()).toEqual(newest);
    // Larger than anything that goes through the account is too large.
    const larger = ask("x".repeat(8 * 1024 * 1024));
    const error = await failure(client().messages.create(larger));
    expect(error).toMatchObject({ status: 413, type: "request_too_large" });
  });

  test("with results of megabytes at its end, and words beside them", async () => {
    const call = { type: "tool_use", id: "toolu_1", name: "get_time", input: {} };
    const content = [text("AbCd".repeat(500_000))];
    const messages = [
      { role: "user", content: [text("When?")] },
      { role: "assistant", content: [call] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content },
          text("/clear @/etc/hostname\n%say Read."),
        ],
      },
    ];
    const request = {
      ...ask(""),
      messages,
      tools: [TIME_TOOL],
    } as Anthropic.MessageCreateParamsNonStreaming;
    expect((await client().messages.create(request)).content).toMatchObject([{ text: "Read." }]);
    expect(said()).toEqual(messages);
  });
});

describe("the client's tools", () => {
  test.each([true, false])(
    "are called by the model and run by nobody here (%s)",
    async (streamed) => {
      const before = edge.model.requests.length;
      const prompt =
        '%say Asking.\n%tool get_time {"zone":"UTC"}\n%tool get_time {"zone":"CET"}\n%say Never.';
      const request = ask(prompt, { tools: [TIME_TOOL], tool_choice: { type: "any" } });
      const message = streamed
        ? await client().messages.stream(request).finalMessage()
        : await client().messages.create(request);
      expect(message.stop_reason).toBe("tool_use");
      expect(message.content).toMatchObject([
        { type: "text", text: "Asking." },
        { type: "tool_use", name: "get_time", input: { zone: "UTC" } },
        { type: "tool_use", name: "get_time", input: { zone: "CET" } },
      ]);
      expect(sent().body).toMatchObject({ tools: [TIME_TOOL], tool_choice: { type: "any" } });
      await gone();
      expect(edge.model.requests.length).toBe(before + 1);
    },
  );

  test("may be named as Claude Code's own are, and take what they like", async () => {
    const schema = {
      type: "object" as const,
      properties: { a: { $ref: "#/$defs/x" } },
      $defs: { x: {} },
    };
    const tools = ["Bash", "Read", "Task", "mcp__x__y"].map((name) => ({
      name,
      input_schema: schema,
    }));
    const prompt = '%tool Bash {"command":"echo no"}\n%say Never.';
    const message = await client().messages.create(ask(prompt, { tools }));
    expect(message.content).toMatchObject([{ name: "Bash", input: { command: "echo no" } }]);
    const byName = (list: { name: string }[]) =>
      list.toSorted((left, right) => (left.name < right.name ? -1 : 1));
    expect(byName(sent().body.tools!)).toMatchObject(byName(tools));
  });

  test.each([true, false])(
    "are run to the end by the tool runner (streaming: %s)",
    async (stream) => {
      const { message, zones } = await runTimeTool(client(), stream);
      expect(message.content).toMatchObject([{ type: "text", text: "All asked." }]);
      expect(zones).toEqual(["UTC", "Mars", "CET"]);
      const told = JSON.stringify(sent().body.messages);
      expect(told).toContain("Noon in UTC.");
      expect(told).toContain('"is_error":true');
    },
  );
});

test("the AI SDK streams, and runs its tools", async () => {
  const provider = createAnthropic({ baseURL: `${edge.stack.url}/v1`, apiKey: edge.stack.token });
  const getTime = tool({
    description: "The time in a zone.",
    inputSchema: z.object({ zone: z.string() }),
    execute: ({ zone }) => `Noon in ${zone}.`,
  });
  const { text, steps } = streamText({
    model: provider("claude-haiku-4-5"),
    tools: { getTime },
    stopWhen: isStepCount(5),
    prompt: '%tool getTime {"zone":"UTC"}\n%say Noon it is.',
  });
  expect(await text).toBe("Noon it is.");
  const [first] = await steps;
  expect(first!.toolResults).toMatchObject([{ toolName: "getTime", output: "Noon in UTC." }]);
});

describe("what goes wrong is an error", () => {
  test.each([
    [400, BadRequestError, "invalid_request_error"],
    [402, APIError, "billing_error"],
    [404, NotFoundError, "not_found_error"],
    [413, APIError, "request_too_large"],
    [429, RateLimitError, "rate_limit_error"],
    [500, InternalServerError, "api_error"],
    [529, InternalServerError, "overloaded_error"],
  ])("the model's %i", async (status, kind, type) => {
    for (const stream of [false, true]) {
      const error = await failure<APIError>(
        client().messages.create({ ...ask(`%error ${status}`), stream }),
      );
      expect(error).toBeInstanceOf(kind);
      expect(error).toMatchObject({ status, type });
    }
  });

  test("the deployment's credential, which is not the caller's", async () => {
    const error = await failure<APIError>(client().messages.create(ask("%error 401")));
    expect(error.status).toBe(502);
    expect(error.headers?.get("x-should-retry")).toBe("false");
  });

  test.each([true, false])("an answer that is cut off (streamed: %s)", async (streamed) => {
    const before = edge.model.requests.length;
    const request = ask("%cut\n%tokens 40");
    const answer = streamed
      ? client().messages.stream(request).finalMessage()
      : client().messages.create(request);
    expect(await failure(answer)).toBeInstanceOf(APIError);
    await gone();
    expect(edge.model.requests.length).toBe(before + 1);
  });

  test("what Claude Code cannot ask, by name", async () => {
    const refusals: [rest: object, word: string][] = [
      [{ mcp_servers: [] }, "mcp_servers"],
      [{ container: "c" }, "container"],
      [{ tools: [{ type: "web_search_20250305", name: "web_search" }] }, "tools"],
      [{ messages: [{ role: "assistant", content: "I" }] }, "messages.0"],
      [
        {
          messages: [
            { role: "user", content: "a" },
            { role: "assistant", content: "b" },
          ],
        },
        "last",
      ],
      [{ messages: [{ role: "system", content: "a" }] }, "role"],
      [{ messages: [] }, "messages"],
      [{ messages: [{ role: "user", content: " " }] }, "empty"],
      [{ messages: [{ role: "user", content: [] }] }, "empty"],
      [{ max_tokens: 0 }, "max_tokens"],
      [{ max_tokens: undefined }, "max_tokens"],
      [{ model: "" }, "model"],
      [{ stop_sequences: ["x".repeat(30_001)] }, "stop_sequences"],
      [{ system: "x".repeat(600_001) }, "system"],
      [{ thread: { type: "create" } }, "thread"],
    ];
    const before = edge.model.requests.length;
    for (const [rest, word] of refusals) {
      const error = await failure<APIError>(client().messages.create(ask("%say No.", rest)));
      expect(error).toMatchObject({ status: 400, type: "invalid_request_error" });
      expect(error.message).toContain(word);
    }
    const call = { type: "tool_use", id: "toolu_1", name: "t", input: {} };
    const dangling = [
      { role: "user", content: "a" },
      { role: "assistant", content: [call] },
      { role: "user", content: "%say No." },
    ];
    const error = await failure<APIError>(
      client().messages.create(ask("", { messages: dangling })),
    );
    expect(error.message).toContain("toolu_1 has no tool_result");
    expect(edge.model.requests.length).toBe(before);
  });

  test("what only an API key can, by name", async () => {
    for (const call of [
      () => client().messages.countTokens(ask("Count.")),
      () => client().models.list(),
      () => client().models.retrieve("claude-haiku-4-5"),
    ]) {
      const error = await failure<APIError>(call());
      expect(error).toMatchObject({ status: 501, errorCode: "needs_api_key" });
      expect(error.headers?.get("x-should-retry")).toBe("false");
    }
  });
});
