import type { EdgeEvent } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { all, reading, recorded } from "../../../test/support/turns.js";
import { collect, messageEvents, type StreamEvent } from "./answer.js";

const eventsOf = (events: EdgeEvent[]) => messageEvents(reading(events));

async function* given(events: object[]): AsyncGenerator<StreamEvent> {
  yield* events as StreamEvent[];
}

describe("a turn's message", () => {
  test("is its stream events, up to the end of the first", async () => {
    const events = await all(eventsOf(recorded("tools")));
    expect(events[0]!.type).toBe("message_start");
    expect(events.at(-1)!.type).toBe("message_stop");
    expect(events.filter(({ type }) => type === "message_start")).toHaveLength(1);
    expect(await collect(eventsOf(recorded("tools")))).toMatchObject({
      id: "msg_00000002",
      role: "assistant",
      stop_reason: "tool_use",
      content: [
        { type: "text", text: "Looking." },
        { type: "tool_use", name: "Bash", input: { command: "echo a" } },
        { type: "tool_use", name: "Bash", input: { command: "echo b" } },
      ],
      usage: { input_tokens: 10462, output_tokens: 41 },
    });
  });

  test("has its thoughts and their signature", async () => {
    expect(await collect(eventsOf(recorded("text")))).toMatchObject({
      content: [
        { type: "thinking", thinking: "Hm.", signature: expect.stringMatching(/./) },
        { type: "text", text: "One two." },
      ],
      stop_reason: "end_turn",
      stop_sequence: null,
    });
  });

  test("may be a refusal", async () => {
    expect(await collect(eventsOf(recorded("refusal")))).toMatchObject({
      content: [],
      stop_reason: "refusal",
    });
  });

  test("is not a subagent's", async () => {
    const deltas = recorded("text").map((event) =>
      event.kind === "delta"
        ? { ...event, message: { ...event.message, parent_tool_use_id: "t" } }
        : event,
    );
    await expect(all(eventsOf(deltas))).rejects.toMatchObject({ code: "model_error" });
  });
});

describe("no message", () => {
  test("of a turn that failed before it: what it failed with", async () => {
    await expect(collect(eventsOf(recorded("error")))).rejects.toMatchObject({
      code: "model_invalid_request",
      details: { model_status: 400 },
    });
  });

  test("of one that was cut off, though Claude Code closes it", async () => {
    const isEnd = (event: EdgeEvent) =>
      event.kind === "delta" && JSON.stringify(event.message).includes('"type":"message_delta"');
    const cut = recorded("text").filter((event) => !isEnd(event));
    const seen: string[] = [];
    await expect(async () => {
      for await (const { type } of eventsOf(cut)) seen.push(type);
    }).rejects.toMatchObject({ code: "model_error" });
    expect(seen).toContain("content_block_stop");
    expect(seen).not.toContain("message_stop");
  });

  test("of one whose events break off", async () => {
    await expect(all(eventsOf(recorded("text").slice(0, 10)))).rejects.toThrow("broke off");
  });
});

test("pieces of every kind come together", async () => {
  const start = {
    type: "message_start",
    message: { id: "m", content: [], usage: { input_tokens: 1 } },
  };
  const block = (index: number, content_block: object, ...deltas: object[]) => [
    { type: "content_block_start", index, content_block },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
  const message = await collect(
    given([
      start,
      { type: "ping" },
      ...block(
        0,
        { type: "text", text: "", citations: null },
        { type: "text_delta", text: "A" },
        { type: "citations_delta", citation: { n: 1 } },
        { type: "text_delta", text: "B" },
        { type: "citations_delta", citation: { n: 2 } },
      ),
      ...block(
        1,
        { type: "tool_use", id: "t", input: {} },
        { type: "input_json_delta", partial_json: '{"a":' },
        { type: "input_json_delta", partial_json: "1}" },
      ),
      // Without input, and with one that max_tokens cut off.
      ...block(2, { type: "tool_use", id: "u", input: {} }),
      ...block(
        3,
        { type: "tool_use", id: "v", input: {} },
        { type: "input_json_delta", partial_json: '{"a' },
      ),
      { type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 9 } },
      { type: "message_stop" },
    ]),
  );
  expect(message).toEqual({
    id: "m",
    content: [
      { type: "text", text: "AB", citations: [{ n: 1 }, { n: 2 }] },
      { type: "tool_use", id: "t", input: { a: 1 } },
      { type: "tool_use", id: "u", input: {} },
      { type: "tool_use", id: "v", input: {} },
    ],
    stop_reason: "max_tokens",
    usage: { input_tokens: 1, output_tokens: 9 },
  });
});
