import { expect, test } from "vitest";

import { isRepeatable } from "./repeatable-tools.js";

test("tools that only read may run again; others, and those of MCP servers, only if the agent says so", () => {
  expect(
    ["Read", "Grep", "Glob", "WebFetch", "WebSearch", "TodoWrite"].every((tool) =>
      isRepeatable(tool),
    ),
  ).toBe(true);
  expect(
    ["Bash", "Write", "Edit", "mcp__docs__search", ""].some((tool) => isRepeatable(tool)),
  ).toBe(false);
  const more = ["mcp__docs__*", "Look"];
  expect(["mcp__docs__search", "Look"].every((tool) => isRepeatable(tool, more))).toBe(true);
  expect(
    ["mcp__docs", "mcp__other__docs__x", "Looks", "Bash"].some((tool) => isRepeatable(tool, more)),
  ).toBe(false);
});
