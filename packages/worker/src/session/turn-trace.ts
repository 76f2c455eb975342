import type { EdgeEvent, TraceStep, TurnTrace } from "@claude-edge/protocol";

import { blocksIn } from "./blocks.js";
import type { TurnRow } from "./row-types.js";
import { traceContext } from "./span-id.js";

/** Steps of a trace: 1 000 lines fill a screen many times over, and 200 kB. */
const MAX_STEPS = 1_000;

/** What a trace is made of. */
interface Source {
  session: string;
  turn: TurnRow;
  /** W3C traceparent of the request that the turn came with. */
  traceparent: string | undefined;
  /** The steps that were measured, and the first piece of the answer. */
  timing: { steps: readonly TraceStep[]; dropped: number; firstToken?: number };
  /** The turn's events, in order. */
  events: Iterable<EdgeEvent>;
  network: TurnTrace["network"];
}

/** The trace of a turn: what was measured, and what its events say of tools, requests and checkpoints. */
export function traceOf(source: Source): TurnTrace {
  const { session, turn, traceparent, timing, events, network } = source;
  const { id, status, created_at: start, started_at: begun, ended_at: end } = turn;
  const { traceId, parent } = traceContext(id, traceparent);
  const queued: TraceStep[] =
    begun === null ? [] : [{ kind: "queue", name: "queue", start, end: begun }];
  const all = [...queued, ...timing.steps, ...stepsOf(events)].toSorted(
    (a, b) => a.start - b.start,
  );
  const dropped = timing.dropped + Math.max(0, all.length - MAX_STEPS);
  return {
    session_id: session,
    turn_id: id,
    trace_id: traceId,
    ...(parent === undefined ? {} : { parent_span_id: parent }),
    status,
    start,
    ...(end === null ? {} : { end }),
    ...(timing.firstToken === undefined ? {} : { first_token_at: timing.firstToken }),
    steps: all.slice(0, MAX_STEPS),
    network,
    ...(dropped > 0 ? { dropped_steps: dropped } : {}),
  };
}

/** The steps that events tell of. */
function stepsOf(events: Iterable<EdgeEvent>): TraceStep[] {
  const steps: TraceStep[] = [];
  /** Steps that have begun, by the id of their tool use or request, or as what they are. */
  const open = new Map<string, TraceStep>();
  const begin = (key: string, step: TraceStep) => {
    open.set(key, step);
    steps.push(step);
  };
  const end = (key: string, at: number, failed: boolean) => {
    const step = open.get(key);
    open.delete(key);
    if (step) Object.assign(step, { end: at, ...(failed ? { failed } : {}) });
  };
  for (const event of events) {
    const { at } = event;
    if (event.kind === "message") {
      const { message, parent_tool_use_id: parent } = event.message;
      for (const block of blocksIn(message)) {
        if (block.type === "tool_use" && typeof block.id === "string") {
          const within = typeof parent === "string" ? { parent_tool_use_id: parent } : {};
          const attributes = { tool_use_id: block.id, ...within };
          begin(block.id, { kind: "tool", name: String(block.name), start: at, attributes });
        } else if (block.type === "tool_result") {
          end(String(block.tool_use_id), at, block.is_error === true);
        }
      }
    } else if (event.kind === "request") {
      const { id, kind, payload } = event.request;
      const { tool_use_id: use } = payload as { tool_use_id?: unknown };
      const attributes = {
        request_id: id,
        ...(typeof use === "string" ? { tool_use_id: use } : {}),
      };
      begin(id, { kind: "request", name: kind, start: at, attributes });
    } else if (event.kind === "request.resolved") {
      end(event.request.id, at, event.request.status !== "answered");
    } else if (event.kind === "checkpoint") {
      steps.push(checkpointStep(event));
    } else if (event.kind === "turn") {
      if (event.status === "waiting") begin("wait", { kind: "wait", name: "wait", start: at });
      else end("wait", at, false);
    }
  }
  return steps;
}

function checkpointStep({ at, checkpoint }: Extract<EdgeEvent, { kind: "checkpoint" }>): TraceStep {
  const step = { kind: "checkpoint", name: "checkpoint", start: at, end: at } as const;
  if (!checkpoint) return { ...step, failed: true };
  const { changed, bytes } = checkpoint;
  return { ...step, attributes: { changed, bytes } };
}
