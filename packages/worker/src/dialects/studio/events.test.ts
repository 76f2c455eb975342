import type { EdgeEvent } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { recorded, stored, type RecordedTurn } from "../../../test/support/turns.js";
import { StudioEvents, type StudioEvent } from "./events.js";

const tell = (events: EdgeEvent[]): StudioEvent[] => {
  const told = new StudioEvents("s");
  return events.flatMap((event) => [...told.eventsFor(event)]);
};

/** What happened, in order: kinds of events, with subtype or what they say a message is. */
const outline = (events: StudioEvent[]) =>
  events
    .map(({ type, subtype, messageType }) =>
      [type, subtype ?? messageType].filter(Boolean).join(" "),
    )
    .filter((kind, index, all) => kind !== "text_delta" || all[index - 1] !== kind);

const textOf = (events: StudioEvent[]) =>
  events.map(({ type, text }) => (type === "text_delta" ? text : "")).join("");
const tools = (events: StudioEvent[], subtype: string) =>
  events.flatMap((event) => (event.subtype === subtype ? [event.data as StudioEvent] : []));
const said = (events: StudioEvent[]) => events.filter(({ type }) => type === "assistant_message");

const COMPLETED = ["done", "result", "complete"];

describe("a turn", () => {
  test("of text: thinking is not the answer, and no event of its own", () => {
    const events = tell(recorded("text"));
    expect(outline(events)).toEqual([
      "status",
      "status",
      "text_delta",
      "message_type_hint response",
      "assistant_message response",
      ...COMPLETED,
    ]);
    expect(textOf(events)).toBe("One two.");
    expect(said(events)).toMatchObject([{ text: "One two.", content: "One two." }]);
    expect(JSON.stringify(events)).not.toContain("Hm.");
  });

  test("completed says what it came to", () => {
    const turn = recorded("text");
    const messageCount = turn.filter(({ kind }) => kind === "message").length;
    const common = { sessionId: "s", response: "One two." };
    expect(tell(turn).slice(-3)).toEqual([
      { type: "done", sessionId: "s" },
      { type: "result", success: true, messageCount, ...common },
      {
        type: "complete",
        ...common,
        exitCode: 0,
        checkpoint: null,
        awaitingInput: false,
        instrumentation: {
          sessionId: "s",
          totalDuration_ms: 3139,
          totalCost_usd: expect.closeTo(0.04164),
          tokens: expect.objectContaining({ output_tokens: 3 }),
        },
      },
    ]);
  });

  test("with tools: what is said before them is thinking, what is said after them the response", () => {
    const events = tell(recorded("tools"));
    expect(outline(events)).toEqual([
      "status",
      "status",
      "text_delta",
      "message_type_hint thinking",
      "assistant_message thinking",
      "system tool_call",
      "system tool_call",
      "system tool_result",
      "system tool_result",
      "text_delta",
      "message_type_hint response",
      "assistant_message response",
      ...COMPLETED,
    ]);
    expect(said(events).map(({ text }) => text)).toEqual(["Looking.", "Done so."]);
    expect(tools(events, "tool_call")).toMatchObject([
      { tool_name: "Bash", detail: "echo a", tool_use_id: "toolu_00000002_1" },
      { tool_name: "Bash", detail: "echo b", tool_use_id: "toolu_00000002_2" },
    ]);
    // Each result is of its call.
    expect(tools(events, "tool_result")).toMatchObject([
      { tool_name: "Bash", summary: "a", is_error: false, tool_use_id: "toolu_00000002_1" },
      { tool_name: "Bash", summary: "b", is_error: false, tool_use_id: "toolu_00000002_2" },
    ]);
  });

  test("of a subagent shows its tools, but not its words", () => {
    const events = tell(recorded("subagent"));
    expect(textOf(events)).toBe("Up.");
    expect(said(events).map(({ text }) => text)).toEqual(["Up."]);
    expect(tools(events, "tool_call").map(({ tool_name }) => tool_name)).toEqual(["Task", "Bash"]);
    expect(tools(events, "tool_result").map(({ tool_name }) => tool_name)).toEqual([
      "Bash",
      "Task",
    ]);
  });

  test.each([
    ["error", "model_invalid_request"],
    ["refusal", "model_refused"],
    ["max-turns", "max_turns"],
  ] as const)("of an %s ends with it, and with nothing else", (name, code) => {
    const events = tell(recorded(name));
    const end = events.at(-1)!;
    expect(end).toMatchObject({ type: "error", success: false, code, sessionId: "s" });
    expect(end.error).toEqual(expect.stringMatching(/\S/));
    expect(end.message).toBe(end.error);
    expect(events.map(({ type }) => type).filter((type) => COMPLETED.includes(type))).toEqual([]);
    expect(said(events)).toEqual([]);
    expect(textOf(events)).toBe("");
  });

  test.each<RecordedTurn>(["text", "tools", "subagent", "error"])(
    "of %s is told the same from storage, but for the pieces and what they hint at",
    (name) => {
      const turn = recorded(name);
      const isWhole = ({ type }: StudioEvent) =>
        type !== "text_delta" && type !== "message_type_hint";
      expect(tell(stored(turn)).filter(isWhole)).toEqual(tell(turn).filter(isWhole));
    },
  );
});

describe("a tool", () => {
  const [queued] = recorded("text");
  const assistant = (content: object[]): EdgeEvent => ({
    ...queued!,
    kind: "message",
    message: { type: "assistant", uuid: "u", message: { id: "m", content } },
  });
  const result = (content: unknown, is_error?: boolean): EdgeEvent => ({
    ...queued!,
    kind: "message",
    message: {
      type: "user",
      message: { content: [{ type: "tool_result", tool_use_id: "t", content, is_error }] },
    },
  });
  const called = (name: string, input?: object) =>
    tools(tell([assistant([{ type: "tool_use", id: "t", name, input }])]), "tool_call")[0]!;

  test.each([
    ["Bash", { command: "ls" }, "ls"],
    ["Read", { file_path: "/a/b.txt" }, "/a/b.txt"],
    ["Skill", { skill: "draw" }, "draw"],
    ["Write", { file_path: "notes.txt", content: "x" }, ""],
    ["Bash", {}, ""],
    ["Read", undefined, ""],
  ])("%s %j has the detail %j", (name, input, detail) => {
    expect(called(name, input)).toMatchObject({ tool_name: name, detail, tool_input: input ?? {} });
  });

  test("is told in short, and not cut in the middle of a character", () => {
    // Both cuts fall between the halves of a surrogate pair.
    const text = `..${"é😀".repeat(100)}.`;
    expect(called("Bash", { command: `echo '${text}'` }).detail).toMatch(
      /^echo '\.\.(é😀)+é\.\.\.$/u,
    );
    const [long] = tools(tell([result(text)]), "tool_result");
    expect(long!.summary).toMatch(/^\.\.\.(é😀)+\.$/u);
  });

  test("may answer with blocks, and fail", () => {
    const blocks = [{ type: "text", text: "a" }, { type: "image" }, { type: "text", text: "b" }];
    expect(tools(tell([result(blocks, true)]), "tool_result")).toMatchObject([
      { summary: "a\n\nb", is_error: true },
    ]);
    expect(tools(tell([result(undefined)]), "tool_result")).toMatchObject([
      { summary: "", is_error: false },
    ]);
  });
});
