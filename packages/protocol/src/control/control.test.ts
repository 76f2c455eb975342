import { describe, expect, test } from "vitest";

import { callOf, askPermission, elicit, readFrame, readInitialize } from "./index.js";

const initialize = (fields: object) => ({ subtype: "initialize", ...fields });

describe("a frame", () => {
  test("of the user loses the session's id, which is the connection's", () => {
    const message = { role: "user", content: "hi" };
    const frame = { type: "user", message, parent_tool_use_id: null, session_id: "", uuid: "u" };
    expect(readFrame(frame)).toEqual({
      type: "user",
      message,
      parent_tool_use_id: null,
      uuid: "u",
    });
  });

  test("of a kind that means nothing here is left out", () => {
    expect(readFrame({ type: "keep_alive" })).toBeUndefined();
    expect(readFrame({ type: "something_of_next_year", more: 1 })).toBeUndefined();
  });

  test.each([
    [7, "must be a JSON object"],
    [null, "must be a JSON object"],
    [{}, "must have a type"],
    [{ type: "user" }, "message.content"],
    [{ type: "user", message: { content: 7 } }, "message.content"],
    [{ type: "control_request", request: { subtype: "interrupt" } }, "request_id"],
    [{ type: "control_request", request_id: "1", request: {} }, "request.subtype"],
    [{ type: "control_response", response: {} }, "response.request_id"],
  ])("that lacks something is refused: %j", (frame, words) => {
    expect(() => readFrame(frame)).toThrow(words);
  });
});

describe("initialize", () => {
  test.each([
    [{ systemPrompt: [""] }, undefined],
    [{ systemPrompt: ["Be one."] }, "Be one."],
    [{ systemPrompt: ["a", "b"] }, ["a", "b"]],
    [{}, { type: "preset", preset: "claude_code" }],
    [{ appendSystemPrompt: "x" }, { type: "preset", preset: "claude_code", append: "x" }],
    [
      { systemPrompt: ["p"], systemPromptSnapshot: false },
      { type: "custom", prompt: "p", snapshot: false },
    ],
  ])("tells the system prompt: %j", (fields, expected) => {
    expect(readInitialize(initialize(fields), true).options.systemPrompt).toEqual(expected);
  });

  test("says nothing of the system prompt where the command line did", () => {
    expect(readInitialize(initialize({}), false).options).toEqual({});
  });

  test("confirms the fields that could have come in argv, and only those that came", () => {
    expect(readInitialize(initialize({}), true).confirmed).toEqual({
      hook_on_failure_supported: true,
    });
    const said = readInitialize(
      initialize({ mcpServers: {}, settings: '{"model":"m"}', managedSettings: { a: 1 } }),
      true,
    );
    expect(said.confirmed).toEqual({
      hook_on_failure_supported: true,
      managed_settings_applied: true,
      mcp_servers_applied: true,
      settings_applied: true,
    });
    expect(said.options.settings).toEqual({ model: "m" });
  });

  test("names the servers in the program, with their settings", () => {
    const said = readInitialize(
      initialize({ sdkMcpServers: ["a", "b"], sdkMcpServerConfigs: { b: { alwaysLoad: true } } }),
      true,
    );
    expect(said.servers).toEqual({ a: {}, b: { alwaysLoad: true } });
  });

  test("takes a schema for the output, and options that travel", () => {
    const schema = { type: "object" };
    const { options } = readInitialize(
      initialize({ jsonSchema: schema, title: "T", skills: ["s"], sdkMcpServerManifests: {} }),
      false,
    );
    expect(options).toEqual({
      outputFormat: { type: "json_schema", schema },
      skills: ["s"],
      title: "T",
    });
  });
});

describe("a question to the program", () => {
  test("about a tool has the protocol's names, and nothing that is not known", () => {
    const body = askPermission({
      tool_name: "Bash",
      tool_use_id: "toolu_1",
      input: { command: "ls" },
      options: {
        toolUseID: "toolu_1",
        requestId: "other",
        displayName: "Bash",
        blockedPath: "/w/a",
        suggestions: [{ type: "addRules" }],
        matchedAskRule: { source: "cliArg", toolName: "Bash", ruleContent: "ls" },
      },
    });
    expect(JSON.parse(JSON.stringify(body))).toEqual({
      subtype: "can_use_tool",
      tool_name: "Bash",
      tool_use_id: "toolu_1",
      input: { command: "ls" },
      display_name: "Bash",
      blocked_path: "/w/a",
      permission_suggestions: [{ type: "addRules" }],
      matched_ask_rule: { source: "cliArg", tool_name: "Bash", rule_content: "ls" },
    });
  });

  test("of a server's has the protocol's names", () => {
    const body = elicit({ serverName: "s", message: "?", mode: "form", requestedSchema: {} });
    expect(JSON.parse(JSON.stringify(body))).toEqual({
      subtype: "elicitation",
      mcp_server_name: "s",
      message: "?",
      mode: "form",
      requested_schema: {},
    });
  });
});

describe("a control request", () => {
  test.each([
    [{ subtype: "set_model", model: "m" }, "setModel", ["m"]],
    [{ subtype: "set_model" }, "setModel", [undefined]],
    [{ subtype: "mcp_toggle", serverName: "s", enabled: false }, "toggleMcpServer", ["s", false]],
    [{ subtype: "read_file", path: "a", max_bytes: 3 }, "readFile", ["a", { maxBytes: 3 }]],
    [{ subtype: "get_context_usage" }, "getContextUsage", [undefined]],
    [{ subtype: "rewind_files", user_message_id: "u" }, "rewindFiles", ["u", { dryRun: false }]],
  ])("is a call: %j", (body, method, args) => {
    expect(callOf(body)).toMatchObject({ method, args });
  });

  test.each(["wombat", "toString", "__proto__"])("of an unknown kind is none: %s", (subtype) => {
    expect(callOf({ subtype })).toBeUndefined();
  });

  test("is answered with what the program expects", () => {
    const payload = (subtype: string, result: unknown) => callOf({ subtype })!.payload(result);
    expect(payload("mcp_status", [])).toEqual({ mcpServers: [] });
    expect(payload("set_permission_mode", { mode: "plan" })).toEqual({ mode: "plan" });
    expect(payload("stop_task", undefined)).toBeUndefined();
    expect(() => payload("read_file", null)).toThrow("cannot be read");
  });
});
