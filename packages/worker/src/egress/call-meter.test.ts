import { describe, expect, test } from "vitest";

import {
  messageMeter,
  meteredBody,
  streamMeter,
  type CallMeter,
  type Metered,
} from "./call-meter.js";

const encode = (text: string) => new TextEncoder().encode(text);

const event = (data: { type: string; [key: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const MODEL = "claude-opus-5-5";
const startOf = (message: object) => event({ type: "message_start", message });
const start = startOf({ model: MODEL, usage: { input_tokens: 40, output_tokens: 1 } });
const delta = (text = "Hi") =>
  event({ type: "content_block_delta", delta: { type: "text_delta", text } });
const endOf = (usage: object) => event({ type: "message_delta", usage });
const end = endOf({ output_tokens: 2 });
const stop = event({ type: "message_stop" });

/** What a meter makes of an answer that comes in pieces of so many bytes. */
function metered(meter: CallMeter, answer: string, size = Infinity): Metered | undefined {
  const bytes = encode(answer);
  for (let at = 0; at < bytes.length; at += size) meter.read(bytes.subarray(at, at + size));
  return meter.end();
}

const stream = (...events: string[]) => metered(streamMeter(), events.join(""));

describe("a stream", () => {
  test.each([1, 2, 3, 7, 64, Infinity])("in pieces of %d bytes", (size) => {
    const whole = `: comment é\r\n\r\n${[start, delta("€🙂"), end, stop].join("")}`;
    const expected = { model: MODEL, usage: { input_tokens: 40, output_tokens: 2 } };
    expect(metered(streamMeter(), whole, size)).toEqual(expected);
    expect(metered(streamMeter(), whole.replaceAll("\n", "\r\n"), size)).toEqual(expected);
  });

  test("the last sums count, and what they leave out or know nothing of stays", () => {
    const first = { input_tokens: 40, cache_read_input_tokens: 7, output_tokens: 1 };
    const later = { output_tokens: 9, cache_read_input_tokens: null };
    const found = stream(
      startOf({ model: MODEL, usage: first }),
      endOf({ output_tokens: 5 }),
      endOf(later),
    );
    expect(found?.usage).toEqual({ ...first, output_tokens: 9 });
  });

  test("cut off before its sums: what was said is reckoned, a token a delta at least", () => {
    const said = (...texts: string[]) => stream(start, ...texts.map(delta))?.usage.output_tokens;
    expect(said()).toBe(1);
    expect(said("a", "b", "c")).toBe(3);
    expect(said("x".repeat(300))).toBeGreaterThanOrEqual(95);
    expect(said("x".repeat(300))).toBeLessThanOrEqual(105);
    // With its sums it goes by them.
    expect(stream(start, delta("x".repeat(300)), end)?.usage.output_tokens).toBe(2);
  });

  test("without a beginning nothing was used", () => {
    expect(stream()).toBeUndefined();
    expect(stream(delta(), end, stop)).toBeUndefined();
    expect(stream(event({ type: "error", error: { type: "overloaded_error" } }))).toBeUndefined();
    expect(
      stream("event: message_start\ndata: {\n\n", "event: message_start\ndata: 5\n\n"),
    ).toBeUndefined();
  });

  test("that breaks off in mid-event counts up to there", () => {
    expect(stream(start, end.slice(0, -5))).toEqual({
      model: MODEL,
      usage: { input_tokens: 40, output_tokens: 1 },
    });
  });
});

describe("a whole answer", () => {
  const whole = (answer: string, size?: number) => metered(messageMeter(), answer, size);

  test.each([1, 5, Infinity])("in pieces of %d bytes", (size) => {
    const usage = { input_tokens: 40, output_tokens: 2 };
    const answer = JSON.stringify({ model: MODEL, content: "€🙂", usage }, undefined, 1);
    expect(whole(`\n${answer}\n`, size)).toEqual({ model: MODEL, usage });
  });

  test("that is none, or says nothing of usage", () => {
    for (const answer of ["", "{}", "null", "5", "<html>", '{"usage":'])
      expect(whole(answer)).toBeUndefined();
  });
});

test.each([
  ["none", null, "unknown"],
  ["that is no name", { name: "x" }, "unknown"],
  ["of an empty name", "", "unknown"],
  ["whose name no table can hold", "x".repeat(3_000_000), "unknown"],
  ["of a name that objects have", "__proto__", "__proto__"],
])("a model %s", (_what, model, name) => {
  const usage = { input_tokens: 10, output_tokens: 5 };
  const answer = JSON.stringify({ model, usage });
  expect(metered(messageMeter(), answer)).toEqual({ model: name, usage });
  expect(stream(startOf({ model, usage }), endOf({ output_tokens: null }))).toEqual({
    model: name,
    usage,
  });
});

describe("a body that is metered as it passes", () => {
  /** An answer whose pieces come when they are put into it. */
  function answering(meter: CallMeter) {
    let source!: ReadableStreamDefaultController<Uint8Array>;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (source = controller),
      cancel: () => void (cancelled = true),
    });
    const gone = new AbortController();
    const ends: (Metered | undefined)[] = [];
    const over = Promise.withResolvers<Metered | undefined>();
    const passed = meteredBody(body, meter, gone.signal, (seen) => {
      ends.push(seen);
      over.resolve(seen);
    });
    return {
      passed,
      gone,
      ends,
      over: over.promise,
      put: (text: string) => source.enqueue(encode(text)),
      close: () => source.close(),
      fail: () => source.error(new Error("cut")),
      isCancelled: () => cancelled,
    };
  }
  const ticks = () => new Promise((resolve) => setTimeout(resolve));

  test("comes out as it came, and is told once at its end", async () => {
    const answer = answering(streamMeter());
    for (const piece of [start, delta(), end, stop]) answer.put(piece);
    answer.close();
    expect(await new Response(answer.passed).text()).toBe(start + delta() + end + stop);
    expect(answer.ends).toEqual([{ model: MODEL, usage: { input_tokens: 40, output_tokens: 2 } }]);
    answer.gone.abort();
    await ticks();
    expect(answer.ends).toHaveLength(1);
  });

  test("is read only as fast as it is taken", async () => {
    const seen: number[] = [];
    const answer = answering({ ...messageMeter(), read: (chunk) => void seen.push(chunk.length) });
    answer.put("a");
    answer.put("b");
    await ticks();
    expect(seen).toEqual([]);
    await answer.passed.getReader().read();
    expect(seen).toEqual([1]);
  });

  test("that breaks off fails, and counts what was seen", async () => {
    const answer = answering(streamMeter());
    const reader = answer.passed.getReader();
    answer.put(start);
    await reader.read();
    answer.fail();
    await expect(reader.read()).rejects.toThrow("cut");
    expect(answer.ends).toMatchObject([{ usage: { input_tokens: 40 } }]);
  });

  const message = JSON.stringify({ model: MODEL, usage: { input_tokens: 40, output_tokens: 2 } });

  describe.each(["cancels", "is gone"] as const)("whose reader %s", (how) => {
    const leave = ({ passed, gone }: ReturnType<typeof answering>) =>
      how === "cancels" ? void passed.cancel() : gone.abort();

    test("is read on until a stream says what was used, and no further", async () => {
      const answer = answering(streamMeter());
      leave(answer);
      answer.put("\n");
      await ticks();
      expect(answer.ends).toEqual([]);
      answer.put(start);
      expect((await answer.over)?.usage.input_tokens).toBe(40);
      await ticks();
      expect(answer.isCancelled()).toBe(true);
      expect(answer.ends).toHaveLength(1);
    });

    test("is left at once when that is known", async () => {
      const answer = answering(streamMeter());
      answer.put(start + delta());
      const reader = answer.passed.getReader();
      await reader.read();
      reader.releaseLock();
      leave(answer);
      expect((await answer.over)?.usage).toEqual({ input_tokens: 40, output_tokens: 1 });
    });

    test("is read to its end when it comes in one piece", async () => {
      const answer = answering(messageMeter());
      leave(answer);
      answer.put("\n");
      answer.put(message);
      await ticks();
      expect(answer.ends).toEqual([]);
      answer.close();
      expect((await answer.over)?.usage).toEqual({ input_tokens: 40, output_tokens: 2 });
    });

    test("counts what was seen if it breaks off then", async () => {
      const answer = answering(messageMeter());
      leave(answer);
      answer.fail();
      expect(await answer.over).toBeUndefined();
    });
  });

  test("whose reader had gone before it came", async () => {
    const gone = AbortSignal.abort();
    const over = Promise.withResolvers<Metered | undefined>();
    const body = new Response(start + delta() + end).body!;
    meteredBody(body, streamMeter(), gone, over.resolve);
    expect((await over.promise)?.usage.input_tokens).toBe(40);
  });
});
