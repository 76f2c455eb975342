import { expect, test } from "vitest";

import { promptOf } from "./prompt.js";

test.each([
  ["", [{ type: "text", text: "" }]],
  [" \n\t", [{ type: "text", text: " \n\t" }]],
  [[], [{ type: "text", text: "" }]],
])("a prompt that says nothing is a block, as the Agent SDK sends it: %j", (content, prompt) => {
  expect(promptOf(content)).toEqual(prompt);
});

test.each([[" x "], [[{ type: "text", text: " " }]], [[{ type: "image" }]]])(
  "any other is as it is: %j",
  (content) => {
    expect(promptOf(content)).toBe(content);
  },
);
