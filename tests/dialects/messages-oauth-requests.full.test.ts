import Anthropic, { APIError, NotFoundError, RateLimitError } from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { mintToken } from "@claude-edge/client/tokens";
import { isStepCount, streamText, tool } from "ai";
import { expect, test } from "vitest";
import { z } from "zod";

import { anthropicOf, ask, failure, runTimeTool, TIME_TOOL } from "../support/anthropic.js";
import { saidIn, untilAnsweredOnce } from "../support/claude-messages.js";
import { useStack } from "../support/stack.js";

// Each request is a process of Claude Code: what `messages-oauth.full.test.ts` has shown of one kind, for the others.
const edge = useStack("oauth");
const ACCOUNT = "messages-oauth-requests";
const client = () => anthropicOf(edge, ACCOUNT);
const text = (of: string) => ({ type: "text", text: of });

test("an answer that is too long ends there, not streamed either", async () => {
  const message = await client().messages.create(ask("%say Long and whole.", { max_tokens: 2 }));
  expect(message).toMatchObject({ content: [{ text: "Long and" }], stop_reason: "max_tokens" });
  await untilAnsweredOnce(edge, ACCOUNT, "Long and whole.");
});

test("refused by the model, it says so", async () => {
  const message = await client().messages.create(ask("%refuse"));
  expect(message.stop_reason).toBe("refusal");
});

test.each(["/compact now", "@/etc/hostname", "!ls", "#remember"])(
  "%s is text and nothing else",
  async (given) => {
    const message = await client().messages.create(ask(`${given}\n%say As it was: ${given}.`));
    expect(message.content).toMatchObject([{ text: `As it was: ${given}.` }]);
    const [said] = (await saidIn(edge, `As it was: ${given}.`)) as [
      { content: [{ text: string }] },
    ];
    expect(said.content[0].text).toContain(given);
  },
);

test("a history of strings, of the same side in a row, and with marks of what to cache", async () => {
  const mark = { cache_control: { type: "ephemeral" } };
  const messages = [
    { role: "user", content: "One." },
    { role: "user", content: [{ ...text("Two."), ...mark }] },
    { role: "assistant", content: "Three." },
    { role: "assistant", content: "Four." },
    { role: "user", content: "%say Five in a row." },
  ];
  const request = { ...ask(""), messages } as Anthropic.MessageCreateParamsNonStreaming;
  await client().messages.create(request);
  expect(await saidIn(edge, "Five in a row.")).toEqual([
    { role: "user", content: [text("One."), text("Two.")] },
    { role: "assistant", content: [text("Three."), text("Four.")] },
    { role: "user", content: [text("%say Five in a row.")] },
  ]);
});

test("a history of a hundred messages, with one of megabytes", async () => {
  const messages = Array.from({ length: 101 }, (_, place) => ({
    role: place % 2 ? "assistant" : "user",
    content: [text(place === 100 ? "%say Long." : `Message ${place}.`)] as object[],
  }));
  const data = "AbCd".repeat(500_000);
  const big = { type: "document", source: { type: "text", media_type: "text/plain", data } };
  messages[50]!.content.unshift(big);
  const request = { ...ask(""), messages } as Anthropic.MessageCreateParamsNonStreaming;
  expect((await client().messages.create(request)).content).toMatchObject([{ text: "Long." }]);
  expect(await saidIn(edge, "%say Long.")).toEqual(messages);
  // It may be the newest one too.
  const newest = [...messages.slice(0, 50), { role: "user", content: [big, text("%say Big.")] }];
  const again = { ...request, messages: newest } as Anthropic.MessageCreateParamsNonStreaming;
  expect((await client().messages.create(again)).content).toMatchObject([{ text: "Big." }]);
  expect(await saidIn(edge, "%say Big.")).toEqual(newest);
});

test("the client's tools are called in an answer that is not streamed", async () => {
  const prompt = '%say Asking both.\n%tool get_time {"zone":"UTC"}\n%tool get_time {"zone":"CET"}';
  const message = await client().messages.create(ask(prompt, { tools: [TIME_TOOL] }));
  expect(message.stop_reason).toBe("tool_use");
  expect(message.content).toMatchObject([
    { type: "text", text: "Asking both." },
    { type: "tool_use", name: "get_time", input: { zone: "UTC" } },
    { type: "tool_use", name: "get_time", input: { zone: "CET" } },
  ]);
  await untilAnsweredOnce(edge, ACCOUNT, "Asking both.");
});

test.each([
  ["streamed", true],
  ["not streamed", false],
])("the tool runner runs its tools to the end, %s", async (_how, stream) => {
  const { message, zones } = await runTimeTool(client(), stream);
  expect(message.content).toMatchObject([{ type: "text", text: "All asked." }]);
  expect(zones).toEqual(["UTC", "Mars", "CET"]);
  const told = JSON.stringify((await edge.asked("Noon in CET.")).at(-1)!.body.messages);
  expect(told).toContain("Noon in UTC.");
  expect(told).toContain('"is_error":true');
});

test("the AI SDK streams, and runs its tools", async () => {
  const apiKey = await mintToken({ rootKey: edge.stack.token, account: ACCOUNT });
  const provider = createAnthropic({ baseURL: `${edge.stack.url}/v1`, apiKey });
  const getTime = tool({
    description: "The time in a zone.",
    inputSchema: z.object({ zone: z.string() }),
    execute: ({ zone }) => `Noon in ${zone}.`,
  });
  const answer = streamText({
    model: provider("claude-haiku-4-5"),
    tools: { getTime },
    stopWhen: isStepCount(5),
    prompt: '%tool getTime {"zone":"UTC"}\n%say Noon it is.',
  });
  expect(await answer.text).toBe("Noon it is.");
  const [first] = await answer.steps;
  expect(first!.toolResults).toMatchObject([{ toolName: "getTime", output: "Noon in UTC." }]);
});

test.each([
  [404, NotFoundError, "not_found_error"],
  [413, APIError, "request_too_large"],
  [429, RateLimitError, "rate_limit_error"],
])("the model's %i is an error", async (status, kind, type) => {
  const error = await failure(client().messages.create(ask(`%error ${status}`)));
  expect(error).toBeInstanceOf(kind);
  expect(error).toMatchObject({ status, type });
});

test("an answer that is cut off is an error, not streamed either", async () => {
  const answer = client().messages.create(ask("%cut\n%tokens 40\n%say Cut whole."));
  expect(await failure(answer)).toBeInstanceOf(APIError);
  await untilAnsweredOnce(edge, ACCOUNT, "Cut whole.");
});
