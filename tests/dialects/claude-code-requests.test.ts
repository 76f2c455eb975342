import { describe, expect, test } from "vitest";

import { claudeCodeClient, type Message } from "../support/claude-code.js";
import { curl } from "../support/curl.js";
import { useDialects, wrongBodies } from "../support/dialects.js";

const edge = useDialects("query,claude-code,conversations");
const { send, whole } = claudeCodeClient(edge);

/** The bodies of the curl lines in that system's README and test scripts. */
const README = {
  basic: '{"prompt": "What is 2+2?"}',
  advanced: `{
    "prompt": "Create a Python function to calculate fibonacci numbers",
    "inputFormat": "text",
    "outputFormat": "json",
    "model": "anthropic/claude-3.5-sonnet-latest",
    "maxTurns": 5,
    "appendSystemPrompt": "You are a Python expert. Write clean, documented code.",
    "verbose": true,
    "allowedTools": ["Write", "Read", "Bash"]
  }`,
  "tool restrictions": `{
    "prompt": "Help me analyze data",
    "allowedTools": ["Read", "Write"],
    "disallowedTools": ["Bash"],
    "permissionMode": "plan"
  }`,
  continuation: '{"prompt": "Create a hello.py file", "sessionId": "demo-abc123"}',
  streaming: `{
    "prompt": "Explain recursion in programming",
    "outputFormat": "stream-json",
    "verbose": true
  }`,
  "test script": `{"prompt": "What is 9+1?", "outputFormat": "json", "allowedTools": [],
    "sessionId": "test-1-restricted", "continueSession": true}`,
  older: '{"prompt": "What is 7 * 6?", "model": "openrouter/qwen/qwen3-coder", "stream": false}',
};

test.each(Object.entries(README))("the curl line of its README: %s", async (_what, json) => {
  const { status, body } = await curl(`curl -X POST ${edge.stack.url}/claude-code \\
    -H "Content-Type: application/json" \\
    -H "Authorization: Bearer ${edge.stack.token}" \\
    -d '${json}'`);
  expect(status).toBe(200);
  const last = JSON.parse(body.trimEnd().split("\n").at(-1)!) as Message;
  const { prompt } = JSON.parse(json) as { prompt: string };
  expect(last).toMatchObject({
    type: "result",
    is_error: false,
    result: expect.stringContaining(prompt),
  });
});

describe("options", () => {
  test("fields are the session's options", async () => {
    await whole(
      {
        prompt: "%say x",
        model: "claude-haiku-4-5",
        maxTurns: 3,
        allowedTools: ["Bash(ls:*)"],
        disallowedTools: ["WebFetch"],
        permissionMode: "plan",
        appendSystemPrompt: "Rhyme.",
      },
      { account: "options" },
    );
    expect((await edge.newest("options")).options).toEqual({
      model: "claude-haiku-4-5",
      maxTurns: 3,
      allowedTools: ["Bash(ls:*)"],
      disallowedTools: ["WebFetch"],
      permissionMode: "plan",
      systemPrompt: { type: "preset", preset: "claude_code", append: "Rhyme." },
    });
    const { body } = edge.stack.model!.requests.at(-1)!;
    expect(body.model).toBe("claude-haiku-4-5");
    expect(JSON.stringify(body.system)).toContain("Rhyme.");
  });

  test("without any the session has the agent's own", async () => {
    await whole({ prompt: "%say x", systemPrompt: "" }, { account: "plain" });
    expect((await edge.newest("plain")).options).toEqual({});
  });

  test("a later request changes what it names", async () => {
    const how = { account: "change" };
    await whole({ prompt: "%say x", sessionId: "s", maxTurns: 3, model: "claude-haiku-4-5" }, how);
    await whole({ prompt: "%say x", sessionId: "s", maxTurns: 4 }, how);
    expect((await edge.newest("change")).options).toEqual({
      maxTurns: 4,
      model: "claude-haiku-4-5",
    });
  });

  test("additionalArgs are flags of claude, and count before fields", async () => {
    const additionalArgs = [
      ["--model", "claude-haiku-4-5", "--max-turns=5", "--max-budget-usd", "1.5"],
      ["--allowedTools", "Read,Bash(git log:*, -n)", "Edit", "--disallowed-tools", "WebFetch"],
      ["--system-prompt", "- be brief", "--append-system-prompt", "Rhyme.\n"],
      ["--permission-mode", "plan", "--fallback-model", "claude-sonnet-5-5"],
    ].flat();
    await whole({ prompt: "%say x", model: "other", additionalArgs }, { account: "flags" });
    expect((await edge.newest("flags")).options).toEqual({
      model: "claude-haiku-4-5",
      maxTurns: 5,
      allowedTools: ["Read", "Bash(git log:*, -n)", "Edit"],
      disallowedTools: ["WebFetch"],
      systemPrompt: "- be brief\n\nRhyme.\n",
      permissionMode: "plan",
      fallbackModel: "claude-sonnet-5-5",
      maxBudgetUsd: 1.5,
    });
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
  ])("additionalArgs %j is refused", async (additionalArgs, message) => {
    const answer = await whole({ prompt: "x", additionalArgs });
    expect(answer).toMatchObject({ status: 400, type: "error", code: "invalid_request" });
    expect(answer.message).toContain(`additionalArgs: ${message}`);
  });

  test("a token changes a session's options only with the scope for it", async () => {
    await whole({ prompt: "%say x", sessionId: "mine" }, { account: "scoped" });
    const query = await edge.mint("scoped", { scopes: ["query"] });
    const headers = { authorization: `Bearer ${query}` };
    const body = { prompt: "%say Fine.", sessionId: "mine" };
    expect(await whole(body, { headers })).toMatchObject({ result: "Fine." });
    const forbidden = { status: 403, code: "forbidden", type: "error" };
    expect(await whole({ ...body, maxTurns: 9 }, { headers })).toMatchObject(forbidden);
    const latest = { prompt: "x", continueSession: true };
    expect(await whole(latest, { headers })).toMatchObject(forbidden);
    const writer = await edge.mint("scoped", { scopes: ["query", "sessions:write"] });
    const changed = await whole(
      { ...body, maxTurns: 9 },
      { headers: { authorization: `Bearer ${writer}` } },
    );
    expect(changed).toMatchObject({ result: "Fine." });
  });
});

describe("what cannot be asked", () => {
  test.each([
    ...wrongBodies("prompt"),
    ["no prompt", {}, 400, "invalid_request"] as const,
    [
      "a stream that is no boolean",
      { prompt: "x", stream: "yes" },
      400,
      "invalid_request",
    ] as const,
    ["no turns", { prompt: "x", maxTurns: 0 }, 400, "invalid_request"] as const,
    ["an empty session id", { prompt: "x", sessionId: "" }, 400, "invalid_request"] as const,
    ["a path of its own", { prompt: "x", cwd: "/etc" }, 400, "invalid_request"] as const,
    ["a program of its own", { prompt: "x", executable: "sh" }, 400, "invalid_request"] as const,
    ["messages", { messages: [], inputFormat: "stream-json" }, 400, "invalid_request"] as const,
  ])("%s, streaming or not", async (_what, body, status, code) => {
    const response = await send(body);
    const answer = (await response.json()) as Message;
    expect(response.status).toBe(status);
    expect(answer).toMatchObject({
      type: "error",
      error: code,
      code,
      message: expect.any(String),
      request_id: response.headers.get("x-request-id"),
    });
  });

  test("the message names the field", async () => {
    const { message } = await whole({ prompt: "x", cwd: "/etc" });
    expect(message).toBe("cwd: there is no such field");
  });

  test("no key, a wrong key, a token without the scope", async () => {
    const without = await fetch(`${edge.stack.url}/claude-code`, { method: "POST" });
    expect(without.status).toBe(401);
    expect(await without.json()).toMatchObject({ type: "error", code: "unauthorized" });
    const wrong = { authorization: "Bearer wrong" };
    expect(await whole({ prompt: "x" }, { headers: wrong })).toMatchObject({
      status: 401,
      code: "unauthorized",
    });
    const reader = await edge.mint("tenant", { scopes: ["sessions:read"] });
    const headers = { authorization: `Bearer ${reader}` };
    expect(await whole({ prompt: "x" }, { headers })).toMatchObject({
      status: 403,
      code: "forbidden",
    });
  });
});
