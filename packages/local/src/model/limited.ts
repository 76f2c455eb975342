import type { MessagesRequest } from "./conversation.js";
import type { Action } from "./script.js";

/** An answer within a request's bounds, and why it ended there. */
export interface Limited {
  actions: Action[];
  stop: { reason: string; sequence: string | null };
}

/** What is said, in tokens: each is a word and the space before it. */
export const pieces = (text: string): string[] => text.match(/\s*\S+/g) ?? [];

/** A tool call counts as much, whatever its input. */
export const TOOL_TOKENS = 20;

/** Holds an answer to `max_tokens` and `stop_sequences`. */
export function limited(actions: Action[], request: MessagesRequest): Limited {
  const { max_tokens = Infinity, stop_sequences = [] } = request;
  const kept: Action[] = [];
  let left = max_tokens;
  for (const action of actions) {
    if (action.do === "tool") left -= TOOL_TOKENS;
    if (left < 0) return { actions: kept, stop: { reason: "max_tokens", sequence: null } };
    if (action.do !== "say" && action.do !== "think") {
      kept.push(action);
      continue;
    }
    const words = pieces(action.text);
    const within = words.slice(0, left).join("");
    const found = action.do === "say" ? firstOf(stop_sequences, within) : undefined;
    if (found) {
      kept.push({ do: "say", text: within.slice(0, found.at).trimEnd() });
      return { actions: kept, stop: { reason: "stop_sequence", sequence: found.sequence } };
    }
    if (words.length > left) {
      kept.push({ do: action.do, text: within });
      return { actions: kept, stop: { reason: "max_tokens", sequence: null } };
    }
    left -= words.length;
    kept.push(action);
  }
  const does = (what: Action["do"]) => actions.some((action) => action.do === what);
  const reason = does("refuse") ? "refusal" : does("tool") ? "tool_use" : "end_turn";
  return { actions: kept, stop: { reason, sequence: null } };
}

function firstOf(sequences: string[], text: string): { sequence: string; at: number } | undefined {
  return sequences
    .map((sequence) => ({ sequence, at: text.indexOf(sequence) }))
    .filter(({ at }) => at >= 0)
    .toSorted((left, right) => left.at - right.at)[0];
}
