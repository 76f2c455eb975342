import { pieces, TOOL_TOKENS, type Limited } from "./limited.js";
import type { Action } from "./script.js";

/** An event of the Messages API's stream, and how long to wait before it, in milliseconds. */
export interface TimedEvent {
  after: number;
  event: { type: string; [key: string]: unknown };
}

export interface MessageHead {
  id: string;
  model: string;
  inputTokens: number;
}

/** Splits JSON into a few fragments, none of which is valid by itself: readers must join them. */
const fragments = (json: string) => json.match(/[\s\S]{1,24}/g) ?? [];

/** The content blocks an answer comes to, as the non-streaming API gives them. */
function contentOf(actions: Action[], id: string) {
  return actions.flatMap((action, index): { type: string; [key: string]: unknown }[] => {
    if (action.do === "say") return [{ type: "text", text: action.text }];
    if (action.do === "think") {
      return [{ type: "thinking", thinking: action.text, signature: signature(action.text) }];
    }
    if (action.do === "tool") {
      return [
        { type: "tool_use", id: `toolu_${id}_${index}`, name: action.name, input: action.input },
      ];
    }
    return [];
  });
}

const signature = (text: string) => Buffer.from(`scripted:${text.length}`).toString("base64");

/** Words and tool calls, counted as tokens. */
function outputTokens(actions: Action[]): number {
  let tokens = 0;
  for (const action of actions) {
    if (action.do === "say" || action.do === "think") tokens += pieces(action.text).length;
    if (action.do === "tool") tokens += TOOL_TOKENS;
  }
  return Math.max(tokens, 1);
}

/** The whole non-streaming answer. */
export function wholeMessage(head: MessageHead, { actions, stop }: Limited) {
  const cache = actions.find((action) => action.do === "cache");
  return {
    id: `msg_${head.id}`,
    type: "message",
    role: "assistant",
    model: head.model,
    content: contentOf(actions, head.id),
    stop_reason: stop.reason,
    stop_sequence: stop.sequence,
    usage: {
      input_tokens: head.inputTokens,
      output_tokens: outputTokens(actions),
      cache_read_input_tokens: cache?.read ?? 0,
      cache_creation_input_tokens: cache?.created ?? 0,
      ...(cache && cache.anHour > 0
        ? {
            cache_creation: {
              ephemeral_5m_input_tokens: cache.created - cache.anHour,
              ephemeral_1h_input_tokens: cache.anHour,
            },
          }
        : {}),
    },
  };
}

/** The answer as stream events; `pace` is the pause before each word, in milliseconds. */
export function* messageEvents(
  head: MessageHead,
  answer: Limited,
  pace: number,
): Generator<TimedEvent> {
  const { actions } = answer;
  const whole = wholeMessage(head, answer);
  const now = (event: TimedEvent["event"]): TimedEvent => ({ after: 0, event });
  yield now({
    type: "message_start",
    message: {
      ...whole,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...whole.usage, output_tokens: 1 },
    },
  });

  let index = 0;
  let pause = 0;
  const delta = (of: { type: string; [key: string]: unknown }, after: number): TimedEvent => {
    const waited = pause;
    pause = 0;
    return { after: after + waited, event: { type: "content_block_delta", index, delta: of } };
  };
  for (const [place, action] of actions.entries()) {
    if (action.do === "wait") pause += action.ms;
    if (action.do === "wait" || action.do === "refuse" || action.do === "cache") continue;
    if (action.do === "say") {
      yield now({ type: "content_block_start", index, content_block: { type: "text", text: "" } });
      for (const text of pieces(action.text)) yield delta({ type: "text_delta", text }, pace);
    } else if (action.do === "think") {
      const block = { type: "thinking", thinking: "", signature: "" };
      yield now({ type: "content_block_start", index, content_block: block });
      for (const thinking of pieces(action.text)) {
        yield delta({ type: "thinking_delta", thinking }, pace);
      }
      yield delta({ type: "signature_delta", signature: signature(action.text) }, 0);
    } else {
      const block = {
        type: "tool_use",
        id: `toolu_${head.id}_${place}`,
        name: action.name,
        input: {},
      };
      yield now({ type: "content_block_start", index, content_block: block });
      for (const partial_json of fragments(JSON.stringify(action.input))) {
        yield delta({ type: "input_json_delta", partial_json }, 0);
      }
    }
    yield now({ type: "content_block_stop", index });
    index += 1;
  }
  yield {
    after: pause,
    event: {
      type: "message_delta",
      delta: { stop_reason: whole.stop_reason, stop_sequence: whole.stop_sequence },
      usage: { output_tokens: whole.usage.output_tokens },
    },
  };
  yield now({ type: "message_stop" });
}
