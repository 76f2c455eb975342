import Anthropic, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import { mintToken } from "@claude-edge/client/tokens";
import { describe, expect, test } from "vitest";

import {
  anthropic,
  anthropicOf,
  ask,
  failure,
  hasNoContainer,
  PIXEL,
  runTimeTool,
  TIME_TOOL,
} from "../support/anthropic.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const edge = useStack();
const ACCOUNT = "messages";
const client = () => anthropicOf(edge, ACCOUNT);
const sent = async (text: string) =>
  (await edge.asked(text)).at(-1)!.body as unknown as Record<string, unknown>;

describe("the official client", () => {
  test("creates a message", async () => {
    const message = await client().messages.create(ask("%say Hello there."));
    expect(message).toMatchObject({
      type: "message",
      role: "assistant",
      model: "claude-haiku-4-5",
      content: [{ type: "text", text: "Hello there." }],
      stop_reason: "end_turn",
      usage: { input_tokens: expect.any(Number), output_tokens: 2 },
    });
    expect(message._request_id).toMatch(/^req_\d+$/);
  });

  test("streams, with thinking and a tool", async () => {
    const prompt = '%think Which zone?\n%say Asking for the time.\n%tool get_time {"zone":"UTC"}';
    const thinking = { type: "enabled" as const, budget_tokens: 1_024 };
    const request = ask(prompt, { tools: [TIME_TOOL], thinking, max_tokens: 2_000 });
    const stream = client().messages.stream(request);
    const events: string[] = [];
    let [text, thought, json] = ["", "", ""];
    stream
      .on("streamEvent", ({ type }) => events.push(type))
      .on("text", (delta) => (text += delta))
      .on("thinking", (delta) => (thought += delta))
      .on("inputJson", (delta) => (json += delta));
    const message = await stream.finalMessage();
    expect([text, thought, JSON.parse(json)]).toEqual([
      "Asking for the time.",
      "Which zone?",
      { zone: "UTC" },
    ]);
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "Which zone?", signature: expect.stringMatching(/./) },
      { type: "text", text: "Asking for the time." },
      { type: "tool_use", name: "get_time", input: { zone: "UTC" } },
    ]);
    expect(message.stop_reason).toBe("tool_use");
    expect(events[0]).toBe("message_start");
    expect(events.at(-1)).toBe("message_stop");
    expect(await sent("Asking for the time.")).toEqual({ ...request, stream: true });
  });

  test("streams raw events", async () => {
    const types = [];
    for await (const { type } of await client().messages.create({
      ...ask("%say One two."),
      stream: true,
    })) {
      types.push(type);
    }
    expect(types).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
  });

  test("is given what it says while it is being said", async () => {
    const stream = client().messages.stream(ask("%say Early.\n%wait 60000\n%say Late."));
    for await (const event of stream) {
      if (event.type !== "content_block_delta") continue;
      // The rest is a minute away.
      expect(event.delta).toEqual({ type: "text_delta", text: "Early." });
      break;
    }
    expect.assertions(1);
  });

  test("sends images, documents, system prompts and a history", async () => {
    const request = {
      model: "claude-haiku-4-5",
      max_tokens: 1_000,
      system: [
        { type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } },
      ],
      temperature: 0.5,
      top_k: 3,
      metadata: { user_id: "somebody" },
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      tools: [TIME_TOOL],
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "D" } },
            { type: "text", text: "What is this elephant? 🐘" },
          ],
        },
        { role: "assistant", content: "A dot." },
        { role: "user", content: [{ type: "text", text: "%say Sure." }] },
        { role: "assistant", content: "Su" },
      ],
    };
    await client().messages.create(request as unknown as Anthropic.MessageCreateParams);
    expect(await sent("What is this elephant?")).toEqual(request);
  });

  test.each([
    ["%say One two STOP three.", { stop_sequences: ["STOP"] }, "One two", "stop_sequence"],
    ["%say One two three.", { max_tokens: 2 }, "One two", "max_tokens"],
    ["%refuse", {}, undefined, "refusal"],
  ])("is told why the model stopped: %s %o", async (prompt, bounds, text, reason) => {
    const message = await client().messages.create(ask(prompt, bounds));
    const [block] = message.content;
    expect(block?.type === "text" ? block.text : undefined).toBe(text);
    expect(message.stop_reason).toBe(reason);
    expect(message.stop_sequence).toBe(reason === "stop_sequence" ? "STOP" : null);
  });

  test.each([true, false])("runs its tools to the end (streaming: %s)", async (stream) => {
    const { message, zones } = await runTimeTool(client(), stream);
    expect(message.content).toMatchObject([{ type: "text", text: "All asked." }]);
    expect(zones).toEqual(["UTC", "Mars", "CET"]);
    // Each answer is asked for with what is new alone: the model's API holds the rest.
    const newest = { thread: { type: "continue" }, messages: [{ role: "user" }] };
    expect(await sent("Noon in UTC.")).toMatchObject(newest);
    expect(JSON.stringify(await sent("Noon in UTC."))).toContain('"is_error":true');
    expect(await sent("Noon in CET.")).toMatchObject(newest);
  });

  test("counts tokens, lists models and asks for one", async () => {
    const { model, messages } = ask("Count this.");
    const count = await client().messages.countTokens({ model, messages });
    expect(count.input_tokens).toBeGreaterThan(0);
    const ids = [];
    for await (const { id } of client().models.list()) ids.push(id);
    expect(ids).toContain(model);
    expect(await client().models.retrieve(model)).toMatchObject({ type: "model", id: model });
  });
});

describe("a model's error is an error", () => {
  test.each([
    [400, BadRequestError, "invalid_request_error"],
    [402, APIError, "billing_error"],
    [404, NotFoundError, "not_found_error"],
    [413, APIError, "request_too_large"],
    [429, RateLimitError, "rate_limit_error"],
    [500, InternalServerError, "api_error"],
    [529, InternalServerError, "overloaded_error"],
  ])("%i", async (status, kind, type) => {
    for (const stream of [false, true]) {
      const error = await failure<APIError>(
        client().messages.create({ ...ask(`%error ${status}`), stream }),
      );
      expect(error).toBeInstanceOf(kind);
      expect(error).toMatchObject({ status, type, requestID: `req_${status}` });
      expect(error.message).toContain(`scripted error ${status}`);
    }
  });

  test("a 429 says when to come back, and a client that may tries again by itself", async () => {
    const late = await failure<RateLimitError>(client().messages.create(ask("%error 429 1 7")));
    expect(late.headers.get("retry-after")).toBe("7");
    const patient = client().withOptions({ maxRetries: 1 });
    const message = await patient.messages.create(ask("%error 529 1 0\n%say Made it."));
    expect(message.content).toMatchObject([{ text: "Made it." }]);
  });

  test("a refused credential is a 401 that says whose it is", async () => {
    const error = await failure<APIError>(client().messages.create(ask("%error 401")));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ type: "authentication_error" });
    expect(error.error).toMatchObject({ error: { code: "model_auth_failed" } });
    expect(error.message).toContain("deployment's credential");
    expect(error.headers?.get("x-should-retry")).toBe("false");
  });

  test("an unknown model is not found", async () => {
    const error = await failure(client().models.retrieve("claude-none"));
    expect(error).toBeInstanceOf(NotFoundError);
  });

  test("a stream that is cut is no message", async () => {
    const stream = client().messages.stream(ask("%cut\n%tokens 40"));
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Error);
    await failure(
      client()
        .messages.create({ ...ask("%cut\n%tokens 50"), stream: true })
        .then(async (events) => {
          for await (const { type } of events) expect(type).not.toBe("message_stop");
        }),
    );
  });
});

test("whoever leaves in mid-stream stops the model", async () => {
  // Over TCP a reader that is gone shows when something is written to it.
  const prompt = `%say Leaving a message.\n${"%wait 20\n%say More.\n".repeat(1_000)}`;
  const stream = client().messages.stream(ask(prompt, { max_tokens: 5_000 }));
  stream.on("text", () => stream.abort());
  await expect(stream.finalMessage()).rejects.toThrow("aborted");
  await until("the model's connection to end", async () =>
    (await edge.asked("Leaving a message.")).some(({ left }) => left),
  );
});

describe("a dialect that is off is no route at all", () => {
  const off = useStack("dialects");

  test("this one, where others are on", async () => {
    const without = anthropic(off);
    for (const call of [
      () => without.messages.create(ask("%say Hi.")),
      () => without.messages.countTokens(ask("%say Hi.")),
      () => without.models.list(),
      () => without.models.retrieve("claude-haiku-4-5"),
    ]) {
      expect(await failure(call())).toBeInstanceOf(NotFoundError);
    }
    // The rest is there.
    expect((await off.fetch("/v1/sessions")).status).toBe(200);
  });

  test("the others, where this one is on: with the key, with a token, without any", async () => {
    const token = await mintToken({ rootKey: edge.stack.token, account: ACCOUNT });
    for (const [path, json] of [
      ["/query", { query: "x" }],
      ["/claude-code", { prompt: "x" }],
      ["/conversations", {}],
      ["/api/health", undefined],
      ["/api/generate", { prompt: "x" }],
    ] as const) {
      const init = json === undefined ? {} : { json };
      for (const key of [edge.stack.token, token]) {
        const headers = { authorization: `Bearer ${key}` };
        const response = await edge.fetch(path, { ...init, headers });
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ error: { code: "not_found" } });
      }
      expect((await fetch(`${edge.stack.url}${path}`)).status).toBe(401);
    }
  });
});

// The last one: nothing of all this is a container's matter.
test("no container was started", async () => {
  expect(await hasNoContainer(edge, ACCOUNT)).toBe(true);
});
