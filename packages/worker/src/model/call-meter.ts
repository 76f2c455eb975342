import { createParser } from "eventsource-parser";

import type { CallUsage } from "./prices.js";

/** What a model call came to: the model that answered, and what it used. */
export interface Metered {
  model: string;
  usage: CallUsage;
}

/**
 * For what was said in an answer that was cut off, whose count never came: a token for three characters, as the Agent
 * SDK has it, and one a delta at least. 79 characters of a delta are not its text.
 */
const tokensIn = (delta: string) => Math.max(Math.ceil((delta.length - 79) / 3), 1);

/** Answers that are not streamed are collected up to this size, in bytes; the model's own limits are far below. */
const MAX_COLLECTED = 32 * 1024 * 1024;

/** Reads what a model call used off its answer, as it passes by. */
export interface CallMeter {
  read(chunk: Uint8Array): void;
  /** The rest can be reckoned, if nobody reads on. */
  knows(): boolean;
  /** What was seen, at the end or when the answer was cut off; undefined when nothing was used. */
  end(): Metered | undefined;
}

interface StreamEvent {
  message?: { model?: unknown; usage?: CallUsage };
  usage?: CallUsage;
}

/** For `text/event-stream`: `message_start` has the input, the last `message_delta` the sums. */
export function streamMeter(): CallMeter {
  const decoder = new TextDecoder();
  let metered: Metered | undefined;
  let said = 0;
  let counted = false;
  const parser = createParser({
    onEvent({ event, data }) {
      if (event === "content_block_delta") {
        said += tokensIn(data);
        return;
      }
      if (event !== "message_start" && event !== "message_delta") return;
      const { message, usage } = (parse(data) ?? {}) as StreamEvent;
      if (message) metered = { model: nameOf(message), usage: { ...message.usage } };
      if (!usage || !metered) return;
      counted = true;
      const given = Object.entries(usage).filter(([, value]) => value !== null);
      Object.assign(metered.usage, Object.fromEntries(given));
    },
  });
  return {
    read: (chunk) => parser.feed(decoder.decode(chunk, { stream: true })),
    knows: () => metered !== undefined,
    end() {
      if (metered && !counted) {
        metered.usage.output_tokens = Math.max(metered.usage.output_tokens ?? 0, said);
      }
      return metered;
    },
  };
}

/** For an answer in one piece. */
export function messageMeter(): CallMeter {
  const decoder = new TextDecoder();
  let text = "";
  return {
    read(chunk) {
      if (text.length < MAX_COLLECTED) text += decoder.decode(chunk, { stream: true });
    },
    knows: () => false,
    end() {
      const answer = (parse(text) ?? {}) as { model?: unknown; usage?: CallUsage };
      return answer.usage ? { model: nameOf(answer), usage: answer.usage } : undefined;
    },
  };
}

/** A model API that does not check what it is asked for may repeat it: whatever it is, the call counts. */
const nameOf = ({ model }: { model?: unknown }) => (typeof model === "string" ? model : "");

function parse(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A body that a meter looks at as it passes; `onEnd` is called once, however it ends. Whoever leaves it does so for
 * themselves: it is read on here until the meter knows what was used.
 * @param signal Whoever reads it has gone.
 */
export function meteredBody(
  body: ReadableStream<Uint8Array>,
  meter: CallMeter,
  signal: AbortSignal,
  onEnd: (metered: Metered | undefined) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let over = false;
  let left = false;
  const end = () => {
    if (over) return;
    over = true;
    onEnd(meter.end());
  };
  const readNext = async () => {
    const { value } = await reader.read();
    if (value) meter.read(value);
    else end();
    return value;
  };
  let reading: Promise<unknown> = Promise.resolve();
  /** The next piece; undefined at the end. One after the other: workerd refuses a second read beside one. */
  const read = () => {
    const next = reading.then(readNext);
    reading = next.catch(() => {});
    return next;
  };
  const leave = async () => {
    if (left) return;
    left = true;
    try {
      while (!meter.knows() && (await read()));
    } catch {
      // It broke off: what was seen counts.
    }
    end();
    await reader.cancel().catch(() => {});
  };
  signal.addEventListener("abort", () => void leave(), { once: true });
  if (signal.aborted) void leave();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const value = await read();
          if (left) return;
          if (value) controller.enqueue(value);
          else controller.close();
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
}
