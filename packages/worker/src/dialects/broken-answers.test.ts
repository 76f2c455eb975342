import { toWireError, type EdgeEvent, type TurnEvent } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { collect, messageEvents, type StreamEvent } from "./messages/answer.ts";

const ids = { at: 1, turn_id: "turn", session_id: "session" };

const delta = (event: StreamEvent, parent_tool_use_id: string | null = null): EdgeEvent =>
  ({
    ...ids,
    kind: "delta",
    seq: 1,
    message: { type: "stream_event", event, parent_tool_use_id },
  }) as EdgeEvent;

const ended = (rest: Partial<TurnEvent>): EdgeEvent =>
  ({ ...ids, kind: "turn", seq: 9, status: "completed", ...rest }) as EdgeEvent;

const failed = (code: string, message: string, details?: Record<string, unknown>) =>
  ended({ status: "failed", error: { code, message, retryable: true, details } });

const start: StreamEvent = {
  type: "message_start",
  message: { id: "msg_1", content: [], stop_reason: null, usage: { input_tokens: 5 } },
};
const text = (piece: string): StreamEvent[] => [
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: piece } },
];
const blockStop: StreamEvent = { type: "content_block_stop", index: 0 };
const end = (stop_reason: string | null): StreamEvent[] => [
  {
    type: "message_delta",
    delta: { stop_reason, stop_sequence: null },
    usage: { output_tokens: 2 },
  },
  { type: "message_stop" },
];

/** As recorded: Claude Code closes an answer that was cut off, with no stop reason, before the turn fails. */
const closed = [start, ...text("One two"), blockStop, ...end(null)].map((event) => delta(event));

async function* of(events: EdgeEvent[]): AsyncGenerator<EdgeEvent> {
  yield* events;
}

/** What is streamed of a turn, and what the stream ends with. */
async function streamed(events: EdgeEvent[]): Promise<{ types: string[]; error: unknown }> {
  const types: string[] = [];
  try {
    for await (const { type } of messageEvents(of(events))) types.push(type);
    return { types, error: undefined };
  } catch (error) {
    return { types, error: toWireError(error) };
  }
}

describe("the one message of a turn", () => {
  test("ends with its message_stop; what the turn says afterwards is not read", async () => {
    const whole = [start, ...text("One two"), blockStop, ...end("end_turn")].map((event) =>
      delta(event),
    );
    const { types, error } = await streamed([...whole, failed("model_error", "Later.")]);
    expect(types.slice(-2)).toEqual(["message_delta", "message_stop"]);
    expect(error).toBeUndefined();
    expect(await collect(messageEvents(of(whole)))).toMatchObject({
      content: [{ type: "text", text: "One two" }],
      stop_reason: "end_turn",
      usage: { input_tokens: 5, output_tokens: 2 },
    });
  });

  test.each([
    [
      "an error event",
      failed("model_overloaded", "Overloaded", { model_status: 529 }),
      { code: "model_overloaded", details: { model_status: 529 } },
    ],
    [
      "a cut",
      failed("model_error", "API Error: Connection to the API was lost."),
      { code: "model_error", message: "API Error: Connection to the API was lost." },
    ],
    // The turn may be taken for a success: the message is not whole all the same.
    ["a turn that completed", ended({}), { code: "model_error" }],
  ])("closed without a stop reason and followed by %s, is an error", async (_name, last, seen) => {
    const { types, error } = await streamed([...closed, last]);
    expect(error).toMatchObject(seen);
    expect(types).not.toContain("message_delta");
    expect(types).not.toContain("message_stop");
    await expect(collect(messageEvents(of([...closed, last])))).rejects.toMatchObject({
      code: seen.code,
    });
  });

  test.each([
    ["before the message", []],
    ["in its middle", [start, ...text("One")]],
    ["before its stop", [start, ...text("One"), blockStop]],
    ["after it was closed without a stop reason", [start, ...text("One"), blockStop, ...end(null)]],
  ])("events that break off %s are an error", async (_when, events) => {
    const { types, error } = await streamed(events.map((event) => delta(event)));
    expect(error).toMatchObject({ code: "model_error" });
    expect(types).not.toContain("message_stop");
  });

  test("a subagent's stop reason does not end it", async () => {
    const events = [delta(start), ...end("end_turn").map((event) => delta(event, "toolu_1"))];
    const { types, error } = await streamed([...events, failed("model_error", "Cut.")]);
    expect(types).toEqual(["message_start"]);
    expect(error).toMatchObject({ code: "model_error" });
  });
});
