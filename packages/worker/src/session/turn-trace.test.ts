import type { EdgeEvent, TraceStep } from "@claude-edge/protocol";
import { expect, test } from "vitest";

import type { TurnRow } from "./row-types.js";
import { traceOf } from "./turn-trace.js";

const turn = {
  id: "0af76519-16cd-43dd-8448-eb211c80319c",
  status: "completed",
  created_at: 100,
  started_at: 150,
  ended_at: 900,
} as TurnRow;

let seq = 0;
const event = (at: number, rest: object) =>
  ({ seq: ++seq, turn_id: turn.id, at, ...rest }) as EdgeEvent;
const message = (at: number, type: string, content: object[], parent: string | null = null) =>
  event(at, {
    kind: "message",
    message: { type, message: { content }, parent_tool_use_id: parent },
  });
const use = (id: string, name: string) => ({ type: "tool_use", id, name, input: { secret: 1 } });
const result = (id: string, is_error = false) => ({
  type: "tool_result",
  tool_use_id: id,
  is_error,
});

const trace = (events: EdgeEvent[], steps: TraceStep[] = [], traceparent?: string) =>
  traceOf({
    session: "s",
    turn,
    traceparent,
    timing: { steps, dropped: 0, firstToken: 300 },
    network: [],
    events,
  });

test("a trace has what was measured and what events tell of, by time", () => {
  const container = { kind: "container", name: "container", start: 150, end: 200 } as const;
  const { steps, ...rest } = trace(
    [
      message(310, "assistant", [use("t1", "Bash"), use("t2", "Read")]),
      event(320, {
        kind: "request",
        request: { id: "r", kind: "permission", payload: { tool_use_id: "t1" } },
      }),
      message(330, "user", [result("t2")]),
      event(400, { kind: "request.resolved", request: { id: "r", status: "answered" } }),
      event(450, { kind: "checkpoint", checkpoint: { changed: 2, bytes: 10 } }),
      message(460, "user", [result("t1", true)]),
      event(500, { kind: "checkpoint", error: { code: "x" } }),
    ],
    [container],
  );
  expect(rest).toEqual({
    session_id: "s",
    turn_id: turn.id,
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    status: "completed",
    start: 100,
    end: 900,
    first_token_at: 300,
    network: [],
  });
  expect(steps).toEqual([
    { kind: "queue", name: "queue", start: 100, end: 150 },
    container,
    {
      kind: "tool",
      name: "Bash",
      start: 310,
      end: 460,
      failed: true,
      attributes: { tool_use_id: "t1" },
    },
    { kind: "tool", name: "Read", start: 310, end: 330, attributes: { tool_use_id: "t2" } },
    {
      kind: "request",
      name: "permission",
      start: 320,
      end: 400,
      attributes: { request_id: "r", tool_use_id: "t1" },
    },
    {
      kind: "checkpoint",
      name: "checkpoint",
      start: 450,
      end: 450,
      attributes: { changed: 2, bytes: 10 },
    },
    { kind: "checkpoint", name: "checkpoint", start: 500, end: 500, failed: true },
  ]);
});

test("the caller's trace goes on; a traceparent that is none is passed over", () => {
  const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  expect(trace([], [], parent)).toMatchObject({
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    parent_span_id: "00f067aa0ba902b7",
  });
  expect(trace([], [], "nonsense")).not.toHaveProperty("parent_span_id");
});

test("a tool that was cut off has no end, one of a subagent its parent, and a wait ends with what follows", () => {
  const { steps } = trace([
    message(310, "assistant", [use("t1", "Bash")], "task"),
    event(320, { kind: "turn", status: "waiting" }),
    event(400, { kind: "turn", status: "running" }),
  ]);
  expect(steps.slice(1)).toEqual([
    {
      kind: "tool",
      name: "Bash",
      start: 310,
      attributes: { tool_use_id: "t1", parent_tool_use_id: "task" },
    },
    { kind: "wait", name: "wait", start: 320, end: 400 },
  ]);
});

test("what an agent makes up as content is passed over, and a long turn is cut", () => {
  const odd = event(1, {
    kind: "message",
    message: { type: "user", message: { content: [null, 5, { type: "tool_result" }] } },
  });
  expect(trace([odd]).steps).toHaveLength(1);
  const many = Array.from({ length: 1_200 }, (_, at) => event(at, { kind: "checkpoint" }));
  expect(trace(many)).toMatchObject({ dropped_steps: 201 });
});
