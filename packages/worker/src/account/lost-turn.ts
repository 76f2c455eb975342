import type { SdkMessage } from "@claude-edge/protocol";

/** A tool call of a turn that was cut off. */
export interface ToolReport {
  id: string;
  name: string;
  /** `finished`: its result is known. `unknown`: it had been called; whether it ran, or how far, is not known. */
  outcome: "finished" | "unknown";
}

interface Block {
  type?: string;
  id?: string;
  name?: string;
  tool_use_id?: string;
}

/** What became of a turn's tools, read off its messages. */
export function reportTools(messages: Iterable<SdkMessage>): ToolReport[] {
  const tools = new Map<string, ToolReport>();
  for (const { message } of messages) {
    const { content } = (message ?? {}) as { content?: unknown };
    if (!Array.isArray(content)) continue;
    for (const { type, id, name, tool_use_id } of content as Block[]) {
      if (type === "tool_use" && id) tools.set(id, { id, name: name ?? "", outcome: "unknown" });
      const finished = type === "tool_result" && tools.get(tool_use_id ?? "");
      if (finished) finished.outcome = "finished";
    }
  }
  return [...tools.values()];
}

/** The same in a sentence, for people. */
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
