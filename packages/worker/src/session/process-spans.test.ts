import { expect, test } from "vitest";

import { spansIn } from "../egress/traces-relay.js";
import { adopt } from "./process-spans.js";
import { spanId } from "./span-id.js";

const [FIRST, SECOND] = [
  "0af76519-16cd-43dd-8448-eb211c80319c",
  "1bf76519-16cd-43dd-8448-eb211c80319c",
] as const;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const turns = [
  { id: SECOND, traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, started_at: 1_796_000_002_000 },
  { id: FIRST, traceparent: null, started_at: 1_796_000_000_000 },
];
const span = (more: object = {}) => ({
  traceId: "a".repeat(32),
  spanId: "b".repeat(16),
  parentSpanId: "c".repeat(16),
  name: "claude_code.tool",
  kind: 1,
  startTimeUnixNano: "1796000002500000000",
  endTimeUnixNano: "1796000002600000000",
  attributes: [{ key: "tool_name", value: { stringValue: "Bash" } }],
  ...more,
});
const adopted = (more?: object) => adopt(span(more), turns, "ada");

test("a span comes into the trace of the turn that ran when it began", () => {
  expect(adopted()).toMatchObject({
    turn: SECOND,
    span: { traceId: TRACE, spanId: "b".repeat(16), parentSpanId: "c".repeat(16) },
  });
  expect(adopted({ startTimeUnixNano: "1796000001999000000" })).toMatchObject({
    turn: FIRST,
    span: { traceId: FIRST.replaceAll("-", "") },
  });
  expect(adopted({ startTimeUnixNano: "1795999999000000000" })).toBeUndefined();
});

test("what begins a turn in a process is a child of the turn, whatever the process takes for its parent", () => {
  for (const more of [
    { name: "claude_code.interaction" },
    { parentSpanId: undefined },
    { parentSpanId: "" },
  ]) {
    expect(adopted(more)!.span.parentSpanId).toBe(spanId(SECOND));
  }
});

test("an account cannot be forged, and what is too large or unknown is left out", () => {
  const attributes = [
    { key: "claude_edge.account", value: { stringValue: "bob" } },
    { key: "flag", value: { boolValue: true } },
    { key: "count", value: { intValue: "7" } },
    { key: "list", value: { arrayValue: { values: [] } } },
    { key: "large", value: { stringValue: "x".repeat(20_000) } },
    null,
  ];
  const { span: of } = adopted({ attributes, events: [{}], links: [{}], name: "n".repeat(900) })!;
  expect(of.attributes).toEqual([
    { key: "flag", value: { boolValue: true } },
    { key: "count", value: { intValue: "7" } },
    { key: "claude_edge.account", value: { stringValue: "ada" } },
    { key: "claude_edge.turn.id", value: { stringValue: SECOND } },
  ]);
  expect(of.name).toHaveLength(200);
  expect(Object.keys(of)).not.toContain("events");
});

test.each([
  ["no span", null],
  ["a text", "span"],
  ["no name", span({ name: 1 })],
  ["an id that is none", span({ spanId: "0".repeat(16) })],
  ["a time that is none", span({ startTimeUnixNano: "soon" })],
])("%s is passed over", (_name, given) => {
  expect(adopt(given, turns, "ada")).toBeUndefined();
});

test("what the caller does not record is not passed on", () => {
  const unsampled = { ...turns[0]!, traceparent: `00-${TRACE}-00f067aa0ba902b7-00` };
  expect(adopt(span(), [unsampled], "ada")).toBeUndefined();
});

test.each([
  "",
  "nonsense",
  "null",
  "[]",
  '{"resourceSpans":7}',
  '{"resourceSpans":[null,{"scopeSpans":[1]}]}',
])("an export that cannot be read holds no spans: %s", (text) => {
  expect(spansIn(text)).toEqual([]);
});
