import { writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { readFlags } from "./flags.js";
import { isPreset, optionsOf, rules } from "./options.js";

const SDK = ["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"];

const read = (...args: string[]) => readFlags([...SDK, ...args], () => {}).flags;
const options = (...args: string[]) => optionsOf(read(...args), {});

describe("Claude Code's command line", () => {
  test("of the Agent SDK without options asks for nothing", () => {
    expect(options()).toEqual({});
  });

  test.each([
    ["--model=sonnet", { model: "sonnet" }],
    ["--model sonnet", { model: "sonnet" }],
    ["--max-turns=3 --max-budget-usd=0.5", { maxTurns: 3, maxBudgetUsd: 0.5 }],
    ["--task-budget 5", { taskBudget: { total: 5 } }],
    [
      "--thinking=adaptive --thinking-display=omitted",
      {
        thinking: { type: "adaptive", display: "omitted" },
      },
    ],
    ["--max-thinking-tokens=2000", { thinking: { type: "enabled", budgetTokens: 2000 } }],
    ["--max-thinking-tokens 0", { thinking: { type: "disabled" } }],
    ["--tools=", { tools: [] }],
    ["--tools=Read,Bash", { tools: ["Read", "Bash"] }],
    ["--tools=default", { tools: { type: "preset", preset: "claude_code" } }],
    ["--allowedTools=Read,Skill(x)", { allowedTools: ["Read", "Skill(x)"] }],
    ["--allowed-tools Read Edit", { allowedTools: ["Read", "Edit"] }],
    ["--setting-sources=", { settingSources: [] }],
    ["--setting-sources=user,project", { settingSources: ["user", "project"] }],
    ["--permission-prompt-tool=stdio", {}],
    ["--permission-prompt-tool=mcp__a__b", { permissionPromptToolName: "mcp__a__b" }],
    [
      "--resume=1 --fork-session --resume-session-at=m",
      {
        resume: "1",
        forkSession: true,
        resumeSessionAt: "m",
      },
    ],
    ["--continue", { continue: true }],
    ["--add-dir=a --add-dir=b", { additionalDirectories: ["a", "b"] }],
    [
      "--plugin-dir=p --plugin-dir-no-mcp=q",
      {
        plugins: [
          { type: "local", path: "p" },
          { type: "local", path: "q", skipMcpDiscovery: true },
        ],
      },
    ],
    ["--no-session-persistence", { persistSession: false }],
    [
      "--dangerously-skip-permissions",
      {
        permissionMode: "bypassPermissions",
        allowDangerouslySkipPermissions: true,
      },
    ],
    ["--await-initialize --initialize-fields=settings --debug-to-stderr", {}],
  ])("in both forms: %s", (line, expected) => {
    expect(options(...line.split(" "))).toEqual(expected);
  });

  test("may have empty values in words of their own", () => {
    expect(options("--replay-user-messages", "", "--system-prompt", "")).toEqual({
      extraArgs: { "replay-user-messages": null },
    });
    expect(isPreset(read("--system-prompt", ""))).toBe(false);
    expect(isPreset(read())).toBe(true);
  });

  test("may have values that begin with a dash", () => {
    expect(options("--system-prompt", "-be brief", "--model=-x")).toEqual({
      systemPrompt: "-be brief",
      model: "-x",
    });
  });

  test("has JSON in itself or in files", () => {
    const file = join(mkdtempSync(join(tmpdir(), "stdio-")), "mcp.json");
    writeFileSync(file, '{"mcpServers":{"b":{"command":"y"}}}');
    const inline = '{"mcpServers":{"a":{"type":"sdk","name":"a"}}}';
    expect(
      options("--mcp-config", inline, file, "--settings", '{"sandbox":{"enabled":true}}'),
    ).toEqual({
      mcpServers: { a: { type: "sdk", name: "a" }, b: { command: "y" } },
      settings: { sandbox: { enabled: true } },
    });
    expect(() => options("--settings", "/nowhere.json")).toThrow("cannot be read (ENOENT)");
    expect(() => options("--json-schema", "no")).toThrow("--json-schema: it is not JSON");
  });

  test("is refused by the flag's name when it is unknown, and on one line", () => {
    const written: string[] = [];
    const wrong = () => readFlags(["--modle", "x"], (text) => void written.push(text));
    expect(wrong).toThrow("unknown option '--modle'");
    expect(written).toEqual(["error: unknown option '--modle'\n"]);
    expect(() => options("--session-mirror")).toThrow("the deployment is the store");
    expect(() => read("--max-turns=many")).toThrow("must be a number");
    expect(() => options("--resume")).toThrow("--resume needs a session's id");
  });

  test("says by its environment whether states and previews are wanted", () => {
    expect(optionsOf(read(), { CLAUDE_CODE_SDK_READS_SESSION_STATE: "1" })).toMatchObject({
      env: { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: expect.any(String) },
    });
    expect(optionsOf(read(), { CLAUDE_CODE_QUESTION_PREVIEW_FORMAT: "html" })).toEqual({
      toolConfig: { askUserQuestion: { previewFormat: "html" } },
    });
  });
});

test("rules may hold commas and blanks in brackets", () => {
  expect(rules(["Bash(git log:*, x) Edit,Read", ""])).toEqual([
    "Bash(git log:*, x)",
    "Edit",
    "Read",
  ]);
});
