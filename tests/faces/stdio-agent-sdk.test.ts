/** The Agent SDK as it is published, with `claude-edge stdio` as its executable. */
import { randomUUID } from "node:crypto";

import {
  createSdkMcpServer,
  query,
  startup,
  tool,
  type HookInput,
  type Options,
  type SDKMessage,
  type SDKResultMessage,
} from "@anthropic-ai/claude-agent-sdk";
import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";

import { BASH, Prompts } from "../parity/program.js";
import { useStack } from "../support/stack.js";
import { useStdio } from "../support/stdio.js";

const ACCOUNT = "stdio-agent-sdk";

const stack = useStack();
const { options } = useStdio(stack, ACCOUNT);

/** An MCP server over stdio, whose one tool asks the user for a name. */
const ASKER = `
const write = (message) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
const tools = [{ name: "greet", description: "Greets", inputSchema: { type: "object" } }];
const serverInfo = { name: "asker", version: "1" };
let call;
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === "initialize") {
    const { protocolVersion } = params;
    write({ id, result: { protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") {
    write({ id, result: { tools } });
  } else if (method === "tools/call") {
    call = id;
    const params = { mode: "form", message: "Your name?", requestedSchema: schema };
    write({ id: "e1", method: "elicitation/create", params });
  } else if (id === "e1") {
    const name = result?.content?.name ?? "nobody";
    write({ id: call, result: { content: [{ type: "text", text: "Hello, " + name + "." }] } });
  } else if (id !== undefined) {
    write({ id, result: {} });
  }
});`;

interface Seen {
  messages: SDKMessage[];
  results: SDKResultMessage[];
  /** What the query threw. */
  error: Error | undefined;
}

/** Reads a query to its end. */
async function read(
  messages: AsyncIterable<SDKMessage>,
  onMessage: (message: SDKMessage) => unknown = () => {},
): Promise<Seen> {
  const seen: Seen = { messages: [], results: [], error: undefined };
  try {
    for await (const message of messages) {
      seen.messages.push(message);
      if (message.type === "result") seen.results.push(message);
      await onMessage(message);
    }
  } catch (error) {
    seen.error = error as Error;
  }
  return seen;
}

const ask = (prompt: string, more?: Options) => read(query({ prompt, options: options(more) }));

const textOf = (result: SDKResultMessage | undefined) =>
  result?.subtype === "success" ? result.result : result?.errors.join();

const toolResult = ({ messages }: Seen): string =>
  JSON.stringify(messages.filter(({ type }) => type === "user"));

/** A session that most tests go on with: its process is warm. */
let session: string;
beforeAll(async () => {
  const { results } = await ask("%say One.");
  session = results[0]!.session_id;
});

describe("the Agent SDK with claude-edge stdio as its executable", () => {
  test("has an answer, in a session of the deployment, and sees nothing that it asked for itself", async () => {
    const sessionId = randomUUID();
    const seen = await ask("%say Hello.", { sessionId, title: "Of the SDK" });
    expect(seen.error).toBeUndefined();
    expect(seen.messages.map(({ type }) => type)).toEqual(["system", "assistant", "result"]);
    expect(seen.messages[0]).toMatchObject({ subtype: "init", session_id: sessionId });
    expect(seen.results).toMatchObject([{ subtype: "success", result: "Hello.", is_error: false }]);
    const kept = await stack.client(ACCOUNT).sessions.open(sessionId).retrieve();
    expect(kept).toMatchObject({ id: sessionId, title: "Of the SDK", status: "idle" });
  });

  test("hands in two prompts of a stream, and has two results", async () => {
    const prompts = new Prompts();
    prompts.push("%say First.");
    prompts.push("%say Second.");
    prompts.close();
    const given = options({ resume: session });
    const seen = await read(query({ prompt: prompts, options: given }));
    expect(seen.error).toBeUndefined();
    expect(seen.results.map(textOf)).toEqual(["First.", "Second."]);
  });

  test("lets its program decide on tools: allowed with another input, and denied", async () => {
    const asked: unknown[] = [];
    const canUseTool: Options["canUseTool"] = async (name, input, { toolUseID }) => {
      asked.push([name, input, typeof toolUseID]);
      if (asked.length === 1) return { behavior: "allow", updatedInput: { command: "echo two" } };
      return { behavior: "deny", message: "Not today." };
    };
    const given = options({ resume: session, permissionMode: "default", canUseTool });
    const prompts = new Prompts();
    prompts.push(BASH);
    const seen = await read(query({ prompt: prompts, options: given }), ({ type }) => {
      if (type !== "result") return;
      if (asked.length === 1) prompts.push(BASH);
      else prompts.close();
    });
    expect(seen.error).toBeUndefined();
    const input = expect.objectContaining({ command: expect.stringContaining("echo one") });
    expect(asked).toEqual([
      ["Bash", input, "string"],
      ["Bash", input, "string"],
    ]);
    expect(toolResult(seen)).toContain("two");
    expect(toolResult(seen)).toContain("Not today.");
    expect(seen.results.map(textOf)).toEqual(["Last.", "Last."]);
    expect(seen.results[1]).toMatchObject({ permission_denials: [{ tool_name: "Bash" }] });
  });

  test("calls the program's hooks, which decide", async () => {
    const called: string[] = [];
    const hook = async (input: HookInput, toolUseId: string | undefined) => {
      called.push(input.hook_event_name);
      if (input.hook_event_name !== "PreToolUse") return {};
      expect(toolUseId).toBe(input.tool_use_id);
      return {
        hookSpecificOutput: {
          hookEventName: "PreToolUse" as const,
          permissionDecision: "deny" as const,
          permissionDecisionReason: "Not on my watch.",
        },
      };
    };
    const seen = await ask(BASH, {
      resume: session,
      allowedTools: ["Bash"],
      hooks: {
        UserPromptSubmit: [{ hooks: [hook] }],
        PreToolUse: [
          { matcher: "Read", hooks: [hook] },
          { matcher: "Bash", hooks: [hook] },
        ],
      },
    });
    expect(called).toEqual(["UserPromptSubmit", "PreToolUse"]);
    expect(toolResult(seen)).toContain("Not on my watch.");
    expect(seen.results.map(textOf)).toEqual(["Last."]);
  });

  test("runs tools of the program's own", async () => {
    const progress: number[] = [];
    const add = tool("add", "Adds", { a: z.number(), b: z.number() }, async ({ a, b }) => {
      progress.push(a);
      if (a < 0) throw new Error("no negative numbers");
      return { content: [{ type: "text", text: `the sum is ${a + b}` }] };
    });
    const seen = await ask(
      [
        '%tool mcp__calc__add {"a":2,"b":3}',
        '%say Added.\n%tool mcp__calc__add {"a":-1,"b":3}',
        "%say Done.",
      ].join("\n"),
      {
        resume: session,
        allowedTools: ["mcp__calc__add"],
        mcpServers: { calc: createSdkMcpServer({ name: "calc", tools: [add] }) },
      },
    );
    expect(progress).toEqual([2, -1]);
    expect(toolResult(seen)).toContain("the sum is 5");
    expect(toolResult(seen)).toContain("no negative numbers");
    expect(seen.results.map(textOf)).toEqual(["Done."]);
  });

  test("takes what it sends by initialize, and confirms it", async () => {
    const called: string[] = [];
    const seen = await ask(`%tool mcp__asker__greet {}\n%say Greeted.`, {
      allowedTools: ["mcp__asker__greet"],
      mcpServersDelivery: "initialize",
      mcpServers: { asker: { command: process.execPath, args: ["-e", ASKER] } },
      managedSettings: { env: { MANAGED: "1" } },
      settings: { env: { ANSWER: "42" } },
      systemPrompt: { type: "preset", preset: "claude_code", append: "Be kind." },
      hooks: {
        PreToolUse: [
          {
            onFailure: "block",
            hooks: [
              async (input) => {
                called.push(input.hook_event_name);
                return {};
              },
            ],
          },
        ],
      },
    });
    expect(seen.error).toBeUndefined();
    expect(called).toEqual(["PreToolUse"]);
    // Nobody is asked: without a callback the Agent SDK declines.
    expect(toolResult(seen)).toContain("Hello, nobody.");
    expect(seen.results.map(textOf)).toEqual(["Greeted."]);
  });

  test("is started ahead of its prompt, and given servers later", async () => {
    const warm = await startup({ options: options({ allowedTools: ["mcp__calc__double"] }) });
    const prompts = new Prompts();
    prompts.push("%say Ready.");
    const running = warm.query(prompts);
    const double = tool("double", "Doubles", { n: z.number() }, async ({ n }) => ({
      content: [{ type: "text", text: `it is ${n * 2}` }],
    }));
    let servers: unknown;
    const seen = await read(running, async ({ type }) => {
      if (type !== "result") return;
      if (servers !== undefined) return prompts.close();
      const calc = createSdkMcpServer({ name: "calc", tools: [double] });
      servers = await running.setMcpServers({ calc });
      prompts.push('%tool mcp__calc__double {"n":21}\n%say Done.');
    });
    expect(seen.error).toBeUndefined();
    expect(servers).toMatchObject({ added: ["calc"], errors: {} });
    expect(toolResult(seen)).toContain("it is 42");
    expect(seen.results.map(textOf)).toEqual(["Ready.", "Done."]);
  });

  test("asks its user what an MCP server in the container wants to know", async () => {
    const asked: unknown[] = [];
    const seen = await ask("%tool mcp__asker__greet {}\n%say Greeted.", {
      allowedTools: ["mcp__asker__greet"],
      mcpServers: { asker: { command: process.execPath, args: ["-e", ASKER] } },
      onElicitation: async ({ serverName, message, requestedSchema }) => {
        asked.push({ serverName, message, requestedSchema });
        return { action: "accept", content: { name: "Ada" } };
      },
    });
    expect(asked).toEqual([
      {
        serverName: "asker",
        message: "Your name?",
        requestedSchema: expect.objectContaining({ type: "object" }),
      },
    ]);
    expect(toolResult(seen)).toContain("Hello, Ada.");
    expect(seen.results.map(textOf)).toEqual(["Greeted."]);
  });

  test("interrupts a turn, and goes on", async () => {
    const prompts = new Prompts();
    prompts.push("%say Wait for it.\n%wait 60000\n%say Never.");
    const running = query({ prompt: prompts, options: options({ resume: session }) });
    let interrupted: unknown;
    const seen = await read(running, async ({ type }) => {
      if (type === "assistant" && interrupted === undefined) {
        interrupted = await running.interrupt();
      }
      if (type !== "result") return;
      if (interrupted !== "done") prompts.push("%say Back.");
      else prompts.close();
      interrupted = "done";
    });
    expect(seen.error).toBeUndefined();
    expect(seen.results).toMatchObject([
      { subtype: "error_during_execution", is_error: true },
      { subtype: "success", result: "Back." },
    ]);
  });

  test("resumes a session and branches it; one that is not there is an error in Claude Code's words", async () => {
    const mark = randomUUID();
    const [begun] = (await ask(`%say ${mark}`)).results;
    const again = await ask("%say Again.", { resume: begun!.session_id });
    expect(again.results[0]!.session_id).toBe(begun!.session_id);
    const told = await stack.asked(mark);
    expect(JSON.stringify(told.at(-1)!.body)).toContain("%say Again.");

    const branch = await ask("%say Aside.", { resume: begun!.session_id, forkSession: true });
    expect(branch.error).toBeUndefined();
    expect(branch.results[0]!.session_id).not.toBe(begun!.session_id);

    const nowhere = "11111111-1111-4111-8111-111111111111";
    const none = await ask("%say Hm.", { resume: nowhere });
    expect(none.results).toMatchObject([
      { subtype: "error_during_execution", session_id: nowhere },
    ]);
    expect(none.error?.message).toContain(`No conversation found with session ID: ${nowhere}`);
  });

  test("changes the model and the mode between turns, and is told of the agent", async () => {
    const prompts = new Prompts();
    prompts.push("%say One.");
    const running = query({
      prompt: prompts,
      options: options({ resume: session, permissionMode: "default" }),
    });
    const facts: Record<string, unknown> = {};
    let turns = 0;
    const seen = await read(running, async ({ type }) => {
      if (type !== "result") return;
      turns += 1;
      if (turns === 2) return prompts.close();
      await running.setModel("claude-haiku-4-5");
      facts.mode = await running.setPermissionMode("acceptEdits");
      facts.commands = (await running.supportedCommands()).length;
      facts.models = (await running.supportedModels()).length;
      facts.servers = await running.mcpServerStatus();
      facts.context = (await running.getContextUsage({ detail: "summary" })).model;
      prompts.push("%say Two.");
    });
    expect(seen.error).toBeUndefined();
    expect(facts).toEqual({
      mode: { mode: "acceptEdits" },
      commands: expect.any(Number),
      models: expect.any(Number),
      servers: [],
      context: expect.stringContaining("haiku"),
    });
    expect(facts.commands).toBeGreaterThan(0);
    expect(facts.models).toBeGreaterThan(0);
    const second = seen.messages.findLast(({ type }) => type === "assistant") as {
      message: { model: string };
    };
    expect(second.message.model).toBe("claude-haiku-4-5");
  });

  test("throws after an error result, as it does with its own executable", async () => {
    const steps = [0, 1, 2].map((n) => `%tool Bash {"command":"echo ${n}"}\n%say Next.`);
    const seen = await ask(steps.join("\n"), { allowedTools: ["Bash"], maxTurns: 2 });
    expect(seen.results).toMatchObject([{ subtype: "error_max_turns", is_error: true }]);
    expect(seen.error?.message).toBe(
      "Claude Code returned an error result: Reached maximum number of turns (2)",
    );
  });

  test("gives output that fits a schema", async () => {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, age: { type: "number" } },
      required: ["name", "age"],
    };
    const seen = await ask('%tool StructuredOutput {"name":"Ada","age":36}', {
      outputFormat: { type: "json_schema", schema },
    });
    expect(seen.results).toMatchObject([{ structured_output: { name: "Ada", age: 36 } }]);
  });

  test("is told in one sentence what is wrong with the deployment", async () => {
    const without = await ask("hi", { env: { ...options().env, CLAUDE_EDGE_URL: "" } });
    expect(without.error?.message).toContain("exited with code 1. stderr: error: No deployment");
    const wrong = { ...options().env, CLAUDE_EDGE_TOKEN: "ce_wrong", CLAUDE_EDGE_ACCOUNT: "" };
    const refused = await ask("hi", { env: wrong });
    expect(refused.error?.message).toMatch(/exited with code 1. stderr: error: .*(key|token)/i);
    expect(refused.messages).toEqual([]);
  });
});
