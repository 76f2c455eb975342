import Anthropic, { APIError, InternalServerError } from "@anthropic-ai/sdk";
import { describe, expect, test } from "vitest";

import { anthropicOf, ask, failure, PIXEL, TIME_TOOL } from "../support/anthropic.js";
import { saidIn, untilAnsweredOnce } from "../support/claude-messages.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const edge = useStack("oauth");
const ACCOUNT = "messages-oauth";
const client = () => anthropicOf(edge, ACCOUNT);
const sent = async (text: string) => (await edge.asked(text)).at(-1)!;
const text = (of: string) => ({ type: "text", text: of });
const get = async (path: string) => (await edge.fetch(path, { account: ACCOUNT })).json();

describe("one message through Claude Code", () => {
  test("is created, with system prompt, bounds and parameters, and no tool of the agent's", async () => {
    const message = await client().messages.create({
      // A command of Claude Code's is text here, and nothing else.
      ...ask("/clear\n%cache 900 100\n%say Hello there STOP three.", {
        stop_sequences: ["STOP"],
        temperature: 0.25,
      }),
      max_tokens: 123,
      system: "Be brief.",
    });
    expect(message).toMatchObject({
      type: "message",
      role: "assistant",
      model: "claude-haiku-4-5",
      content: [{ type: "text", text: "Hello there" }],
      stop_reason: "stop_sequence",
      stop_sequence: "STOP",
      usage: { input_tokens: expect.any(Number), output_tokens: 2 },
    });
    expect(message._request_id).toMatch(/^req_/);
    // Claude Code asked, with the token, once.
    await untilAnsweredOnce(edge, ACCOUNT, "Hello there STOP");
    const { headers, body } = await sent("Hello there STOP");
    expect(headers.authorization).toBe(`Bearer ${edge.stack.model.key}`);
    expect(headers["anthropic-beta"]).toContain("oauth-");
    expect(headers["user-agent"]).toContain("claude-cli");
    expect(body).toMatchObject({
      max_tokens: 123,
      temperature: 0.25,
      stop_sequences: ["STOP"],
      tools: [],
      thinking: { type: "disabled" },
    });
    expect(JSON.stringify(body.system)).toContain("Be brief.");
    expect(JSON.stringify(body.messages)).toContain("/clear");
    // Nothing of the project's agent is in it.
    expect(JSON.stringify(body)).not.toContain("mcp__");

    // Its session is gone; what it used is counted.
    expect(await get("/v1/sessions")).toMatchObject({ sessions: [] });
    await until("it is counted", async () => {
      const { total } = (await get("/v1/usage")) as { total: Record<string, number> };
      return (
        total.turns === 1 &&
        total.input_tokens === message.usage.input_tokens &&
        total.output_tokens === message.usage.output_tokens &&
        total.cache_read_input_tokens === 900 &&
        total.cache_creation_input_tokens === 100
      );
    });
  });

  test("is streamed, and thinks as it is asked to", async () => {
    const thinking = { type: "enabled" as const, budget_tokens: 1_500 };
    const request = ask("%think Let me see.\n%say One two three.", { thinking, max_tokens: 4_000 });
    const stream = client().messages.stream(request);
    const types: string[] = [];
    stream.on("streamEvent", ({ type }) => types.push(type));
    const message = await stream.finalMessage();
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "Let me see.", signature: expect.stringMatching(/./) },
      { type: "text", text: "One two three." },
    ]);
    expect((await sent("Let me see.")).body).toMatchObject({ thinking, max_tokens: 4_000 });
    expect(types[0]).toBe("message_start");
    expect(types.at(-1)).toBe("message_stop");
    expect(types.filter((type) => type === "message_start")).toHaveLength(1);
  });

  test("that is too long ends there", async () => {
    const request = ask("%say Too long by far.", { max_tokens: 2 });
    const message = await client().messages.stream(request).finalMessage();
    expect(message).toMatchObject({ content: [{ text: "Too long" }], stop_reason: "max_tokens" });
    // Claude Code would have it go on, and is not let through.
    await untilAnsweredOnce(edge, ACCOUNT, "Too long by far.");
  });
});

describe("a history", () => {
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
    expect(await saidIn(edge, "All seen.")).toEqual(messages);
    expect((await sent("All seen.")).body.tools).toMatchObject([TIME_TOOL]);
  });

  test("with thoughts in it, results of megabytes at its end, and words beside them", async () => {
    const thought = { type: "thinking", thinking: "Which zone?", signature: "c2lnbmVk" };
    const call = { type: "tool_use", id: "toolu_1", name: "get_time", input: { zone: "UTC" } };
    const content = [text("AbCd".repeat(500_000))];
    const messages = [
      { role: "user", content: [text("When?")] },
      { role: "assistant", content: [thought, text("Asking."), call] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content },
          text("/clear @/etc/hostname\n%say Read and thought over."),
        ],
      },
    ];
    const thinking = { type: "enabled", budget_tokens: 1_024 };
    const request = { ...ask(""), messages, tools: [TIME_TOOL], thinking, max_tokens: 2_000 };
    const answer = await client().messages.create(
      request as Anthropic.MessageCreateParamsNonStreaming,
    );
    expect(answer.content).toMatchObject([{ text: "Read and thought over." }]);
    expect(await saidIn(edge, "Read and thought over.")).toEqual(messages);
  });
});

describe("the client's tools", () => {
  test("are called by the model and run by nobody here, also those named as Claude Code's own", async () => {
    const prompt = [
      "%say Asking two.",
      '%tool get_time {"zone":"UTC"}',
      '%tool Bash {"command":"echo no"}',
      "%say Never.",
    ].join("\n");
    const input_schema = {
      type: "object" as const,
      properties: { a: { $ref: "#/$defs/x" } },
      $defs: { x: {} },
    };
    const names = ["Bash", "Read", "Task", "mcp__x__y"];
    const tools = [TIME_TOOL, ...names.map((name) => ({ name, input_schema }))];
    const request = ask(prompt, { tools, tool_choice: { type: "any" } });
    const message = await client().messages.stream(request).finalMessage();
    expect(message.stop_reason).toBe("tool_use");
    expect(message.content).toMatchObject([
      { type: "text", text: "Asking two." },
      { type: "tool_use", name: "get_time", input: { zone: "UTC" } },
      { type: "tool_use", name: "Bash", input: { command: "echo no" } },
    ]);
    await untilAnsweredOnce(edge, ACCOUNT, "Asking two.");
    const { body } = await sent("Asking two.");
    expect(body).toMatchObject({ tool_choice: { type: "any" } });
    const byName = (list: { name: string }[]) =>
      list.toSorted((left, right) => (left.name < right.name ? -1 : 1));
    expect(byName(body.tools!)).toMatchObject(byName(tools));
  });
});

describe("what goes wrong is an error", () => {
  test("the model's, in a stream", async () => {
    const error = await failure<APIError>(
      client().messages.create({ ...ask("%error 529"), stream: true }),
    );
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ status: 529, type: "overloaded_error" });
  });

  test("the deployment's credential, which is not the caller's", async () => {
    const error = await failure<APIError>(client().messages.create(ask("%error 401")));
    expect(error).toMatchObject({ status: 401, type: "authentication_error" });
    expect(error.message).toContain("deployment's credential");
  });

  test("an answer that is cut off in mid-stream", async () => {
    const request = ask("%cut\n%tokens 40\n%say Cut off.");
    expect(await failure(client().messages.stream(request).finalMessage())).toBeInstanceOf(
      APIError,
    );
    await untilAnsweredOnce(edge, ACCOUNT, "Cut off.");
  });

  test("what Claude Code cannot ask, by name", async () => {
    const prompt = "%say Never through Claude Code.";
    for (const [rest, word] of [
      [{ mcp_servers: [] }, "mcp_servers"],
      [{ messages: [] }, "messages"],
      [{ stop_sequences: ["x".repeat(30_001)] }, "stop_sequences"],
      [{ system: "x".repeat(600_001) }, "system"],
      [{ thread: { type: "create" } }, "thread"],
    ] as const) {
      const error = await failure<APIError>(client().messages.create(ask(prompt, rest)));
      expect(error).toMatchObject({ status: 400, type: "invalid_request_error" });
      expect(error.message).toContain(word);
    }
    // Larger than anything that goes through the account is too large.
    const larger = ask("x".repeat(8 * 1024 * 1024));
    expect(await failure(client().messages.create(larger))).toMatchObject({
      status: 413,
      type: "request_too_large",
    });
    expect(await edge.asked("Never through Claude Code.")).toEqual([]);
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
