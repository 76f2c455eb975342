import { describe, expect, test } from "vitest";

import { cut, PART_CHARS } from "./parts.js";

describe("a text in parts", () => {
  test.each([
    ["", []],
    ["abc", ["abc"]],
    ["abcd", ["abcd"]],
    ["abcde", ["abcd", "e"]],
    ["abcdefgh", ["abcd", "efgh"]],
  ])("%j is cut into %j", (text, parts) => {
    expect(cut(text, 4)).toEqual(parts);
  });

  test("is not cut between the halves of a surrogate pair", () => {
    expect(cut("abc😀def", 4)).toEqual(["abc", "😀de", "f"]);
    expect(cut("😀😀😀", 3)).toEqual(["😀", "😀", "😀"]);
    // At the end there is nothing to cut.
    expect(cut("ab😀", 4)).toEqual(["ab😀"]);
  });

  test("comes together again, whatever is in it, in parts that fit a row", () => {
    const text = "aé世😀".repeat(300_001);
    const parts = cut(text);
    expect(parts.join("") === text).toBe(true);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(PART_CHARS);
      expect(new TextEncoder().encode(part).length).toBeLessThan(2_000_000);
      expect(part.isWellFormed()).toBe(true);
    }
  });
});
