import { AbortError } from "../errors.js";
import type { SDKUserMessage } from "./sdk.js";

type Content = string | readonly object[];

/**
 * A user message's content as a turn takes it. Claude Code answers a prompt that says nothing: the Agent SDK sends a
 * string as a block of text, and only of those may one be blank here.
 */
export function promptOf(content: Content): Content {
  const isBlank = typeof content === "string" ? content.trim() === "" : content.length === 0;
  if (!isBlank) return content;
  return [{ type: "text", text: typeof content === "string" ? content : "" }];
}

/** A string prompt as the one message that it is. `asBlock`: as the block of text that the Agent SDK makes of it. */
export async function* asMessages(text: string, asBlock: boolean): AsyncGenerator<SDKUserMessage> {
  const content: SDKUserMessage["message"]["content"] = asBlock ? [{ type: "text", text }] : text;
  yield { type: "user", message: { role: "user", content }, parent_tool_use_id: null };
}

/** A user message as a turn is begun with it, but for its id. `isAlone`: there is no turn for it to steer. */
export function messageBody(
  { type: _type, message, uuid: _id, priority = "next", ...fields }: SDKUserMessage,
  isAlone: boolean,
): object {
  const isPlain = Object.values(fields).every((value) => value === null || value === undefined);
  return {
    prompt: promptOf(message.content),
    ...(isAlone ? {} : { priority }),
    ...(isPlain ? {} : { fields }),
  };
}

/** The Agent SDK's words, for programs that go by them. */
export const ABORTED = "Claude Code process aborted by user";

/** A stream's messages. One that throws aborts the query, as in the Agent SDK. */
export async function* abortingWith(
  stream: AsyncIterable<SDKUserMessage>,
): AsyncGenerator<SDKUserMessage> {
  try {
    yield* stream;
  } catch (cause) {
    throw new AbortError(cause, ABORTED);
  }
}
