import type { TraceStep, TurnResource, TurnTrace } from "@claude-edge/protocol";
import { expect, test } from "vitest";

import { spansOf, type Span } from "./otlp-spans.js";

const turn = {
  id: "0af76519-16cd-43dd-8448-eb211c80319c",
  session_id: "s",
  status: "completed",
  usage: {
    input_tokens: 1,
    output_tokens: 2,
    cache_read_input_tokens: 10,
    cache_creation_input_tokens: 100,
    cost_usd: 0.5,
  },
} as TurnResource;

const spans = (steps: TraceStep[], more: Partial<TurnTrace> = {}, of: Partial<TurnResource> = {}) =>
  spansOf({
    account: "ada",
    turn: { ...turn, ...of },
    trace: {
      session_id: "s",
      turn_id: turn.id,
      trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
      status: "completed",
      start: 1_000,
      end: 2_000,
      steps,
      network: [],
      ...more,
    },
  });

const values = ({ attributes }: Span) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

test("a turn is an invoke_agent, its model calls and tools are what the conventions call them", () => {
  const [agent, admission, chat, tool, inner, asked, refused] = spans(
    [
      { kind: "admission", name: "admission", start: 990, end: 1_001 },
      {
        kind: "model",
        name: "claude-opus-5-5",
        start: 1_100,
        end: 1_300,
        attributes: {
          input_tokens: 5,
          output_tokens: 7,
          cache_read_input_tokens: 11,
          cache_creation_input_tokens: 13,
          cost_usd: 0.25,
        },
      },
      { kind: "tool", name: "Task", start: 1_300, end: 1_800, attributes: { tool_use_id: "t1" } },
      {
        kind: "tool",
        name: "Bash",
        start: 1_400,
        failed: true,
        attributes: { tool_use_id: "t2", parent_tool_use_id: "t1" },
      },
      {
        kind: "request",
        name: "permission",
        start: 1_400,
        end: 1_450,
        attributes: { request_id: "r", tool_use_id: "t2" },
      },
      {
        kind: "model",
        name: "refused",
        start: 1_900,
        end: 1_910,
        failed: true,
        attributes: { status: 529 },
      },
    ],
    { parent_span_id: "00f067aa0ba902b7", first_token_at: 1_250 },
  ) as [Span, Span, Span, Span, Span, Span, Span];
  expect(agent).toMatchObject({
    name: "invoke_agent",
    parentSpanId: "00f067aa0ba902b7",
    // The Worker had it before its session.
    startTimeUnixNano: "990000000",
    endTimeUnixNano: "2000000000",
  });
  expect(values(agent)).toMatchObject({
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.conversation.id": "s",
    "gen_ai.usage.input_tokens": "111",
    "gen_ai.usage.output_tokens": "2",
    "claude_edge.account": "ada",
    "claude_edge.turn.status": "completed",
    "claude_edge.turn.time_to_first_token_ms": "250",
    "claude_edge.cost_usd": 0.5,
  });
  expect(admission).toMatchObject({ name: "admission", parentSpanId: agent.spanId });
  expect(chat).toMatchObject({ name: "chat claude-opus-5-5", kind: 3, parentSpanId: agent.spanId });
  expect(values(chat)).toMatchObject({
    "gen_ai.request.model": "claude-opus-5-5",
    "gen_ai.usage.input_tokens": "29",
    "gen_ai.usage.cache_read.input_tokens": "11",
  });
  expect(tool).toMatchObject({ name: "execute_tool Task", parentSpanId: agent.spanId });
  expect(values(tool)).toMatchObject({ "gen_ai.tool.name": "Task", "gen_ai.tool.call.id": "t1" });
  // It was cut off: its end is the turn's.
  expect(inner).toMatchObject({
    name: "execute_tool Bash",
    parentSpanId: tool.spanId,
    endTimeUnixNano: "2000000000",
    status: { code: 2 },
  });
  expect(values(inner)).toMatchObject({ "claude_edge.cut_off": true, "error.type": "tool_error" });
  expect(asked).toMatchObject({ name: "request permission", parentSpanId: inner.spanId });
  expect(values(refused)).toMatchObject({
    "error.type": "529",
    "http.response.status_code": "529",
  });
  expect(
    new Set([agent, admission, chat, tool, inner, asked, refused].map((of) => of.spanId)).size,
  ).toBe(7);
});

test("a failed turn has the code of its error, an interrupted one none of OpenTelemetry's errors", () => {
  const error = { code: "container_lost", message: "Lost.", retryable: true } as const;
  const [failed] = spans([], {}, { status: "failed", error }) as [Span];
  expect(failed.status).toEqual({ code: 2 });
  expect(values(failed)["error.type"]).toBe("container_lost");
  const [stopped] = spans([], {}, { status: "interrupted" }) as [Span];
  expect(stopped).not.toHaveProperty("status");
  expect(stopped).not.toHaveProperty("parentSpanId");
});
