import { describe, expect, test } from "vitest";

import { ask, TAKEN } from "../../test/support/dialect-request.js";

const ALL = "query,claude-code,conversations,studio";
const ID = "00000000-0000-4000-8000-000000000000";

type Refused = [what: string, body: unknown, status: number, code: string];

/** Bodies that are wrong for every route that takes a prompt, under the name it has there. */
const wrongBodies = (prompt: string): Refused[] => [
  ["an empty prompt", { [prompt]: "" }, 400, "prompt_empty"],
  ["a prompt of blanks", { [prompt]: " \n\t" }, 400, "prompt_empty"],
  ["a prompt of the wrong type", { [prompt]: 5 }, 400, "invalid_request"],
  ["a prompt that is null", { [prompt]: null }, 400, "invalid_request"],
  ["blocks", { [prompt]: [{ type: "text", text: "Hi" }] }, 400, "invalid_request"],
  ["an unknown field", { [prompt]: "x", promt: "y" }, 400, "invalid_request"],
  ["a list", ["x"], 400, "invalid_request"],
  ["null", null, 400, "invalid_request"],
  ["a text", '"x"', 400, "invalid_request"],
  ["half of it", '{"prompt":"%say', 400, "invalid_json"],
  ["nothing", "", 400, "invalid_json"],
  ["a form", "query=x", 400, "invalid_json"],
];

/** How each dialect says an error: the fields, the message, the code and the request besides. */
const QUERY = { success: false, error: expect.any(String), request_id: expect.any(String) };
const CLAUDE_CODE = {
  type: "error",
  error: expect.any(String),
  message: expect.any(String),
  request_id: expect.any(String),
};
const CONVERSATIONS = { detail: expect.any(String), request_id: expect.any(String) };
const STUDIO = { success: false, error: expect.stringMatching(/\S/) };

describe.each([
  ["query", "/query", "query", QUERY],
  ["claude-code", "/claude-code", "prompt", CLAUDE_CODE],
  ["conversations", "/query", "prompt", CONVERSATIONS],
  ["conversations", "/stream", "prompt", CONVERSATIONS],
  ["conversations", `/conversations/${ID}/messages`, "prompt", CONVERSATIONS],
  ["conversations", `/conversations/${ID}/stream`, "prompt", CONVERSATIONS],
  ["studio", "/api/generate", "prompt", STUDIO],
  ["studio", "/api/generate-stream", "prompt", STUDIO],
  ["studio", "/api/sessions/x/continue", "prompt", STUDIO],
  ["studio", "/api/sessions/x/continue-stream", "prompt", STUDIO],
])("%s: POST %s", (dialect, path, prompt, form) => {
  test.each(wrongBodies(prompt))("%s is refused", async (_what, body, status, code) => {
    expect(await ask(dialect, "POST", path, body)).toMatchObject({ ...form, status, code });
  });
});

test.each([
  ["query", "/query", "query"],
  ["claude-code", "/claude-code", "prompt"],
  ["conversations", "/stream", "prompt"],
  ["studio", "/api/generate", "prompt"],
])(
  "%s takes the longest prompt there may be, and nothing longer",
  async (dialect, path, prompt) => {
    const say = (text: string) => ask(dialect, "POST", path, { [prompt]: text });
    expect(await say("é".repeat(512 * 1024))).toMatchObject(TAKEN);
    expect(await say("é".repeat(512 * 1024 + 1))).toMatchObject({
      status: 413,
      code: "prompt_too_long",
    });
    expect(await say("x".repeat(8 * 1024 * 1024))).toMatchObject({
      status: 413,
      code: "body_too_large",
    });
  },
);

test.each<[string, Refused]>([
  ["/query", ["no query", {}, 400, "prompt_empty"]],
  ["/query", ["an account that is none", { query: "x", accountId: "a/b" }, 400, "invalid_request"]],
  ["/claude-code", ["no prompt", {}, 400, "invalid_request"]],
  ["/claude-code", ["no boolean", { prompt: "x", stream: "yes" }, 400, "invalid_request"]],
  ["/claude-code", ["no turns", { prompt: "x", maxTurns: 0 }, 400, "invalid_request"]],
  ["/claude-code", ["an empty session id", { prompt: "x", sessionId: "" }, 400, "invalid_request"]],
  ["/claude-code", ["a path", { prompt: "x", cwd: "/etc" }, 400, "invalid_request"]],
  ["/claude-code", ["a program", { prompt: "x", executable: "sh" }, 400, "invalid_request"]],
  [
    "/claude-code",
    ["messages", { messages: [], inputFormat: "stream-json" }, 400, "invalid_request"],
  ],
  ["/stream", ["no prompt", {}, 400, "invalid_request"]],
  ["/stream", ["no boolean", { prompt: "x", stream: 1 }, 400, "invalid_request"]],
  [`/conversations/${ID}/messages`, ["no prompt", {}, 400, "invalid_request"]],
  ["/api/generate", ["no prompt", {}, 400, "invalid_request"]],
  [
    "/api/generate",
    ["a field that is none", { prompt: "x", autonomousMode: true }, 400, "invalid_request"],
  ],
])("%s refuses %j", async (path, [, body, status, code]) => {
  expect(await ask(ALL, "POST", path, body)).toMatchObject({ status, code });
});

test("the message names the field", async () => {
  const { message } = await ask(ALL, "POST", "/claude-code", { prompt: "x", cwd: "/etc" });
  expect(message).toBe("cwd: there is no such field");
});

describe("a conversation's fields", () => {
  test.each([
    [{ allowed_tools: "Read" }, "allowed_tools"],
    [{ allowed_tools: [""] }, "allowed_tools"],
    [{ permission_mode: "root" }, "permission_mode"],
    [{ max_turns: 0 }, "max_turns"],
    [{ model: "" }, "model"],
    [{ system_prompt: {} }, "system_prompt"],
    [{ cwd: "/etc" }, "cwd"],
    [{ accountId: "a/b" }, "accountId"],
  ])("%j is refused by name", async (body, field) => {
    for (const [path, rest] of [
      ["/conversations", {}],
      ["/stream", { prompt: "x" }],
    ] as const) {
      const answer = await ask(ALL, "POST", path, { ...rest, ...body });
      expect(answer).toMatchObject({ status: 400, code: "invalid_request" });
      expect(answer.detail).toContain(field);
    }
  });

  test("may be null, as clients in Python send what they leave out", async () => {
    const body = { prompt: "x", model: null, allowed_tools: null, stream: null, accountId: null };
    expect(await ask(ALL, "POST", "/query", body)).toMatchObject(TAKEN);
  });
});

test.each(["", "a b", "a/b", "../x", "-x", "é", "x".repeat(51), 7, null, `${ID}\n`])(
  "the studio refuses the session id %j",
  async (sessionId) => {
    expect(await ask(ALL, "POST", "/api/generate", { prompt: "x", sessionId })).toMatchObject({
      status: 400,
      code: "invalid_request",
      error: expect.stringContaining("sessionId"),
    });
  },
);

/** The bodies of that system's README and of its scripts. */
const QUERY_README = ['{"query": "What is 2+2?"}', '{"query": "What is 2+2? Just the number."}'];
const CLAUDE_CODE_README = [
  '{"prompt": "What is 2+2?"}',
  `{
    "prompt": "Create a Python function to calculate fibonacci numbers",
    "inputFormat": "text",
    "outputFormat": "json",
    "model": "anthropic/claude-3.5-sonnet-latest",
    "maxTurns": 5,
    "appendSystemPrompt": "You are a Python expert. Write clean, documented code.",
    "verbose": true,
    "allowedTools": ["Write", "Read", "Bash"]
  }`,
  `{
    "prompt": "Help me analyze data",
    "allowedTools": ["Read", "Write"],
    "disallowedTools": ["Bash"],
    "permissionMode": "plan"
  }`,
  '{"prompt": "Create a hello.py file", "sessionId": "demo-abc123"}',
  `{
    "prompt": "Explain recursion in programming",
    "outputFormat": "stream-json",
    "verbose": true
  }`,
  `{"prompt": "What is 9+1?", "outputFormat": "json", "allowedTools": [],
    "sessionId": "test-1-restricted", "continueSession": true}`,
  '{"prompt": "What is 7 * 6?", "model": "openrouter/qwen/qwen3-coder", "stream": false}',
];

test.each([
  ...QUERY_README.map((body) => ["/query", body] as const),
  ...CLAUDE_CODE_README.map((body) => ["/claude-code", body] as const),
])("%s takes a body of its README: %s", async (path, body) => {
  expect(await ask(ALL, "POST", path, body)).toMatchObject(TAKEN);
});
