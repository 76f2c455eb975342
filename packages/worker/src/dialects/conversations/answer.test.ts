import { EdgeError, type EdgeEvent } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { all, reading, recorded, stored } from "../../../test/support/turns.js";
import { framesOf, messageOf } from "./answer.js";

type Fields = Record<string, unknown>;

const told = async (events: EdgeEvent[], failure?: Error): Promise<Fields[]> => {
  const frames = await all(framesOf(reading(events, failure), "req_1"));
  return frames.map((frame) => {
    const [, json = ""] = /^data: (.*)\n\n$/s.exec(frame)!;
    return JSON.parse(json) as Fields;
  });
};

const typesOf = (events: Fields[]) => events.map(({ type }) => type);
const textOf = (events: Fields[]) =>
  events.map(({ type, content }) => (type === "text" ? content : "")).join("");

describe("a stream", () => {
  test("has pieces of text, tools, the result and done", async () => {
    const events = recorded("tools");
    const { session_id } = events[0] as { session_id: string };
    expect(await told(events)).toEqual([
      { type: "text", content: "Looking." },
      { type: "tool_use", id: "toolu_00000002_1", name: "Bash", input: { command: "echo a" } },
      { type: "tool_use", id: "toolu_00000002_2", name: "Bash", input: { command: "echo b" } },
      { type: "text", content: "Done" },
      { type: "text", content: " so." },
      {
        type: "result",
        conversation_id: session_id,
        response: "Done so.",
        duration_ms: 2954,
        num_turns: 3,
        total_cost_usd: expect.closeTo(0.084972),
      },
      { type: "done" },
    ]);
  });

  test("leaves thinking out, and what subagents say and call", async () => {
    expect(textOf(await told(recorded("text")))).toBe("One two.");
    const events = await told(recorded("subagent"));
    expect(textOf(events)).toBe("Up.");
    expect(events.filter(({ type }) => type === "tool_use")).toMatchObject([{ name: "Task" }]);
  });

  test.each(["text", "tools", "subagent"] as const)(
    "of %s has the same text when it is over, in whole messages",
    async (name) => {
      const live = await told(recorded(name));
      const again = await told(stored(recorded(name)));
      expect(textOf(again)).toBe(textOf(live));
      expect(again.slice(-2)).toEqual(live.slice(-2));
      expect(typesOf(again).filter((type) => type !== "text")).toEqual(
        typesOf(live).filter((type) => type !== "text"),
      );
    },
  );

  test("of which pieces were lost has the rest of its text from the whole message", async () => {
    const events = recorded("tools");
    const last = events.findLastIndex(
      ({ kind, ...event }) => kind === "delta" && JSON.stringify(event).includes('" so."'),
    );
    expect(textOf(await told(events.toSpliced(last, 1)))).toBe("Looking.Done so.");
  });

  test("of an answer that was cut off and given again begins that again", async () => {
    const events = recorded("text");
    const start = events.findIndex(
      (event) =>
        event.kind === "delta" && JSON.stringify(event.message).includes('"type":"text","text"'),
    );
    // Its first word once more, before all of it.
    const twice = [...events.slice(0, start + 2), ...events.slice(start)];
    const frames = await told(twice);
    expect(textOf(frames)).toBe("OneOne two.");
    expect(frames.at(-2)).toMatchObject({ type: "result", response: "One two." });
  });

  test.each([
    ["error", "model_invalid_request"],
    ["refusal", "model_refused"],
    ["max-turns", "max_turns"],
  ] as const)("of an %s ends with it, and with nothing else", async (name, code) => {
    const events = recorded(name);
    const frames = await told(events);
    expect(frames.at(-1)).toMatchObject({
      type: "error",
      code,
      message: expect.any(String),
      retryable: false,
      details: { session_id: expect.any(String), turn_id: events[0]!.turn_id },
      request_id: "req_1",
    });
    expect(typesOf(frames)).not.toContain("result");
    expect(typesOf(frames)).not.toContain("done");
    // What the harness says of a call that failed is no answer.
    expect(textOf(frames)).not.toContain("Error");
  });

  test("that breaks off ends with an error", async () => {
    const events = recorded("text").slice(0, 12);
    const frames = await told(events, new EdgeError("session_not_found", "It was deleted."));
    expect(frames.at(-1)).toMatchObject({ type: "error", code: "session_not_found" });
  });
});

describe("what was said", () => {
  const said = (events: EdgeEvent[]) => events.map(messageOf).filter(Boolean);

  test("is a prompt and an answer of each turn", () => {
    const [{ turn_id }] = recorded("text") as [EdgeEvent];
    expect(said(recorded("text"))).toEqual([
      { turn_id, role: "user", content: "%think Hm.\n%say One two." },
      { turn_id, role: "assistant", status: "completed", content: "One two." },
    ]);
  });

  test("of a turn that has not completed is why", () => {
    const [{ turn_id }] = recorded("error") as [EdgeEvent];
    expect(said(recorded("error"))).toEqual([
      { turn_id, role: "user", content: "%error 400" },
      {
        turn_id,
        role: "assistant",
        status: "failed",
        content: null,
        error: { code: "model_invalid_request", message: "API Error: 400 scripted error 400" },
      },
    ]);
  });

  test("in blocks is their text, line by line; a log of an older deployment has no prompt", () => {
    const [queued] = recorded("text") as [EdgeEvent & { kind: "turn" }];
    const prompt = [
      { type: "text", text: "One." },
      { type: "image", source: {} },
      { type: "text", text: "Two." },
    ];
    const event = { ...queued, prompt } as EdgeEvent;
    expect(messageOf(event)).toMatchObject({ content: "One.\n\nTwo." });
    const { prompt: _prompt, ...older } = queued;
    expect(messageOf(older)).toBeUndefined();
  });
});
