import { describe, expect, test } from "vitest";

import { sessionOptions } from "./options.js";

const isTaken = (options: unknown) => sessionOptions.safeParse(options).success;
/** What is wrong, by the path and the name of it. */
const problems = (options: unknown) =>
  sessionOptions
    .safeParse(options)
    .error?.issues.map((issue) =>
      issue.code === "unrecognized_keys" ? issue.keys.join() : issue.path.join("."),
    );

describe("options of a session", () => {
  test("that go over the wire are taken as they are", () => {
    const options = {
      model: "claude-sonnet-5-5",
      systemPrompt: { type: "preset", preset: "claude_code", append: "Be brief." },
      permissionMode: "plan",
      tools: { type: "preset", preset: "claude_code" },
      allowedTools: ["Bash"],
      maxTurns: 1,
      maxBudgetUsd: 0.01,
      thinking: { type: "enabled", budgetTokens: 1_024 },
      maxThinkingTokens: 0,
      outputFormat: { type: "json_schema", schema: { type: "object" } },
      agents: { helper: { description: "Helps", prompt: "Help." } },
      mcpServers: { docs: { type: "http", url: "https://docs.example" }, desk: { type: "sdk" } },
      hooks: { PreToolUse: [{ matcher: "Bash", timeout: 5, hooks: 2 }] },
      canUseTool: true,
      skills: "all",
      settings: "settings.json",
      settingSources: [],
    };
    expect(sessionOptions.parse(options)).toEqual(options);
    expect(sessionOptions.parse({})).toEqual({});
  });

  test("that there are not, or that stay with the caller, are refused by name", () => {
    expect(problems({ modle: "x" })).toEqual(["modle"]);
    expect(problems({ executable: "node", stderr: true, extraArgs: {} })).toEqual([
      "executable,extraArgs",
    ]);
    expect(problems({ outputFormat: { type: "json_schema", schema: {}, strict: true } })).toEqual([
      "strict",
    ]);
  });

  test.each([
    ["model", ""],
    ["permissionMode", "sometimes"],
    ["maxTurns", 0],
    ["maxTurns", 1.5],
    ["maxBudgetUsd", 0],
    ["maxThinkingTokens", -1],
    ["taskBudget", { total: 0 }],
    ["allowedTools", [""]],
    ["allowedTools", "Bash"],
    ["thinking", { type: "enabled", budgetTokens: 0 }],
    ["thinking", { type: "sometimes" }],
    ["effort", "most"],
    ["systemPrompt", { type: "preset", preset: "another" }],
    ["mcpServers", { docs: "https://docs.example" }],
    ["hooks", { Stop: [{ hooks: 0 }] }],
    ["hooks", { Stop: [{ hooks: 101 }] }],
    ["hooks", { Stop: [{ hooks: 1, timeout: 0 }] }],
    ["settingSources", ["everywhere"]],
    // A callback is a placeholder, never a value.
    ["canUseTool", false],
    ["onElicitation", "yes"],
    ["onUserDialog", 1],
    ["debug", null],
  ])("%s: %j is refused", (name, value) => {
    expect(problems({ [name]: value })![0]).toMatch(new RegExp(`^${name}(\\.|$)`));
  });

  test("are an object", () => {
    for (const value of [null, [], "x", 1]) expect(isTaken(value)).toBe(false);
  });
});

describe("a session's env", () => {
  test.each(["PATH", "home", "ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR", "no_proxy", "A-B", "1A"])(
    "may not name %s",
    (name) => expect(isTaken({ env: { [name]: "x" } })).toBe(false),
  );

  test("has at most 200 variables of 32 KiB", () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, ""]));
    expect([isTaken({ env: many(200) }), isTaken({ env: many(201) })]).toEqual([true, false]);
    expect(isTaken({ env: { A: "x".repeat(32 * 1024) } })).toBe(true);
    expect(isTaken({ env: { A: "x".repeat(32 * 1024 + 1) } })).toBe(false);
  });

  test("says which variable it may not have", () => {
    const { error } = sessionOptions.safeParse({ env: { A: "x", HOME: "/" } });
    expect(error!.issues[0]!.message).toBe("has HOME, which the deployment sets");
  });
});
