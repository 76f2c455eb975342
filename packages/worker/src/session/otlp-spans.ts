import type { TraceStep, TurnResource, TurnTrace } from "@claude-edge/protocol";

import { attributesOf, nanos, RESOURCE, SCOPE, type Attribute } from "./otlp.js";
import { spanId } from "./span-id.js";

const KIND = { internal: 1, client: 3 } as const;
const STATUS_ERROR = 2;

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status?: { code: number; message?: string };
}

/** A turn that has ended, to be told of. */
export interface EndedTurn {
  account: string;
  trace: TurnTrace;
  turn: TurnResource;
}

/** What `POST /v1/traces` of a collector takes. */
export const tracesRequest = (turns: readonly EndedTurn[]): object => ({
  resourceSpans: [
    { resource: RESOURCE, scopeSpans: [{ scope: SCOPE, spans: turns.flatMap(spansOf) }] },
  ],
});

/** The spans of a turn: its own, after GenAI's semantic conventions `invoke_agent`, and one a step. No content. */
export function spansOf({ account, trace, turn }: EndedTurn): Span[] {
  const { turn_id: id, session_id, trace_id: traceId, parent_span_id: parent, steps } = trace;
  const { first_token_at: token } = trace;
  // The Worker has it before the session does.
  const start = Math.min(trace.start, ...steps.map((step) => step.start));
  const end = Math.max(trace.end ?? start, ...steps.map((step) => step.end ?? step.start));
  const { usage, error, status } = turn;
  const own = spanId(id);
  const root: Span = {
    traceId,
    spanId: own,
    ...(parent === undefined ? {} : { parentSpanId: parent }),
    name: "invoke_agent",
    kind: KIND.internal,
    startTimeUnixNano: nanos(start),
    endTimeUnixNano: nanos(end),
    attributes: attributesOf({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.conversation.id": session_id,
      "gen_ai.usage.input_tokens":
        usage &&
        usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
      "gen_ai.usage.output_tokens": usage?.output_tokens,
      "gen_ai.usage.cache_read.input_tokens": usage?.cache_read_input_tokens,
      "gen_ai.usage.cache_creation.input_tokens": usage?.cache_creation_input_tokens,
      "claude_edge.account": account,
      "claude_edge.turn.id": id,
      "claude_edge.turn.status": status,
      "claude_edge.turn.time_to_first_token_ms": token && token - trace.start,
      "claude_edge.cost_usd": usage?.cost_usd,
      "claude_edge.dropped_steps": trace.dropped_steps,
      "error.type": error?.code,
    }),
    ...(status === "failed" ? { status: { code: STATUS_ERROR } } : {}),
  };
  /** The spans of tools, by the id of their use: what happens within one is its child. */
  const tools = new Map<unknown, string>();
  const spanOf = (step: TraceStep, index: number): Span => {
    const id16 = spanId(id, String(index));
    const { tool_use_id: use, parent_tool_use_id: within } = step.attributes ?? {};
    if (step.kind === "tool") tools.set(use, id16);
    const outer = tools.get(step.kind === "request" ? use : within);
    return {
      traceId,
      spanId: id16,
      parentSpanId: outer ?? own,
      ...namesOf(step),
      startTimeUnixNano: nanos(step.start),
      endTimeUnixNano: nanos(step.end ?? end),
      ...(step.failed ? { status: { code: STATUS_ERROR } } : {}),
    };
  };
  return [root, ...steps.map(spanOf)];
}

/** What a step is called, after GenAI's semantic conventions where they have it. */
function namesOf(step: TraceStep): Pick<Span, "name" | "kind" | "attributes"> {
  const { kind, name, attributes: given = {}, failed, end } = step;
  const cut = end === undefined ? { "claude_edge.cut_off": true } : {};
  if (kind === "model") {
    const { input_tokens, output_tokens, cost_usd, answered_ms, status } = given;
    const { cache_read_input_tokens: read, cache_creation_input_tokens: written } = given;
    const sum = (...counts: unknown[]) =>
      counts.reduce((all: number, count) => all + Number(count ?? 0), 0);
    return {
      name: failed ? "chat" : `chat ${name}`,
      kind: KIND.client,
      attributes: attributesOf({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": failed ? undefined : name,
        "gen_ai.usage.input_tokens": failed ? undefined : sum(input_tokens, read, written),
        "gen_ai.usage.output_tokens": output_tokens,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_creation.input_tokens": written,
        "claude_edge.cost_usd": cost_usd,
        "claude_edge.answered_ms": answered_ms,
        "http.response.status_code": status,
        "error.type": failed ? String(status) : undefined,
        ...cut,
      }),
    };
  }
  if (kind === "tool") {
    return {
      name: `execute_tool ${name}`,
      kind: KIND.internal,
      attributes: attributesOf({
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": given.tool_use_id,
        "gen_ai.tool.type": "function",
        "error.type": failed ? "tool_error" : undefined,
        ...cut,
      }),
    };
  }
  const own = Object.entries(given).map(([key, value]) => [`claude_edge.${key}`, value] as const);
  return {
    name: kind === name ? kind : `${kind} ${name}`,
    kind: KIND.internal,
    attributes: attributesOf({ "claude_edge.step": kind, ...Object.fromEntries(own), ...cut }),
  };
}
