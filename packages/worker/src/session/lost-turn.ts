import type { SdkMessage } from "@claude-edge/protocol";
import type { TranscriptEntry } from "@claude-edge/protocol/runner";

import { blocksIn } from "./blocks.js";

/** A tool call of an interrupted turn. */
export interface ToolReport {
  id: string;
  name: string;
  /** `finished`: its result is known. `unknown`: it was called, but may not have run, or not to its end. */
  outcome: "finished" | "unknown";
}

/** Reports the outcome of a turn's tool calls, from its messages. */
export function reportTools(messages: Iterable<SdkMessage>): ToolReport[] {
  const tools = new Map<string, ToolReport>();
  for (const { message } of messages) {
    for (const { type, id, name, tool_use_id } of blocksIn(message)) {
      if (type === "tool_use" && id) tools.set(id, { id, name: name ?? "", outcome: "unknown" });
      const finished = type === "tool_result" && tools.get(tool_use_id ?? "");
      if (finished) finished.outcome = "finished";
    }
  }
  return [...tools.values()];
}

type Entry = TranscriptEntry["entry"];

/**
 * Whether a turn can be begun again from its transcript with no tool run a second time that may have had an effect: each
 * such call has its result in the transcript. One of a subagent counts as the call that started the subagent, which would
 * start over. `isRepeatable`: tools that do no harm when they run again.
 */
export function canBeginAgain(
  messages: Iterable<SdkMessage>,
  transcript: Iterable<Entry>,
  isRepeatable: (tool: string) => boolean,
): boolean {
  const pending = new Set<string>();
  const parents = new Map<string, string>();
  for (const { message, parent_tool_use_id: parent } of messages) {
    for (const { type, id, name = "" } of blocksIn(message)) {
      if (type !== "tool_use" || !id) continue;
      if (typeof parent === "string") parents.set(id, rootOf(parent, parents));
      if (!isRepeatable(name)) pending.add(rootOf(id, parents));
    }
  }
  if (pending.size === 0) return true;
  for (const { message, isSidechain } of transcript) {
    if (isSidechain) continue;
    for (const { type, tool_use_id } of blocksIn(message)) {
      if (type === "tool_result") pending.delete(tool_use_id ?? "");
    }
  }
  return pending.size === 0;
}

/**
 * Whether the transcript holds a turn's whole answer, although its end was not told. Claude Code has nothing to resume
 * then: the process would wait for a prompt for ever.
 */
export function isAnswered(turn: string, transcript: Iterable<Entry>): boolean {
  let hasBegun = false;
  let last: Entry | undefined;
  for (const entry of transcript) {
    if (entry.uuid === turn) hasBegun = true;
    const isSaid = entry.type === "assistant" || entry.type === "user";
    if (hasBegun && isSaid && !entry.isSidechain) last = entry;
  }
  const { stop_reason: reason } = (last?.message ?? {}) as { stop_reason?: unknown };
  return last?.type === "assistant" && typeof reason === "string" && reason !== "tool_use";
}

const rootOf = (call: string, parents: Map<string, string>): string => parents.get(call) ?? call;

/** The report as a sentence. */
export function describeTools(tools: ToolReport[]): string {
  if (tools.length === 0) return "No tool had been called.";
  const names = (outcome: ToolReport["outcome"]) =>
    tools.filter((tool) => tool.outcome === outcome).map((tool) => tool.name);
  const [finished, unknown] = [names("finished"), names("unknown")];
  return [
    ...(finished.length > 0 ? [`Finished: ${finished.join(", ")}.`] : []),
    ...(unknown.length > 0 ? [`Outcome unknown: ${unknown.join(", ")}.`] : []),
  ].join(" ");
}
