import { expect, test } from "vitest";

import { readArguments } from "./args.js";

test("arguments of claude are a session's options", () => {
  const given = [
    ["--model", "claude-haiku-4-5", "--max-turns=5", "--max-budget-usd", "1.5"],
    ["--allowedTools", "Read,Bash(git log:*, -n)", "Edit", "--disallowed-tools", "WebFetch"],
    ["--system-prompt", "- be brief", "--append-system-prompt", "Rhyme.\n"],
    ["--permission-mode", "plan", "--fallback-model", "claude-sonnet-5-5"],
  ].flat();
  expect(readArguments(given)).toEqual({
    model: "claude-haiku-4-5",
    maxTurns: 5,
    allowedTools: ["Read", "Bash(git log:*, -n)", "Edit"],
    disallowedTools: ["WebFetch"],
    systemPrompt: "- be brief",
    appendSystemPrompt: "Rhyme.\n",
    permissionMode: "plan",
    fallbackModel: "claude-sonnet-5-5",
    maxBudgetUsd: 1.5,
  });
  expect(readArguments([])).toEqual({});
});

test.each([
  [["--dangerously-skip-permissions"], "--dangerously-skip-permissions: is not one of"],
  [["--mcp-config", "/etc/passwd"], "--mcp-config: is not one of"],
  [["--add-dir=/"], "--add-dir: is not one of"],
  [["--model", "x", "--settings", "{}"], "--settings: is not one of"],
  [["-p"], "-p: is not one of"],
  [["stray"], "stray: is not one of"],
  [["--constructor"], "--constructor: is not one of"],
  [["__proto__", "x"], "__proto__: is not one of"],
  [[""], ": is not one of"],
  [["--model"], "--model: has no value"],
  [["--model", ""], "--model: "],
  [["--allowedTools"], "--allowedTools: has no value"],
  [["--max-turns", "many"], "--max-turns: "],
  [["--max-turns", "0"], "--max-turns: "],
  [["--max-turns", "2", "3"], "3: is not one of"],
  [["--permission-mode", "root"], "--permission-mode: "],
  [["--effort", "enormous"], "--effort: "],
])("%j is refused", (given, message) => {
  expect(() => readArguments(given)).toThrow(`additionalArgs: ${message}`);
});
