import type { TraceStep, TurnTrace } from "@claude-edge/client";

import { shortTime } from "../terminal/duration.js";
import { oneLine } from "../terminal/printable.js";

/** Columns of the bars, at most and at least. */
const [MAX_BAR, MIN_BAR] = [60, 10];
const MAX_LABEL = 24;

/** A turn's steps as bars over the time that it took, a step a line. `width`: columns of the terminal. `now`: where what runs still ends. */
export function waterfall(trace: TurnTrace, width = 100, now: number = Date.now()): string {
  const { turn_id: id, status, start, end, first_token_at: token, steps } = trace;
  const last = Math.max(end ?? now, start + 1, ...steps.map((step) => step.end ?? step.start));
  const labels = steps.map((step) => oneLine(labelOf(step), MAX_LABEL));
  const labelWidth = Math.max(0, ...labels.map(({ length }) => length));
  const notes = steps.map(noteOf);
  const noteWidth = Math.max(0, ...notes.map(({ length }) => length));
  const left = width - labelWidth - noteWidth - TIME_WIDTH - 6;
  const barWidth = Math.max(MIN_BAR, Math.min(MAX_BAR, left));
  const column = (time: number) => Math.floor(((time - start) / (last - start)) * barWidth);
  const lines = steps.map((step, index) => {
    const from = Math.min(Math.max(0, column(step.start)), barWidth - 1);
    const to = Math.max(from + 1, column(step.end ?? last));
    const bar = `${" ".repeat(from)}${(step.failed ? "░" : "█").repeat(to - from)}`;
    const time = step.end === undefined ? "…" : shortTime(step.end - step.start);
    const cells = [
      labels[index]!.padEnd(labelWidth),
      bar.padEnd(barWidth),
      time.padStart(TIME_WIDTH),
    ];
    return `${[...cells, notes[index]].join("  ").trimEnd()}\n`;
  });
  const took = end === undefined ? "" : ` after ${shortTime(end - start)}`;
  const first = token === undefined ? "" : `, first token after ${shortTime(token - start)}`;
  const dropped = trace.dropped_steps ? `${trace.dropped_steps} more steps are not shown\n` : "";
  return `turn ${id}: ${status}${took}${first}\ntrace ${trace.trace_id}\n\n${lines.join("")}${dropped}`;
}

const TIME_WIDTH = 7;

function labelOf({ kind, name, attributes = {} }: TraceStep): string {
  const indent = "parent_tool_use_id" in attributes ? "  " : "";
  if (kind === "tool") return `${indent}tool ${name}`;
  if (kind === "model") return name === "refused" ? "model" : `model ${name}`;
  if (kind === "request") return `asks: ${name}`;
  return name;
}

/** What matters beside a bar. */
function noteOf({ kind, failed, attributes = {} }: TraceStep): string {
  const said: Partial<Record<TraceStep["kind"], string | undefined>> = {
    container:
      attributes.started === true ? `started, runner ${String(attributes.runner)}` : "was there",
    files: attributes.missing === undefined ? undefined : `${attributes.missing} contents`,
    process: String(attributes.kind ?? ""),
    model: failed
      ? `refused with ${attributes.status}`
      : `${attributes.input_tokens} in, ${attributes.output_tokens} out`,
    checkpoint: attributes.changed === undefined ? undefined : `${attributes.changed} changed`,
  };
  return said[kind] ?? (failed ? "failed" : "");
}
