import { BODY_TIMEOUT_MS, MAX_BODY_BYTES } from "@claude-edge/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { readText } from "./read-text.js";

const encode = (text: string) => new TextEncoder().encode(text);

/** A request whose body comes in these pieces; the rest of it never comes if there is `more`. */
function sent(pieces: Uint8Array[], headers: Record<string, string> = {}, more = false): Request {
  const left = [...pieces];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = left.shift();
        if (piece) controller.enqueue(piece);
        else if (!more) controller.close();
        else return new Promise(() => {});
      },
    },
    { highWaterMark: 0 },
  );
  return { headers: new Headers(headers), body } as unknown as Request;
}

const read = (pieces: Uint8Array[], headers?: Record<string, string>) =>
  readText(sent(pieces, headers));

describe("a body is UTF-8", () => {
  test("wherever its pieces are cut", async () => {
    const text = "a é € 🙂 z";
    const bytes = encode(text);
    expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toBe(text);
    expect(await read([bytes])).toBe(text);
    expect(await read([])).toBe("");
    expect(await readText(new Request("https://edge.example"))).toBe("");
  });

  test.each([
    ["a byte that is none", [0xff]],
    ["a beginning without an end", [0xc3]],
    ["half a surrogate pair", [0xed, 0xa0, 0x80]],
    ["a longer form than needed", [0xc0, 0xaf]],
    ["past the last character", [0xf4, 0x90, 0x80, 0x80]],
  ])("not %s", async (_what, bytes) => {
    const pieces = [encode('{"prompt":"'), Uint8Array.from(bytes), encode('"}')];
    await expect(read(pieces)).rejects.toMatchObject({ code: "invalid_json" });
  });

  test("not a character that the body's end cuts off", async () => {
    const pieces = [encode("x"), Uint8Array.of(0xe2, 0x82)];
    await expect(read(pieces)).rejects.toMatchObject({ code: "invalid_json" });
  });
});

describe("a body is bounded", () => {
  const mebibyte = encode("x".repeat(1024 * 1024));
  const fitting = Array.from({ length: MAX_BODY_BYTES / mebibyte.length }, () => mebibyte);

  test("by what it says, before it has come", async () => {
    const headers = { "content-length": String(MAX_BODY_BYTES + 1) };
    await expect(readText(sent([], headers, true))).rejects.toMatchObject({
      code: "body_too_large",
    });
  });

  test("by what comes, whatever it says", async () => {
    expect((await read(fitting)).length).toBe(MAX_BODY_BYTES);
    await expect(read([...fitting, encode("x")], { "content-length": "5" })).rejects.toMatchObject({
      code: "body_too_large",
    });
  });

  describe("in time", () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    test("one that does not end is given up", async () => {
      const reading = readText(sent([encode("x")], {}, true)).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(BODY_TIMEOUT_MS - 1);
      expect(await Promise.race([reading, "reading"])).toBe("reading");
      await vi.advanceTimersByTimeAsync(1);
      expect(await reading).toMatchObject({ code: "body_too_slow" });
    });
  });
});
