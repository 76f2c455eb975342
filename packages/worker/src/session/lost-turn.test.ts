import { describe, expect, test } from "vitest";

import { canBeginAgain, describeTools, isAnswered, reportTools } from "./lost-turn.js";

const said = (...content: unknown[]) => ({ type: "assistant", message: { content } });
const use = (id: string, name: string) => ({ type: "tool_use", id, name });
const result = (id: string) => ({ type: "tool_result", tool_use_id: id });

describe("the tools of a turn that was cut off", () => {
  test("have finished when their result is known; of the others it is not known", () => {
    const tools = reportTools([
      { type: "system" },
      said({ type: "text", text: "Begun." }, use("1", "Write")),
      said(result("1")),
      said(use("2", "Bash"), use("3", "Read")),
      said(result("3"), result("of nothing")),
      { type: "user", message: { content: "a plain text" } },
      // What a container stores may be anything.
      said(null, "text", 7, [use("4", "Bash")]),
    ]);
    expect(tools).toEqual([
      { id: "1", name: "Write", outcome: "finished" },
      { id: "2", name: "Bash", outcome: "unknown" },
      { id: "3", name: "Read", outcome: "finished" },
    ]);
    expect(describeTools(tools)).toBe("Finished: Write, Read. Outcome unknown: Bash.");
  });

  test("are none when none was called", () => {
    expect(describeTools(reportTools([said({ type: "text" })]))).toBe("No tool had been called.");
  });
});

describe("a turn that was cut off", () => {
  const isRepeatable = (tool: string) => ["Read", "Task"].includes(tool);
  const stored = (...content: unknown[]) => ({ type: "user", message: { content } });
  const canGoOn = (
    messages: Parameters<typeof canBeginAgain>[0],
    ...transcript: { type: string; message: unknown; isSidechain?: boolean }[]
  ) => canBeginAgain(messages, transcript, isRepeatable);

  test("can begin again before any tool, and with tools that do no harm", () => {
    expect(canGoOn([said({ type: "text" })])).toBe(true);
    expect(canGoOn([said(use("1", "Read"))])).toBe(true);
  });

  test("cannot while a tool may have had an effect that the transcript does not hold", () => {
    const told = [said(use("1", "Read"), use("2", "Bash"))];
    expect(canGoOn(told)).toBe(false);
    expect(canGoOn(told, stored(use("2", "Bash")))).toBe(false);
    // The transcript is handed on a moment after the events.
    expect(canGoOn([...told, said(result("2"))], stored(use("2", "Bash")))).toBe(false);
    expect(canGoOn(told, stored(result("2")))).toBe(true);
  });

  test("cannot when a subagent that would start over has had an effect", () => {
    const inner = { ...said(use("2", "Bash")), parent_tool_use_id: "1" };
    const deeper = { ...said(use("3", "Task")), parent_tool_use_id: "1" };
    const deepest = { ...said(use("4", "Bash")), parent_tool_use_id: "3" };
    const sidechain = { ...stored(result("2"), result("4")), isSidechain: true };
    expect(canGoOn([said(use("1", "Task")), inner], sidechain)).toBe(false);
    expect(canGoOn([said(use("1", "Task")), deeper, deepest], sidechain)).toBe(false);
    expect(canGoOn([said(use("1", "Task")), inner, deeper, deepest], stored(result("1")))).toBe(
      true,
    );
    const reads = { ...said(use("2", "Read")), parent_tool_use_id: "1" };
    expect(canGoOn([said(use("1", "Task")), reads])).toBe(true);
  });
});

test("a turn is answered when the transcript holds all that the model said to its prompt", () => {
  const prompt = { type: "user", uuid: "turn" };
  const says = (stop_reason: string | null) => ({ type: "assistant", message: { stop_reason } });
  expect(isAnswered("turn", [prompt, says("tool_use"), { type: "user" }, says("end_turn")])).toBe(
    true,
  );
  expect(isAnswered("turn", [prompt, says("end_turn"), { type: "cost-state" }])).toBe(true);
  for (const transcript of [
    [],
    [prompt],
    [says("end_turn"), prompt],
    [{ type: "user", uuid: "before" }, says("end_turn")],
    [prompt, says("tool_use")],
    [prompt, says(null)],
    [prompt, says("end_turn"), { type: "user" }],
    [prompt, { ...says("end_turn"), isSidechain: true }],
  ]) {
    expect(isAnswered("turn", transcript)).toBe(false);
  }
});
