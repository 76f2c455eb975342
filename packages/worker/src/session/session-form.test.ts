import { MAX_OPTIONS_CHARS } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { assertOptionsFit, titleOf } from "./session-form.js";

describe("a session without a title is called by its first prompt", () => {
  test.each([
    ["Hello there", "Hello there"],
    ["\n  First line  \nSecond line", "First line  "],
    ["a".repeat(80), "a".repeat(80)],
    ["a".repeat(81), `${"a".repeat(79)}…`],
    // Cut between characters, not between the halves of one.
    [`${"a".repeat(78)}🙂🙂`, `${"a".repeat(78)}…`],
    ["", ""],
  ])("%j: %j", (prompt, title) => {
    expect(titleOf(prompt)).toBe(title);
  });

  test("of blocks, by what is text in them", () => {
    const image = { type: "image", source: { type: "url", url: "https://example.com" } };
    expect(titleOf([image, { type: "text", text: "What is this?" }] as never)).toBe(
      "What is this?",
    );
  });
});

test("options must fit one row", () => {
  const chars = MAX_OPTIONS_CHARS - JSON.stringify({ model: "" }).length;
  assertOptionsFit({ model: "x".repeat(chars) });
  expect(() => assertOptionsFit({ model: "x".repeat(chars + 1) })).toThrow(/are the most/);
});
