import { expect, test } from "vitest";

import { parseLine } from "./runner-line.js";

const of = (frame: object) => parseLine(JSON.stringify({ cursor: 1, turn: "t", ...frame }));
const request = { id: "r", kind: "permission", payload: { tool_use_id: "use" } };
const HUGE = "x".repeat(3_000_000);

test.each([
  [{ kind: "head", boot: "b", cursor: 3 }],
  [{ kind: "ping" }],
  [{ kind: "message", cursor: 1, turn: "", message: { type: "x", any: [HUGE] } }],
  [{ kind: "transcript", cursor: 1, turn: "t", subpath: "a/b", entries: [{ type: "user" }] }],
  [{ kind: "turn", cursor: 1, turn: "t", status: "running" }],
  [{ kind: "checkpoint", cursor: 1, turn: "", reason: "tool", number: 1, full: true, skipped: [] }],
  [{ kind: "request", cursor: 1, turn: "t", request }],
  [{ kind: "request.cancelled", cursor: 1, turn: "t", request: "r" }],
])("a line that a runner writes is taken as it is: %o", (line) => {
  expect(parseLine(JSON.stringify(line))).toEqual(line);
});

test.each([
  "",
  "null",
  "5",
  "[]",
  '{"kind":',
  '{"kind":"turn","turn":"t","status":"running"}',
  '{"kind":"turn","turn":"t","status":"running","cursor":"1"}',
  '{"kind":"turn","turn":"t","status":"running","cursor":1e300}',
])("a line that is no frame says nothing: %s", (text) => {
  expect(parseLine(text)).toBeUndefined();
});

test.each([
  { kind: "news" },
  { kind: "turn", status: "exploded" },
  { kind: "turn", status: "running", turn: HUGE },
  { kind: "turn", status: "running", turn: null },
  { kind: "message", message: null },
  { kind: "transcript", entries: "x" },
  { kind: "transcript", entries: [null] },
  { kind: "transcript", subpath: 5, entries: [] },
  { kind: "checkpoint", reason: HUGE, number: 1 },
  { kind: "checkpoint", reason: "tool", number: -1 },
  { kind: "request", request: null },
  { kind: "request", request: { ...request, id: HUGE } },
  { kind: "request", request: { ...request, id: "" } },
  { kind: "request", request: { ...request, kind: 5 } },
  { kind: "request", request: { ...request, payload: null } },
  { kind: "request", request: { ...request, payload: { tool_use_id: HUGE } } },
  { kind: "request", request: { ...request, payload: { tool_use_id: {} } } },
  { kind: "request.cancelled", request: HUGE },
])("a frame that nothing can be made of says nothing: %#", (frame) => {
  expect(of(frame)).toBeUndefined();
});

test("the figures of a turn are held to what can be counted", () => {
  const usage = { input_tokens: 1e300, cost_usd: -1, models: { m: { output_tokens: Number.NaN } } };
  const none = {
    input_tokens: 0,
    output_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
    cost_usd: 0,
  };
  expect(of({ kind: "turn", status: "completed", usage })).toMatchObject({
    usage: { ...none, input_tokens: 1e12, models: { m: none } },
  });
});
