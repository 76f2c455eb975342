import { describe, expect, test } from "vitest";

import { messagesRequest } from "./request.js";
import { turnOf } from "./turn.js";

const turn = (rest: object) =>
  turnOf(messagesRequest.parse({ model: "claude-haiku-4-5", max_tokens: 1_000, ...rest }));

const text = (of: string) => ({ type: "text", text: of });
const THOUGHT = { type: "thinking", thinking: "Which zone?", signature: "c2lnbmVk" };
const CALL = { type: "tool_use", id: "toolu_1", name: "get_time", input: { zone: "UTC" } };
const RESULT = { type: "tool_result", tool_use_id: "toolu_1", content: [text("Noon")] };

test("one message is a prompt, and has no history", () => {
  const { prompt, transcript } = turn({ messages: [{ role: "user", content: "/clear" }] });
  expect(prompt).toEqual([text("/clear")]);
  expect(transcript).toEqual([]);
});

describe("a history", () => {
  const messages = [
    { role: "user", content: [text("When?")] },
    { role: "assistant", content: [THOUGHT, text("Asking."), CALL] },
    { role: "user", content: [RESULT, text("/clear and @/etc/hostname")] },
    { role: "assistant", content: [text("Noon.")] },
  ];

  test("is a transcript, as Claude Code writes them", () => {
    const { session, prompt, transcript } = turn({
      messages: [...messages, { role: "user", content: "And now?" }],
    });
    expect(prompt).toEqual([text("And now?")]);
    const entries = transcript as Record<string, unknown>[];
    expect(entries.map(({ type }) => type)).toEqual(["user", "assistant", "user", "assistant"]);
    expect(entries.map(({ message }) => message)).toMatchObject(messages);
    expect(entries.map(({ message }) => (message as { stop_reason?: string }).stop_reason)).toEqual(
      [undefined, "tool_use", undefined, "end_turn"],
    );
    // Each follows the one before.
    expect(entries.map(({ parentUuid }) => parentUuid)).toEqual([
      null,
      ...entries.slice(0, -1).map(({ uuid }) => uuid),
    ]);
    expect(new Set(entries.map(({ sessionId }) => sessionId))).toEqual(new Set([session]));
  });

  test("that ends with a tool's result is gone on with, and has no prompt", () => {
    const { turn: id, prompt, transcript } = turn({ messages: messages.slice(0, 3) });
    expect(prompt).toBeUndefined();
    expect(transcript).toHaveLength(3);
    expect(transcript.at(-1)).toMatchObject({ uuid: id, message: messages[2] });
  });
});

test("nothing of the agent's or of a project's is in it", () => {
  const tools = [
    { name: "Bash", description: "x", input_schema: { type: "object" }, strict: true },
  ];
  const { options, message } = turn({
    messages: [{ role: "user", content: "Hi" }],
    system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
    tools,
    temperature: 0.25,
  });
  expect(options).toEqual({
    model: "claude-haiku-4-5",
    tools: [],
    skills: [],
    settingSources: [],
    permissionMode: "dontAsk",
    maxTurns: 1,
    thinking: { type: "disabled" },
    systemPrompt: ["Be brief."],
  });
  const [{ strict: _strict, ...tool }] = tools as [(typeof tools)[0]];
  expect(message).toEqual({ tools: [tool], body: { max_tokens: 1_000, temperature: 0.25 } });
  const plain = turn({ messages: [{ role: "user", content: "Hi" }], system: "Be brief." });
  expect(plain.options.systemPrompt).toEqual(["Be brief."]);
});
