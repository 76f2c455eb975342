import { MAX_MODEL_CHARS, UNKNOWN_MODEL } from "@claude-edge/protocol/runner";
import { createParser } from "eventsource-parser";

import type { CallUsage } from "./prices.js";

/** The model and usage of a call. */
export interface Metered {
  model: string;
  usage: CallUsage;
}

/**
 * Estimates the tokens of a delta, for an answer that was cut off before its usage: three characters per token, as the
 * Agent SDK estimates, and at least one per delta. The JSON around the text takes 79 characters.
 */
const estimateTokens = (delta: string) => Math.max(Math.ceil((delta.length - 79) / 3), 1);

/** Limit of collecting an unstreamed answer, in characters. The model's limits are far below. */
const MAX_COLLECTED = 32 * 1024 * 1024;

/** Reads the usage of a model call from its answer as it passes through. */
export interface CallMeter {
  read(chunk: Uint8Array): void;
  /** Whether usage can be estimated if the answer is cut off now. */
  canEstimate(): boolean;
  /** The usage, at the end or when the answer was cut off; undefined for none. */
  end(): Metered | undefined;
}

interface StreamEvent {
  message?: { model?: unknown; usage?: CallUsage };
  usage?: CallUsage;
}

/** Meters `text/event-stream`: `message_start` has the input, the last `message_delta` the totals. */
export function streamMeter(): CallMeter {
  const decoder = new TextDecoder();
  let metered: Metered | undefined;
  let estimated = 0;
  let counted = false;
  const parser = createParser({
    onEvent({ event, data }) {
      if (event === "content_block_delta") {
        estimated += estimateTokens(data);
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
    canEstimate: () => metered !== undefined,
    end() {
      if (metered && !counted) {
        metered.usage.output_tokens = Math.max(metered.usage.output_tokens ?? 0, estimated);
      }
      return metered;
    },
  };
}

/** Meters an answer in one piece. */
export function messageMeter(): CallMeter {
  const decoder = new TextDecoder();
  let text = "";
  return {
    read(chunk) {
      if (text.length < MAX_COLLECTED) text += decoder.decode(chunk, { stream: true });
    },
    canEstimate: () => false,
    end() {
      const answer = (parse(text) ?? {}) as { model?: unknown; usage?: CallUsage };
      return answer.usage ? { model: nameOf(answer), usage: answer.usage } : undefined;
    },
  };
}

/** An API behind a gateway may echo any value as the model. The call counts regardless. */
const nameOf = ({ model }: { model?: unknown }) =>
  typeof model === "string" && model !== "" && model.length <= MAX_MODEL_CHARS
    ? model
    : UNKNOWN_MODEL;

function parse(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Passes a body through a meter. `onEnd` is called once, however the body ends. After the reader has left, the body is
 * read on until the meter can tell the usage.
 * @param signal Aborted when the reader has left.
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
  /** Reads the next chunk; undefined at the end. Serialized: workerd refuses concurrent reads. */
  const read = () => {
    const next = reading.then(readNext);
    reading = next.catch(() => {});
    return next;
  };
  const leave = async () => {
    if (left) return;
    left = true;
    try {
      while (!meter.canEstimate() && (await read()));
    } catch {
      // The answer broke off: count what was seen.
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
