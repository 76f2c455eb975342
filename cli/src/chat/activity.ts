import type { EdgeEvent, SdkMessage } from "@claude-edge/client";

import { subjectOf } from "../requests/asked.js";
import { textOf } from "../sessions/history.js";
import { oneLine } from "../terminal/printable.js";

const MAX_CHARS = 80;

interface Call {
  name: string;
  depth: number;
}

/** One thing about a tool, for a line of its own. */
export interface ToolLine {
  state: "began" | "done" | "failed";
  text: string;
}

interface Content {
  type?: unknown;
  id?: unknown;
  name?: unknown;
  input?: unknown;
  tool_use_id?: unknown;
  is_error?: unknown;
  content?: unknown;
}

/** What the agent's tools do, and those of its subagents, out of a turn's events. */
export class Activity {
  readonly #calls = new Map<string, Call>();

  read(event: EdgeEvent): ToolLine[] {
    if (event.kind !== "message") return [];
    const { message } = event;
    const { parent_tool_use_id: parent } = message;
    const above = typeof parent === "string" ? this.#calls.get(parent) : undefined;
    const depth = above ? above.depth + 1 : parent ? 1 : 0;
    return contentOf(message).flatMap((block) => {
      if (message.type === "assistant" && block.type === "tool_use")
        return this.#begin(block, depth);
      return message.type === "user" && block.type === "tool_result" ? this.#end(block) : [];
    });
  }

  #begin({ id, name, input }: Content, depth: number): ToolLine[] {
    const call = { name: oneLine(String(name)), depth };
    this.#calls.set(String(id), call);
    const kind = name === "AskUserQuestion" ? "question" : "permission";
    const asked = {
      kind,
      toolName: String(name),
      input: (input ?? {}) as Record<string, unknown>,
    } as const;
    const subject = oneLine(aboutOf(asked.input) ?? subjectOf(asked), MAX_CHARS);
    return [{ state: "began", text: `${indent(depth)}● ${call.name} ${subject}` }];
  }

  #end({ tool_use_id, is_error, content }: Content): ToolLine[] {
    const call = this.#calls.get(String(tool_use_id));
    if (!call) return [];
    const within = `${indent(call.depth)}  `;
    if (is_error !== true) return [{ state: "done", text: `${within}✓ ${call.name}` }];
    const [first = ""] = textOf(content).trim().split("\n");
    return [{ state: "failed", text: `${within}✗ ${call.name}: ${oneLine(first, MAX_CHARS)}` }];
  }
}

const indent = (depth: number) => "  ".repeat(depth);

/** A subagent is known by what it was started for. */
const aboutOf = ({ description, subagent_type }: Record<string, unknown>) =>
  typeof description === "string" && typeof subagent_type === "string" ? description : undefined;

function contentOf({ message }: SdkMessage): Content[] {
  const { content } = (message ?? {}) as { content?: unknown };
  return Array.isArray(content) ? (content as Content[]) : [];
}
