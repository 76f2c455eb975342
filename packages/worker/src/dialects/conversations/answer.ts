import {
  deltaText,
  isTerminal,
  type EdgeEvent,
  type Prompt,
  type SdkMessage,
} from "@claude-edge/protocol";

import { toLoggedError } from "../../errors.js";
import { sseFrame } from "../../http/frames.js";
import { completedBy, type CompletedTurn } from "../turn.js";

export const answerOf = ({ session_id, result, usage }: CompletedTurn): object => ({
  conversation_id: session_id,
  response: result.text,
  duration_ms: result.duration_ms,
  num_turns: result.num_turns,
  total_cost_usd: usage?.cost_usd ?? null,
});

/** A turn's events as this API streams them. */
export async function* framesOf(
  events: AsyncIterable<EdgeEvent>,
  requestId: string,
): AsyncGenerator<string> {
  /** The streamed text of the current block. */
  let streamed = "";
  try {
    for await (const event of events) {
      // A block that was cut off starts again from its beginning.
      if (startsBlock(event)) streamed = "";
      const piece = deltaText(event);
      if (piece !== "") {
        streamed += piece;
        yield sseFrame({ type: "text", content: piece });
      }
      for (const { type, text = "", id, name, input } of blocksOf(event)) {
        if (type === "tool_use") yield sseFrame({ type, id, name, input });
        if (type !== "text") continue;
        // Deltas may be missing: after a turn's end only complete messages are left.
        const rest = text.startsWith(streamed) ? text.slice(streamed.length) : text;
        if (rest !== "") yield sseFrame({ type: "text", content: rest });
        streamed = "";
      }
      const end = completedBy(event);
      if (!end) continue;
      yield sseFrame({ type: "result", ...answerOf(end) });
      yield sseFrame({ type: "done" });
    }
  } catch (thrown) {
    const { message, ...rest } = toLoggedError(thrown, requestId);
    yield sseFrame({ type: "error", message, ...rest, request_id: requestId });
  }
}

interface Block {
  type: string;
  text?: string;
  id?: string;
  name?: string;
  input?: unknown;
}

/** The blocks of a complete model message, without subagents and API errors. */
function blocksOf(event: EdgeEvent): Block[] {
  if (event.kind !== "message" || event.message.type !== "assistant") return [];
  const { message, parent_tool_use_id, error } = event.message as SdkMessage & {
    message?: { content?: unknown };
  };
  if (parent_tool_use_id || error || !Array.isArray(message?.content)) return [];
  return message.content as Block[];
}

function startsBlock(event: EdgeEvent): boolean {
  if (event.kind !== "delta" || event.message.parent_tool_use_id) return false;
  return (event.message.event as { type?: unknown } | undefined)?.type === "content_block_start";
}

/** A failed turn has no content, and an error instead. */
export function messageOf(event: EdgeEvent): object | undefined {
  if (event.kind !== "turn") return undefined;
  const { turn_id, status, prompt, result, error } = event;
  if (status === "queued" && prompt !== undefined) {
    return { turn_id, role: "user", content: textOf(prompt) };
  }
  if (!isTerminal(event)) return undefined;
  const failed = error && { error: { code: error.code, message: error.message } };
  return { turn_id, role: "assistant", status, content: result?.text ?? null, ...failed };
}

const textOf = (prompt: Prompt): string =>
  typeof prompt === "string"
    ? prompt
    : prompt.map(({ text }) => (typeof text === "string" ? text : "")).join("\n");
