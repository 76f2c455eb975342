import type { EdgeEvent, TurnOutcome } from "@claude-edge/client";
import { toWireError } from "@claude-edge/protocol/errors";

import { printable } from "../terminal/printable.js";

/** The last line of json and stream-json: `subtype` and `is_error` always agree. */
export function resultLine(outcome: TurnOutcome): object {
  const { text, output, sessionId, turnId, model, usage, durationMs, stopReason } = outcome;
  return {
    type: "result",
    subtype: "success",
    is_error: false,
    result: text,
    ...(output === undefined ? {} : { structured_output: output }),
    session_id: sessionId,
    turn_id: turnId,
    model,
    stop_reason: stopReason,
    duration_ms: durationMs,
    total_cost_usd: usage?.cost_usd,
    usage,
  };
}

/** The same for whatever went wrong, before the turn or in it. */
export function failureLine(thrown: unknown): object {
  const { code, message, retryable, suggestion } = toWireError(thrown);
  const { sessionId, turnId } = thrown as { sessionId?: string; turnId?: string };
  return {
    type: "result",
    subtype: "error",
    is_error: true,
    error: { code, message, retryable, suggestion },
    session_id: sessionId,
    turn_id: turnId,
  };
}

/** A line of stream-json: the Agent SDK's message as it is, with its `seq`. Its result comes as our own, at the end. */
export function messageLine(event: EdgeEvent, partial: boolean): object | undefined {
  if (event.kind !== "message" && !(event.kind === "delta" && partial)) return undefined;
  if (event.message.type === "result") return undefined;
  return { ...event.message, seq: event.seq };
}

/** For people: that the session's files could not be stored. Empty for every other event. */
export function filesNote(event: EdgeEvent): string {
  if (event.kind !== "checkpoint" || !event.error) return "";
  return `note: the session's files are not stored as they are: ${printable(event.error.message)}\n`;
}

/** What `--verbose` adds. */
export function summary(
  { model, usage, sessionId }: TurnOutcome,
  firstTokenMs: number,
  totalMs: number,
): string {
  const parts = [
    model ?? "unknown model",
    `first token ${Math.round(firstTokenMs)} ms`,
    `total ${Math.round(totalMs)} ms`,
    ...(usage ? [`$${usage.cost_usd.toFixed(4)}`] : []),
    `session ${sessionId}`,
  ];
  return parts.join(" · ");
}
