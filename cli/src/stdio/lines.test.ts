import { Readable } from "node:stream";

import { expect, test } from "vitest";

import { linesOf } from "./lines.js";

async function read(chunks: string[], maxBytes?: number): Promise<string[]> {
  const lines: string[] = [];
  const input = Readable.from(chunks.map((chunk) => Buffer.from(chunk, "latin1")));
  for await (const line of linesOf(input, maxBytes)) lines.push(line);
  return lines;
}

test("lines come whole, wherever chunks end", async () => {
  expect(await read(["a", "b\nc\n\nd", "\r\n", "e"])).toEqual(["ab", "c", "d", "e"]);
});

test("a character may be split over chunks", async () => {
  const bytes = Buffer.from("ä\n").toString("latin1");
  expect(await read([...bytes])).toEqual(["ä"]);
});

test("a line over the bound ends the reading, before its end has come", async () => {
  expect(await read(["12345\n"], 5)).toEqual(["12345"]);
  await expect(read(["123", "456"], 5)).rejects.toThrow("longer than 5 bytes");
  await expect(read(["ok\n123456\n"], 5)).rejects.toThrow("longer than 5 bytes");
});
