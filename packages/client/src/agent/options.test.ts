import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { describe, expect, test, vi } from "vitest";

import type { Logger } from "../config.js";
import { noticeOptions } from "./notices.js";
import { statedOptions, toSessionOptions, unknownOptions } from "./options.js";

const given = (options: object): Options => options as Options;

describe("options that the Agent SDK does not have", () => {
  test("are left out and listed", () => {
    const options = given({ model: "m", appendSystemPrompt: "Be kind.", __wrapper: { on: true } });
    expect(toSessionOptions(options)).toEqual({ model: "m" });
    expect(unknownOptions(options)).toEqual(["appendSystemPrompt", "__wrapper"]);
  });

  test("that hold nothing, or are known, are not listed", () => {
    expect(unknownOptions(given({ later: undefined, model: "m", cwd: "/x" }))).toEqual([]);
  });

  test("may hold what could not travel", () => {
    expect(toSessionOptions(given({ __tracer: () => {}, __count: 1n }))).toEqual({});
  });

  test("have the name of no property of an object either", () => {
    const options = given({ constructor: "x", toString: "y" });
    expect(toSessionOptions(options)).toEqual({});
    expect(unknownOptions(options)).toEqual(["constructor", "toString"]);
  });

  test("are warned of once, by name: through the logger", () => {
    const told: unknown[][] = [];
    const logger: Logger = { debug() {}, warn: (...call) => void told.push(call) };
    noticeOptions(given({ oddOne: 1, oddTwo: 2 }), logger);
    noticeOptions(given({ oddTwo: 2, oddOne: 1 }), logger);
    noticeOptions({}, logger);
    expect(told).toEqual([
      [
        "The Agent SDK has no options oddOne, oddTwo: they are ignored.",
        { options: ["oddOne", "oddTwo"] },
      ],
    ]);
    noticeOptions(given({ oddOne: 1, oddThree: 3 }), logger);
    expect(told[1]).toEqual([
      "The Agent SDK has no option oddThree: it is ignored.",
      { options: ["oddThree"] },
    ]);
  });

  test("are warned of on the console without a logger", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    try {
      noticeOptions(given({ oddAlone: true }), undefined);
      expect(warn.mock.calls).toEqual([
        ["claude-edge: The Agent SDK has no option oddAlone: it is ignored."],
      ]);
    } finally {
      warn.mockRestore();
    }
  });
});

describe("a flag and a variable that sessions have options for", () => {
  const flag = { "replay-user-messages": null };
  const variable = { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1" };

  test("become these options", () => {
    expect(toSessionOptions(given({ extraArgs: flag, env: variable }))).toEqual({
      replayUserMessages: true,
      sessionStateEvents: true,
    });
  });

  test.each(["0", "", "false"])("are off where Claude Code takes them for off: %j", (value) => {
    const env = { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: value };
    expect(toSessionOptions(given({ env }))).toEqual({});
  });

  test("do not let others through", () => {
    const args = { extraArgs: { ...flag, bare: null } };
    expect(() => toSessionOptions(given(args))).toThrow(/^extraArgs: /);
  });
});

describe("options that are refused", () => {
  test.each([
    [{ extraArgs: {} }],
    [{ env: {} }],
    [{ executableArgs: [] }],
    [{ env: null }],
    [{ persistSession: true }],
    [{ enableFileCheckpointing: true }],
  ])("are not when they ask for nothing: %o", (options) => {
    expect(toSessionOptions(given(options))).toEqual({});
  });

  test.each([
    [{ extraArgs: { "max-turns": "1" } }, /^extraArgs: raw arguments/],
    [{ env: { FAL_KEY: "fal-0123456789" } }, /^env\.FAL_KEY: looks like a credential.*secrets set/],
    [{ env: { MODE: "sk-ant-api03-x" } }, /^env\.MODE: looks like a credential/],
    [{ persistSession: false, resume: "x" }, /^persistSession: false would delete the session/],
    [{ persistSession: false, continue: true }, /^persistSession: false would delete/],
    [{ sessionStore: { load() {} } }, /^sessionStore: the deployment is the store/],
  ])("are when they ask for something: %o", (options, message) => {
    expect(() => toSessionOptions(given(options))).toThrow(message);
  });
});

describe("options that say nothing", () => {
  test.each([
    [{ model: null, agents: null, hooks: null, mcpServers: null, outputFormat: null, later: null }],
    [{ resume: null, sessionId: null, title: null, maxTurns: undefined, canUseTool: null }],
    [{ model: "", fallbackModel: "", agent: "", effort: "", permissionMode: "" }],
    [{ permissionPromptToolName: "", resumeSessionAt: "", sessionId: "", title: "", maxTurns: 0 }],
  ])("count as not given, as in the Agent SDK: %o", (options) => {
    expect(statedOptions(given(options))).toEqual({});
  });

  test("are not those whose empty value means something", () => {
    const options = given({ systemPrompt: "", tools: [], maxThinkingTokens: 0, debug: false });
    expect(statedOptions(options)).toEqual(options);
  });

  test("are not all that is 0: the Agent SDK refuses a budget of 0", () => {
    expect(statedOptions(given({ maxBudgetUsd: 0 }))).toEqual({ maxBudgetUsd: 0 });
  });

  test.each([null, undefined])("are hooks of an event that are %s", (matchers) => {
    expect(toSessionOptions(given({ hooks: { PreToolUse: matchers } }))).toEqual({
      hooks: { PreToolUse: [] },
    });
  });
});

describe("a cwd", () => {
  test.each([
    ["app", "app"],
    ["./app/src/", "app/src"],
    ["app\\src", "app/src"],
    ["/workspace/6ff168f4-104f-4591-9476-c83ee836d8ac/app", "app"],
    ["/workspace/6ff168f4-104f-4591-9476-c83ee836d8ac", undefined],
    ["/home/me/project", undefined],
    ["C:\\project", undefined],
    ["~/project", undefined],
    ["../other", undefined],
    ["app/../..", undefined],
    [".", undefined],
    ["./", undefined],
    ["", undefined],
  ])("%o is %o of the workspace", (cwd, folder) => {
    expect(toSessionOptions({ cwd }).cwd).toBe(folder);
  });
});

describe("an env", () => {
  test("gives the session what the program adds, and keeps here what it has itself", () => {
    const env = { ...process.env, ANSWER: "42", EMPTY: "", GONE: undefined, PATH: "/opt/bin" };
    expect(toSessionOptions({ env })).toEqual({ env: { ANSWER: "42", EMPTY: "" } });
  });

  test("keeps here what the deployment sets", () => {
    const env = { ANTHROPIC_API_KEY: "sk-ant-api03-x", HOME: "/root", https_proxy: "http://x" };
    expect(toSessionOptions({ env })).toEqual({});
  });

  test("makes a secret of a credential whose hosts are known", () => {
    expect(toSessionOptions({ env: { GITHUB_TOKEN: "ghp_x", LEVEL: "debug" } })).toEqual({
      env: { LEVEL: "debug" },
      secrets: { GITHUB_TOKEN: { value: "ghp_x", hosts: ["github.com", "*.github.com"] } },
    });
  });

  test("takes switches of Claude Code's", () => {
    const env = { CLAUDE_CODE_MAX_OUTPUT_TOKENS: "100", CLAUDE_AGENT_SDK_CLIENT_APP: "app/1" };
    expect(toSessionOptions({ env })).toEqual({ env });
  });
});

describe("what means something else on a deployment", () => {
  const notices = (options: object) => {
    const told: string[] = [];
    noticeOptions(given(options), { debug() {}, warn: (message) => void told.push(message) });
    return told;
  };

  test("is told once, with the reason", () => {
    const options = {
      pathToClaudeCodeExecutable: "/usr/bin/claude",
      executableArgs: [],
      cwd: "/home/me",
      env: { ANTHROPIC_API_KEY: "x", MORE: "1" },
    };
    expect(notices(options)).toEqual([
      "pathToClaudeCodeExecutable is ignored: the container has its own Claude Code, of the version its Agent SDK pins.",
      "cwd is a folder of this machine: the agent works in its session's workspace.",
      "env: 1 variables of this machine, or that the deployment sets, stay here.",
    ]);
    expect(notices(options)).toEqual([]);
    expect(notices({ cwd: "app", env: { MORE: "1" }, resume: "x" })).toEqual([]);
  });
});
