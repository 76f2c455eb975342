import { describe, expect, test, vi } from "vitest";

import { ByteReplacer, replaceInStream } from "./byte-replacer.js";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** What comes out when a text comes in pieces of so many bytes. */
function replaced(text: string, pairs: Record<string, string>, size = Infinity): string {
  const replacer = replacerOf(pairs);
  const bytes = encode(text);
  let out = "";
  for (let at = 0; at < bytes.length; at += size) {
    out += decode(replacer.push(bytes.subarray(at, at + size)));
  }
  return out + decode(replacer.end());
}

const replacerOf = (pairs: Record<string, string>) =>
  new ByteReplacer(
    Object.entries(pairs).map(([from, to]) => ({ from: encode(from), to: encode(to) })),
  );

const PAIRS = { "#": "hash", ce_secret_a: "first", ce_secret_ab: "second", aab: "third", ab: "" };

test.each([
  ["", ""],
  ["#a##", "hashahashhash"],
  ["nothing", "nothing"],
  ["ce_secret_a", "first"],
  ["ce_secret_ab", "second"],
  ["ce_secret_a ce_secret_ab.", "first second."],
  ["ce_secret_ce_secret_a", "ce_secret_first"],
  ["ce_secret_", "ce_secret_"],
  ["aaab", "athird"],
  ["aaaaaaaaaab", "aaaaaaaathird"],
  ["cccce_secret_abc", "cccsecondc"],
  ["abab", ""],
  ["é ce_secret_a é", "é first é"],
])("%j becomes %j, wherever it is cut", (text, expected) => {
  // Characters of two bytes must not be cut when each piece is decoded by itself.
  const sizes = /^[ -~]*$/.test(text) ? [1, 2, 3, 5, 7, 11, Infinity] : [Infinity];
  expect(sizes.map((size) => replaced(text, PAIRS, size))).toEqual(sizes.map(() => expected));
});

test("each way to cut a text in two gives the same", () => {
  const text = "x ce_secret_ab y ce_secret_a z";
  for (let at = 0; at <= text.length; at += 1) {
    const replacer = replacerOf(PAIRS);
    const pieces = [
      replacer.push(encode(text.slice(0, at))),
      replacer.push(encode(text.slice(at))),
    ];
    expect([...pieces, replacer.end()].map(decode).join("")).toBe("x second y first z");
  }
});

test("only what may be the beginning of a match is held back", () => {
  const replacer = replacerOf({ needle: "x" });
  expect(decode(replacer.push(encode("data: one\n\n")))).toBe("data: one\n\n");
  expect(decode(replacer.push(encode("data: nee")))).toBe("data: ");
  expect(decode(replacer.push(encode("ds")))).toBe("needs");
  expect(decode(replacer.push(encode("need")))).toBe("");
  expect(decode(replacer.end())).toBe("need");
});

test("bytes that are no text pass as they are", () => {
  const bytes = Uint8Array.from({ length: 1024 }, (_, index) => (index * 7) % 256);
  const replacer = replacerOf({ ab: "x" });
  const out = [...bytes].flatMap((byte) => [...replacer.push(Uint8Array.of(byte))]);
  expect([...out, ...replacer.end()]).toEqual([...bytes]);
});

describe("a stream", () => {
  test("is read as it is taken, replaced, and cancelled with its reader", async () => {
    let pulled = 0;
    let isCancelled = false;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(encode("one needle "));
        },
        cancel: () => void (isCancelled = true),
      },
      { highWaterMark: 0 },
    );
    const reader = replaceInStream(source, replacerOf({ needle: "x" })).getReader();
    expect(decode((await reader.read()).value!)).toBe("one x ");
    expect(pulled).toBeLessThan(5);
    await reader.cancel();
    await vi.waitFor(() => expect(isCancelled).toBe(true));
  });

  test("that breaks off fails", async () => {
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("cut")),
    });
    const reader = replaceInStream(source, replacerOf({ a: "b" })).getReader();
    await expect(reader.read()).rejects.toThrow("cut");
  });
});
