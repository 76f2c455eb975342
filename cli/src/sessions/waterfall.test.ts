import type { TurnTrace } from "@claude-edge/client";
import { expect, test } from "vitest";

import { waterfall } from "./waterfall.js";

const trace: TurnTrace = {
  session_id: "s",
  turn_id: "t",
  trace_id: "0af7651916cd43dd8448eb211c80319c",
  status: "completed",
  start: 0,
  end: 2_000,
  first_token_at: 900,
  network: [],
  steps: [
    { kind: "queue", name: "queue", start: 0, end: 0 },
    {
      kind: "container",
      name: "container",
      start: 0,
      end: 500,
      attributes: { started: true, runner: "1.2.3" },
    },
    { kind: "process", name: "process", start: 500, end: 800, attributes: { kind: "new" } },
    {
      kind: "model",
      name: "claude-opus-5-5",
      start: 800,
      end: 1_300,
      attributes: { input_tokens: 10, output_tokens: 20 },
    },
    { kind: "tool", name: "Bash", start: 1_300, end: 2_000, failed: true },
  ],
};

test("a turn's steps are bars over its time", () => {
  expect(waterfall(trace, 80)).toBe(
    [
      "turn t: completed after 2.0 s, first token after 900 ms",
      "trace 0af7651916cd43dd8448eb211c80319c",
      "",
      "queue                  █                             0 ms",
      "container              ██████                      500 ms  started, runner 1.2.3",
      "process                      ████                  300 ms  new",
      "model claude-opus-5-5            ██████            500 ms  10 in, 20 out",
      "tool Bash                              ░░░░░░░░░   700 ms  failed",
      "",
    ].join("\n"),
  );
});

test("a step that runs has no time yet, and a narrow terminal still shows bars", () => {
  const { end: _end, ...open } = trace;
  const running = {
    ...open,
    status: "running",
    steps: [{ kind: "tool", name: "Bash", start: 10 }],
  };
  expect(waterfall(running as TurnTrace, 10, 500)).toContain("tool Bash  ██████████        …\n");
  expect(waterfall({ ...trace, dropped_steps: 3 })).toContain("3 more steps are not shown");
});
