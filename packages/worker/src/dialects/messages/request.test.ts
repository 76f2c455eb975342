import { MAX_OPTIONS_CHARS } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { assertNoThread, conversationOf, fieldsOf, messagesRequest } from "./request.js";
import { turnOf } from "./turn.js";

const REQUEST = {
  model: "claude-haiku-4-5",
  max_tokens: 1_000,
  messages: [{ role: "user", content: "Hi" }],
};
const parse = (rest: object = {}) => messagesRequest.parse({ ...REQUEST, ...rest });
const text = (of: string) => ({ type: "text", text: of });
const CALL = { type: "tool_use", id: "toolu_1", name: "t", input: {} };
const RESULT = { type: "tool_result", tool_use_id: "toolu_1", content: "Noon" };

describe("a conversation", () => {
  const said = (...messages: object[]) => conversationOf(parse({ messages }));

  test("is of blocks, each side's messages in a row as one", () => {
    expect(
      said(
        { role: "user", content: "One." },
        { role: "user", content: [text("Two.")] },
        { role: "assistant", content: "Three." },
        { role: "assistant", content: "Four." },
        { role: "user", content: "Five." },
      ),
    ).toEqual([
      { role: "user", content: [text("One."), text("Two.")] },
      { role: "assistant", content: [text("Three."), text("Four.")] },
      { role: "user", content: [text("Five.")] },
    ]);
  });

  test("has no marks of what to cache, in results neither", () => {
    const mark = { cache_control: { type: "ephemeral" } };
    expect(
      said(
        { role: "user", content: [{ ...text("One."), ...mark }] },
        { role: "assistant", content: [{ ...CALL, ...mark }] },
        {
          role: "user",
          content: [{ ...RESULT, ...mark, content: [{ ...text("Noon"), ...mark }] }],
        },
      ),
    ).toEqual([
      { role: "user", content: [text("One.")] },
      { role: "assistant", content: [CALL] },
      { role: "user", content: [{ ...RESULT, content: [text("Noon")] }] },
    ]);
  });

  test.each<[string, string, object[]]>([
    ["of the assistant's alone", "messages.0", [{ role: "assistant", content: "I" }]],
    [
      "that ends with the assistant's",
      "last",
      [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
      ],
    ],
    ["of blanks", "empty", [{ role: "user", content: " " }]],
    ["without a block", "empty", [{ role: "user", content: [] }]],
    [
      "with a call that has no result",
      "toolu_1 has no tool_result",
      [
        { role: "user", content: "a" },
        { role: "assistant", content: [CALL] },
        { role: "user", content: "b" },
      ],
    ],
    [
      "with a result of another call",
      "toolu_1 has no tool_result",
      [
        { role: "user", content: "a" },
        { role: "assistant", content: [CALL] },
        { role: "user", content: [{ ...RESULT, tool_use_id: "toolu_2" }] },
      ],
    ],
  ])("%s cannot be gone on with", (_what, word, messages) => {
    expect(() => said(...messages)).toThrow(word);
  });
});

test("the fields that go to the model as they are", () => {
  const fields = {
    max_tokens: 123,
    temperature: 0.25,
    top_p: 0.5,
    top_k: 3,
    stop_sequences: ["STOP"],
    thinking: { type: "enabled", budget_tokens: 1_500 },
    tool_choice: { type: "any" },
    output_config: { effort: "low" },
  };
  const rest = { system: "Be brief.", metadata: { user_id: "u" }, stream: true };
  expect(fieldsOf(parse({ ...fields, ...rest }))).toEqual(fields);
  expect(fieldsOf(parse())).toEqual({ max_tokens: 1_000 });
  expect(() => fieldsOf(parse({ stop_sequences: ["x".repeat(30_001)] }))).toThrow("stop_sequences");
});

test("a thread is refused by the name that the clients know", () => {
  assertNoThread(parse());
  assertNoThread(parse({ thread: null }));
  const refused = () => assertNoThread(parse({ thread: { type: "create" } }));
  expect(refused).toThrow(
    expect.objectContaining({
      code: "invalid_request",
      details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
    }),
  );
});

test("more system prompt than goes through Claude Code is refused", () => {
  turnOf(parse({ system: "x".repeat(MAX_OPTIONS_CHARS / 2) }));
  expect(() => turnOf(parse({ system: "x".repeat(MAX_OPTIONS_CHARS) }))).toThrow("system");
});

describe("what Claude Code cannot ask", () => {
  test.each<[object, string]>([
    [{ mcp_servers: [] }, "mcp_servers"],
    [{ container: "c" }, "container"],
    [{ tools: [{ type: "web_search_20250305", name: "web_search" }] }, "tools"],
    [{ messages: [{ role: "system", content: "a" }] }, "role"],
    [{ messages: [] }, "messages"],
    [{ max_tokens: 0 }, "max_tokens"],
    [{ max_tokens: undefined }, "max_tokens"],
    [{ model: "" }, "model"],
  ])("%j is refused by name", (rest, word) => {
    const { success, error } = messagesRequest.safeParse({ ...REQUEST, ...rest });
    expect(success).toBe(false);
    expect(JSON.stringify(error!.issues)).toContain(word);
  });
});
