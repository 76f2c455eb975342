import { describe, expect, test } from "vitest";

import { checkpointHooks, restoreHooks } from "./hooks.js";

const matches = (matcher: string | undefined, tool: string) => new RegExp(matcher!).test(tool);

describe("the hooks of the workspace", () => {
  const files = {
    isComplete: () => true,
    whenComplete: async () => {},
  };
  const [before] = restoreHooks(files).PreToolUse!;
  const { PostToolUse, PostToolUseFailure } = checkpointHooks(async () => {});

  test.each(["Bash", "Write", "mcp__client__StructuredOutput", "StructuredOutputs"])(
    "are called around %s",
    (tool) => {
      expect(matches(before!.matcher, tool)).toBe(true);
      expect(matches(PostToolUse![0]!.matcher, tool)).toBe(true);
      expect(matches(PostToolUseFailure![0]!.matcher, tool)).toBe(true);
    },
  );

  test("Read waits for the files and changes none", () => {
    expect(matches(before!.matcher, "Read")).toBe(true);
    expect(matches(PostToolUse![0]!.matcher, "Read")).toBe(false);
  });

  test("a structured output has nothing to do with files", () => {
    expect(matches(before!.matcher, "StructuredOutput")).toBe(false);
    expect(matches(PostToolUse![0]!.matcher, "StructuredOutput")).toBe(false);
  });
});
