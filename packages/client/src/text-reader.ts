import { deltaText, type EdgeEvent, type SdkMessage } from "@claude-edge/protocol/wire";

const SEPARATOR = "\n\n";

/**
 * Turns a turn's events into the text to show. Deltas come first, the whole block after them; a block whose deltas
 * were lost, or that came without any (the model was asked again, not streaming), is made good from the whole.
 */
export class TextReader {
  /** What was shown of the block that is being written. */
  #shown = "";
  #any = false;

  /** The text that an event adds; empty for most. */
  read(event: EdgeEvent): string {
    if (event.kind === "delta") {
      if (startsBlock(event.message)) this.#shown = "";
      return this.#show(deltaText(event));
    }
    if (event.kind !== "message" || event.message.type !== "assistant") return "";
    // With `error` it is the harness that speaks, of a call that failed: that becomes the turn's error.
    if (event.message.parent_tool_use_id || event.message.error) return "";
    const whole = textOf(event.message);
    if (whole === "") return "";
    const rest = whole.startsWith(this.#shown) ? whole.slice(this.#shown.length) : whole;
    if (rest === whole) this.#shown = "";
    const text = this.#show(rest);
    this.#shown = "";
    return text;
  }

  #show(text: string): string {
    if (text === "") return "";
    const separator = this.#shown === "" && this.#any ? SEPARATOR : "";
    this.#shown += text;
    this.#any = true;
    return separator + text;
  }
}

function startsBlock(message: SdkMessage): boolean {
  if (message.parent_tool_use_id) return false;
  return (message.event as { type?: unknown } | undefined)?.type === "content_block_start";
}

function textOf(message: SdkMessage): string {
  const { content } = (message.message ?? {}) as { content?: unknown };
  if (!Array.isArray(content)) return "";
  return content
    .map((block: { type?: unknown; text?: unknown }) =>
      block.type === "text" && typeof block.text === "string" ? block.text : "",
    )
    .join("");
}
