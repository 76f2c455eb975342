import { expect, test } from "vitest";

import { readLines } from "./lines.js";

/** The batches that chunks of bytes come to. */
async function batches(chunks: Uint8Array[]): Promise<string[][]> {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const read: string[][] = [];
  for await (const lines of readLines(stream.getReader())) read.push(lines);
  return read;
}

const TEXT = 'one\n{"ü":"日本"}\n\nlast\n';
const bytes = (text: string) => new TextEncoder().encode(text);

test("lines that come whole in a chunk are one batch", async () => {
  expect(await batches([bytes(TEXT)])).toEqual([["one", '{"ü":"日本"}', "", "last"]]);
});

test("the bytes may be split anywhere, in a character too", async () => {
  const whole = bytes(TEXT);
  for (let at = 0; at <= whole.length; at += 1) {
    const read = await batches([whole.subarray(0, at), whole.subarray(at)]);
    expect(read.flat()).toEqual(TEXT.split("\n").slice(0, -1));
  }
  const single = await batches([...whole].map((byte) => Uint8Array.of(byte)));
  expect(single.flat()).toEqual(TEXT.split("\n").slice(0, -1));
});

test("a line that has not ended when the bytes end is none", async () => {
  expect(await batches([bytes("one\ntw")])).toEqual([["one"]]);
  expect(await batches([bytes("")])).toEqual([]);
});
