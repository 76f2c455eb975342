import { EdgeError, type SessionOptions } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { redactAnswer, redactOptions, restoreArgs, restoreOptions } from "./redact.js";

const mcpServers = (server: object): SessionOptions => ({ mcpServers: { it: { ...server } } });

const HTTP = {
  type: "http",
  url: "https://mcp.example/v1/mcp?key=secret",
  headers: { authorization: "Bearer secret", "x-team": "secret" },
  timeout: 5000,
};
const STDIO = {
  command: "npx",
  args: ["mcp-remote", "--header", "Authorization: secret"],
  env: { TOKEN: "secret" },
};

describe("of an MCP server", () => {
  test.each<[string, object, object]>([
    [
      "headers are shown by name, a URL by its origin",
      HTTP,
      {
        type: "http",
        url: "https://mcp.example/***",
        headers: { authorization: "***", "x-team": "***" },
        timeout: 5000,
      },
    ],
    [
      "variables are shown by name, arguments by their number",
      STDIO,
      { command: "npx", args: ["***", "***", "***"], env: { TOKEN: "***" } },
    ],
    [
      "what this version does not know is hidden, however deep",
      { type: "http", oauth: { clientSecret: "secret", scopes: ["secret"], port: 1 } },
      { type: "http", oauth: { clientSecret: "***", scopes: ["***"], port: 1 } },
    ],
    [
      "one in the caller's process is shown whole",
      { type: "sdk", name: "kit", alwaysLoad: true, tools: [{ name: "one" }] },
      { type: "sdk", name: "kit", alwaysLoad: true, tools: [{ name: "one" }] },
    ],
    ["headers that are none are hidden", { headers: "secret" }, { headers: "***" }],
  ])("%s", (_what, server, shown) => {
    expect(redactOptions(mcpServers(server))).toEqual(mcpServers(shown));
  });

  test.each([
    ["https://mcp.example", "https://mcp.example"],
    ["https://mcp.example/", "https://mcp.example/"],
    ["https://mcp.example:8443/mcp", "https://mcp.example:8443/***"],
    ["https://user:secret@mcp.example", "https://mcp.example/***"],
    ["https://mcp.example?key=secret", "https://mcp.example/***"],
    ["https://mcp.example/#secret", "https://mcp.example/***"],
    ["HTTPS://MCP.example/secret", "https://mcp.example/***"],
    ["${SERVER}/secret", "***"],
    ["secret:thing", "***"],
  ])("the URL %s is %s", (url, shown) => {
    expect(redactOptions(mcpServers({ url }))).toEqual(mcpServers({ url: shown }));
  });

  test("a name that objects have by themselves is a name", () => {
    const options = JSON.parse('{"mcpServers":{"__proto__":{"headers":{"a":"secret"}}}}');
    const shown = '{"mcpServers":{"__proto__":{"headers":{"a":"***"}}}}';
    expect(JSON.stringify(redactOptions(options))).toBe(shown);
    expect(() => restoreOptions(JSON.parse(shown), {})).toThrow(EdgeError);
  });
});

describe("of other options", () => {
  test.each<[string, SessionOptions, SessionOptions]>([
    [
      "an agent's own servers",
      { agents: { a: { prompt: "*** Do it.", mcpServers: ["it", { own: HTTP }] } } },
      {
        agents: {
          a: {
            prompt: "*** Do it.",
            mcpServers: ["it", { own: redactOptions(mcpServers(HTTP)).mcpServers!.it }],
          },
        },
      },
    ],
    [
      "variables, headers and commands for credentials in settings",
      {
        settings: {
          env: { TOKEN: "secret" },
          apiKeyHelper: "echo secret",
          hooks: { Stop: [{ hooks: [{ type: "http", url: HTTP.url, headers: HTTP.headers }] }] },
          model: "opus",
        },
      },
      {
        settings: {
          env: { TOKEN: "***" },
          apiKeyHelper: "***",
          hooks: {
            Stop: [
              {
                hooks: [
                  {
                    type: "http",
                    url: "https://mcp.example/***",
                    headers: { authorization: "***", "x-team": "***" },
                  },
                ],
              },
            ],
          },
          model: "opus",
        },
      },
    ],
    [
      "settings that are JSON",
      { settings: '{"env":{"TOKEN":"secret"}}', managedSettings: { env: { A: "secret" } } },
      { settings: '{"env":{"TOKEN":"***"}}', managedSettings: { env: { A: "***" } } },
    ],
    [
      "all of settings that cannot be looked into",
      { settings: `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, managedSettings: {} },
      { settings: "***", managedSettings: {} },
    ],
    ["settings that are a path", { settings: "/app/s.json" }, { settings: "/app/s.json" }],
    [
      "a proxy's user",
      { sandbox: { network: { proxy: "http://me:secret@proxy.example:1" } } },
      { sandbox: { network: { proxy: "http://***@proxy.example:1" } } },
    ],
    [
      "nothing of what is no credential",
      {
        model: "opus",
        systemPrompt: "url",
        outputFormat: { type: "json_schema", schema: { properties: { env: { type: "string" } } } },
      },
      {
        model: "opus",
        systemPrompt: "url",
        outputFormat: { type: "json_schema", schema: { properties: { env: { type: "string" } } } },
      },
    ],
  ])("%s", (_what, options, shown) => {
    expect(redactOptions(options)).toEqual(shown);
    // Shown again it is the same, and what was shown brings back what is stored.
    expect(redactOptions(shown)).toEqual(shown);
    expect(restoreOptions(shown, options)).toEqual(options);
  });
});

describe("options that come back as they were read", () => {
  const stored = { model: "opus", mcpServers: { web: HTTP, local: STDIO } };
  const read = redactOptions(stored);

  test("keep what is stored, whatever else changes", () => {
    const { web, local } = read.mcpServers!;
    const { timeout, headers, url, type } = web!;
    const given = {
      model: "haiku",
      mcpServers: { local: local!, web: { timeout, headers, url, type } },
    };
    expect(restoreOptions(given, stored)).toEqual({ ...stored, model: "haiku" });
    expect(restoreOptions({ mcpServers: { web: web! } }, stored)).toEqual({
      mcpServers: { web: HTTP },
    });
    const fresh = { mcpServers: { web: { ...HTTP, headers: { authorization: "other" } } } };
    expect(restoreOptions(fresh, stored)).toEqual(fresh);
  });

  test("are arguments of setMcpServers too", () => {
    const { mcpServers: servers } = read;
    expect(restoreArgs("setMcpServers", [servers], stored)).toEqual([stored.mcpServers]);
    expect(() => restoreArgs("setMcpServers", [servers], {})).toThrow(EdgeError);
    expect(restoreArgs("setMcpServers", [1], stored)).toEqual([1]);
    expect(restoreArgs("applyFlagSettings", [servers], stored)).toEqual([servers]);
  });

  const { web } = read.mcpServers!;
  test.each<[string, SessionOptions, SessionOptions | undefined, string]>([
    ["another address", mcpServers({ ...web, url: "https://evil.example/" }), undefined, "it"],
    [
      "another address under the same name",
      { mcpServers: { web: { ...web, url: "https://evil.example/" } } },
      stored,
      "web",
    ],
    ["another name", { mcpServers: { other: web! } }, stored, "other"],
    [
      "a header less",
      { mcpServers: { web: { ...web, headers: { authorization: "***" } } } },
      stored,
      "web",
    ],
    ["one of several values", { mcpServers: { web: { ...HTTP, url: web!.url } } }, stored, "web"],
    ["nothing stored", read, {}, "web"],
  ])("are refused with %s", (_what, given, of, name) => {
    const message = expect.stringMatching(new RegExp(`^options.mcpServers.${name}: "\\*\\*\\*"`));
    expect(() => restoreOptions(given, of)).toThrow(
      expect.objectContaining({ code: "invalid_request", message }),
    );
  });
});

test("a control method's answer tells of servers, and not what they are called with", () => {
  const status = (config: object) => ({ name: "web", status: "failed", config, error: "401" });
  const answer = {
    mcpServers: [status(HTTP)],
    commands: [{ name: "x", config: { a: "b" } }],
    n: 1,
  };
  expect(redactAnswer(answer)).toEqual({
    ...answer,
    mcpServers: [status(redactOptions(mcpServers(HTTP)).mcpServers!.it!)],
  });
  expect(redactAnswer(null)).toBe(null);
  expect(redactAnswer([status(STDIO)])).toEqual([
    status({ command: "npx", args: ["***", "***", "***"], env: { TOKEN: "***" } }),
  ]);
});
