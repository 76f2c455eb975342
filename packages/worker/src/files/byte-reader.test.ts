import { afterEach, describe, expect, test, vi } from "vitest";

import { inChunks } from "../../test/support/test-blobs.js";
import { ByteReader, mergeChunks, streamOf } from "./byte-reader.js";

const withCode = (code: string) => expect.objectContaining({ code });
const readerOf = (...chunks: string[]) => new ByteReader(streamOf(inChunks(...chunks)));

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

afterEach(() => void vi.useRealTimers());

describe("a reader of bytes", () => {
  test("takes as many as are wanted, wherever the chunks are split", async () => {
    const whole = "onetwothree";
    for (let split = 0; split <= whole.length; split += 1) {
      const reader = readerOf(whole.slice(0, split), whole.slice(split));
      expect(await textOf(reader.take(3))).toBe("one");
      expect(await textOf(reader.take(0))).toBe("");
      expect(await textOf(reader.take(3))).toBe("two");
      expect(await textOf(reader.take(5))).toBe("three");
      expect((await reader.next())?.length ?? 0).toBe(0);
    }
  });

  test("says so when there are fewer, when the source breaks, and when it stands still", async () => {
    await expect(textOf(readerOf("on").take(3))).rejects.toThrow(withCode("upload_cut"));
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("gone")),
    });
    await expect(new ByteReader(broken).next()).rejects.toThrow(withCode("upload_cut"));
    vi.useFakeTimers();
    const still = new ByteReader(new ReadableStream()).next();
    const told = expect.objectContaining({
      code: "upload_cut",
      message: expect.stringContaining("30 s"),
    });
    await Promise.all([expect(still).rejects.toThrow(told), vi.advanceTimersByTimeAsync(30_000)]);
  });

  test("gives lines, wherever the chunks are split, and bytes between them", async () => {
    const whole = 'é1\n\n{"size":4}\nbyteslast\n';
    const bytes = new TextEncoder().encode(whole);
    for (let split = 0; split <= bytes.length; split += 1) {
      const chunks = inChunks(bytes.subarray(0, split), bytes.subarray(split));
      const reader = new ByteReader(streamOf(chunks));
      expect(await reader.line()).toBe("é1");
      expect(await reader.line()).toBe("");
      expect(await reader.line()).toBe('{"size":4}');
      expect(await textOf(reader.take(5))).toBe("bytes");
      expect(await reader.line()).toBe("last");
      expect(await reader.line()).toBeUndefined();
      expect(await reader.line()).toBeUndefined();
    }
  });

  test("gives a line byte by byte, and says so when the last one is cut", async () => {
    expect(await readerOf(..."one\ntwo\n").line()).toBe("one");
    const reader = readerOf("one\n", "tw", "o");
    expect(await reader.line()).toBe("one");
    await expect(reader.line()).rejects.toThrow(withCode("upload_cut"));
  });

  test("gives the rest up to a size, and no more", async () => {
    expect(await textOf(readerOf("one", "two").rest(6))).toBe("onetwo");
    await expect(textOf(readerOf("one", "two").rest(5))).rejects.toThrow(
      withCode("file_too_large"),
    );
  });
});

test("others have their turn while much is read, however fast it comes", async () => {
  const chunks = Array.from({ length: 32 }, () => "x".repeat(64 * 1024));
  let turns = 0;
  const count = () => {
    turns += 1;
    timer = setTimeout(count, 0);
  };
  let timer = setTimeout(count, 0);
  expect(await textOf(readerOf(...chunks).rest(Infinity))).toBe(chunks.join(""));
  clearTimeout(timer);
  expect(turns).toBeGreaterThanOrEqual(3);
});

test("chunks are joined to pieces that are worth a trip, and no byte is lost", async () => {
  const chunks = Array.from({ length: 1_000 }, (_, at) => String(at).padEnd(1_024, "."));
  const pieces = [];
  for await (const piece of mergeChunks(inChunks(...chunks))) pieces.push(piece);
  expect(pieces.map(({ length }) => length)).toEqual([262_144, 262_144, 262_144, 237_568]);
  expect(Buffer.concat(pieces).toString()).toBe(chunks.join(""));
});

test("a stream that nobody reads any more says so to its source", async () => {
  const left: string[] = [];
  async function* source() {
    try {
      yield* inChunks("one", "two");
    } finally {
      left.push("source");
    }
  }
  const reader = streamOf(source(), () => left.push("reader")).getReader();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe("one");
  await reader.cancel();
  expect(left).toEqual(["reader", "source"]);
});
