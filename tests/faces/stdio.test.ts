/** `claude-edge stdio` frame by frame, and what a script sees of it. */
import { randomUUID } from "node:crypto";

import { beforeAll, describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { says, STREAM, useStdio } from "../support/stdio.js";
import { until } from "../support/wait.js";

const ACCOUNT = "stdio";

const stack = useStack();
const { start } = useStdio(stack, ACCOUNT);

let session: string;
beforeAll(async () => {
  session = (await stack.client(ACCOUNT).sessions.create({ permissionMode: "dontAsk" })).id;
});
const resume = () => ["--resume", session];

interface Message {
  id?: number;
  method: string;
  params?: { _meta?: { progressToken?: unknown } };
}

/** What a server of the program's answers. */
function resultFor(method: string): object {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: "calc", version: "1" },
      };
    case "tools/list":
      return { tools: [{ name: "add", description: "Adds", inputSchema: { type: "object" } }] };
    case "tools/call":
      return { content: [{ type: "text", text: "the sum is 5" }] };
    default:
      return {};
  }
}

const isResult = ({ type }: Record<string, unknown>) => type === "result";

describe("claude-edge stdio", () => {
  test("runs for a client that never initializes, with its last line not ended", async () => {
    const shim = start([...STREAM, ...resume()]);
    shim.write(says("%say Here."));
    expect(await shim.frame(isResult)).toMatchObject({ result: "Here." });
    expect(await shim.ask({ subtype: "initialize" })).toMatchObject({
      subtype: "error",
      error: "initialize must come before the first prompt.",
    });
    shim.write(JSON.stringify(says("%say And here.")));
    shim.end();
    expect(await shim.ended).toMatchObject({ code: 0, stderr: "" });
    expect(shim.frames.findLast(isResult)).toMatchObject({ result: "And here." });
    // As of the real one, the system prompt is Claude Code's own.
    const { options } = await stack.client(ACCOUNT).sessions.open(session).retrieve();
    expect(options.systemPrompt).toMatchObject({ type: "preset", preset: "claude_code" });
  });

  test("answers what it does not know with an error, and what is sent twice once", async () => {
    const shim = start([...STREAM, ...resume()]);
    expect(await shim.ask({ subtype: "initialize" })).toMatchObject({
      subtype: "success",
      response: { commands: expect.any(Array), models: expect.any(Array) },
    });
    expect(await shim.ask({ subtype: "wombat" })).toMatchObject({
      subtype: "error",
      error: "Unsupported control request subtype: wombat",
    });
    expect(await shim.ask({ subtype: "read_file", path: "nowhere.txt" })).toMatchObject({
      subtype: "error",
    });
    const twice = {
      type: "control_request",
      request_id: "twice",
      request: { subtype: "supported_wombats" },
    };
    // An id that was answered is free again; unknown frames and late answers do no harm.
    shim.write(twice);
    shim.write({ type: "keep_alive" });
    shim.write({ type: "of_next_year" });
    shim.write({ type: "control_cancel_request", request_id: "none" });
    shim.write({
      type: "control_response",
      response: { subtype: "success", request_id: "none", response: {} },
    });
    shim.write(says("%say Still here."));
    expect(await shim.frame(isResult)).toMatchObject({ result: "Still here." });
    shim.end();
    expect(await shim.ended).toMatchObject({ code: 0, stderr: "" });
    const answers = shim.frames.filter(
      ({ response }) => (response as { request_id?: string } | undefined)?.request_id === "twice",
    );
    expect(answers).toHaveLength(1);
  });

  test("finishes what runs when its input ends, and denies what can no longer be asked", async () => {
    const shim = start([...STREAM, ...resume(), "--permission-prompt-tool=stdio"], {
      CLAUDE_CODE_SDK_READS_SESSION_STATE: "1",
    });
    shim.write(says('%wait 500\n%tool Bash {"command":"echo x > x.txt"}\n%say Done.'));
    await shim.frame(({ subtype }) => subtype === "init");
    shim.end();
    expect(await shim.ended).toMatchObject({ code: 0 });
    expect(shim.frames.find(isResult)).toMatchObject({ result: "Done." });
    expect(shim.frames.filter(({ subtype }) => subtype === "session_state_changed")).toEqual([
      expect.objectContaining({ state: "running", sdk_host_only: true }),
      expect.objectContaining({ state: "idle", sdk_host_only: true }),
    ]);
  });

  test("cancels a question that is answered elsewhere", async () => {
    const own = await stack.client(ACCOUNT).sessions.create();
    const flags = ["--resume", own.id, "--permission-mode=default"];
    const shim = start([...STREAM, ...flags, "--permission-prompt-tool=stdio"]);
    shim.write(says('%tool Bash {"command":"echo x > x.txt"}\n%say Done.'));
    const { request_id } = await shim.frame(({ type }) => type === "control_request");
    const { requests } = stack.client(ACCOUNT);
    const [open] = await requests.list({ sessionId: own.id });
    await requests.answer(open!.id, { behavior: "allow" });
    await shim.frame(
      (frame) => frame.type === "control_cancel_request" && frame.request_id === request_id,
    );
    const late = { behavior: "deny", message: "Too late." };
    shim.write({
      type: "control_response",
      response: { subtype: "success", request_id, response: late },
    });
    expect(await shim.frame(isResult)).toMatchObject({ result: "Done.", permission_denials: [] });
    shim.end();
    expect((await shim.ended).code).toBe(0);
  });

  test("stops its turn at SIGTERM", async () => {
    const own = await stack.client(ACCOUNT).sessions.create();
    const mark = randomUUID();
    const shim = start([...STREAM, "--resume", own.id]);
    shim.write(says(`%say ${mark}\n%wait 60000\n%say Never.`));
    await until("the model is asked", async () => (await stack.asked(mark)).length > 0);
    shim.kill("SIGTERM");
    expect((await shim.ended).code).not.toBe(0);
    await until("the turn is stopped", async () => (await own.retrieve()).status === "idle");
  });

  test.each([
    ["a line that is no JSON", "{oops\n", "Error parsing streaming input line: {oops"],
    ["a line that ends in the middle", '{"type":"user","mess', "Error parsing streaming input"],
    ["a frame that lacks something", '{"type":"user"}\n', "message.content"],
    ["no prompt", "", "Input ended without a prompt."],
  ])("ends at %s with a line that says so", async (_what, input, words) => {
    const shim = start([...STREAM, ...resume()]);
    shim.write(input);
    shim.end();
    const { code, stdout, stderr } = await shim.ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect(stderr).toContain(words);
  });

  test("runs a server of the program's that argv names, as the Agent SDK for Python does", async () => {
    const servers = { calc: { type: "sdk", name: "calc" } };
    const flags = ["--mcp-config", JSON.stringify({ mcpServers: servers })];
    const allowed = ["--allowedTools", "mcp__calc__add"];
    const own = await stack.client(ACCOUNT).sessions.create();
    const shim = start([...STREAM, "--resume", own.id, ...flags, ...allowed]);
    const answered = new Set<unknown>();
    const called: unknown[] = [];
    const told: unknown[] = [];
    /** Answers the next message to the server, as a server does. */
    const answer = async (): Promise<boolean> => {
      const { request_id, request, type } = await shim.frame(
        (frame) =>
          isResult(frame) || (frame.type === "control_request" && !answered.has(frame.request_id)),
      );
      if (type === "result") return false;
      answered.add(request_id);
      const { server_name, message } = request as { server_name: string; message: Message };
      const { id = 0, method, params } = message;
      called.push(`${server_name} ${method}`);
      // A server tells of its progress before the result.
      if (method === "tools/call") {
        const progress = { progressToken: params!._meta!.progressToken, progress: 1 };
        const note = { jsonrpc: "2.0", method: "notifications/progress", params: progress };
        told.push(await shim.ask({ subtype: "mcp_message", server_name, message: note }));
      }
      const mcp_response = { jsonrpc: "2.0", id, result: resultFor(method) };
      shim.write({
        type: "control_response",
        response: { subtype: "success", request_id, response: { mcp_response } },
      });
      return true;
    };
    shim.write(says('%tool mcp__calc__add {"a":2,"b":3}\n%say Added.'));
    while (await answer());
    expect(called).toEqual(
      expect.arrayContaining(["calc initialize", "calc tools/list", "calc tools/call"]),
    );
    expect(told).toMatchObject([{ subtype: "success" }]);
    expect(JSON.stringify(shim.frames)).toContain("the sum is 5");
    expect(shim.frames.find(isResult)).toMatchObject({ result: "Added." });
    expect(
      await shim.ask({ subtype: "mcp_message", server_name: "nobody", message: {} }),
    ).toMatchObject({ subtype: "error", error: "SDK MCP server not found: nobody" });
    shim.end();
    expect((await shim.ended).code).toBe(0);
  });

  test("leaves no session behind that nothing was said in", async () => {
    const id = randomUUID();
    const shim = start([...STREAM, "--session-id", id]);
    expect(await shim.ask({ subtype: "initialize" })).toMatchObject({ subtype: "success" });
    const { sessions } = stack.client(ACCOUNT);
    expect(await sessions.open(id).retrieve()).toMatchObject({ id });
    shim.end();
    expect((await shim.ended).code).toBe(1);
    await expect(sessions.open(id).retrieve()).rejects.toMatchObject({ code: "session_not_found" });
  });

  test("renames its session, and says that there is no title to be made", async () => {
    const shim = start([...STREAM, ...resume()]);
    await shim.ask({ subtype: "initialize" });
    expect(await shim.ask({ subtype: "rename_session", title: "Named" })).toMatchObject({
      subtype: "success",
    });
    expect(await shim.ask({ subtype: "generate_session_title" })).toMatchObject({
      response: { title: null },
    });
    shim.end();
    await shim.ended;
    const kept = await stack.client(ACCOUNT).sessions.open(session).retrieve();
    expect(kept.title).toBe("Named");
  });

  test("holds no more than its bound of one line", async () => {
    const shim = start([...STREAM, ...resume()]);
    const piece = "x".repeat(1024 * 1024);
    for (let count = 0; count < 100; count += 1) shim.write(piece);
    shim.end();
    const { code, stderr } = await shim.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: A line of input is longer than \d+ bytes\.\n$/);
  });

  test.each([
    [{ CLAUDE_EDGE_URL: "", CLAUDE_EDGE_TOKEN: "" }, "No deployment is named"],
    [{ CLAUDE_EDGE_TOKEN: "ce_wrong", CLAUDE_EDGE_ACCOUNT: "" }, "error: "],
    [{ CLAUDE_EDGE_URL: "http://127.0.0.1:47" }, "could not be reached"],
    [{ CLAUDE_EDGE_URL: "", CLAUDE_EDGE_PROFILE: "nobody" }, "There is no profile nobody"],
  ])("says on one line that there is no deployment: %j", async (env, words) => {
    const shim = start(STREAM, env);
    shim.write({ type: "control_request", request_id: "1", request: { subtype: "initialize" } });
    shim.write(says("hi"));
    const { code, stderr } = await shim.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: [^\n]*\n$/);
    expect(stderr).toContain(words);
  });
});

describe("claude-edge stdio in a script", () => {
  const run = async (args: string[], { input = "", env = {} } = {}) => {
    const shim = start(args, env);
    shim.write(input);
    shim.end();
    return shim.ended;
  };

  test("names Claude Code's version, and whether a key is known", async () => {
    for (const flag of ["-v", "--version"]) {
      expect(await run([flag])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^\d+\.\d+\.\d+ \(Claude Code\)$/),
      });
    }
    expect(await run(["auth", "status", "--json"])).toMatchObject({
      code: 0,
      stdout: '{"loggedIn":true,"authMethod":"api_key","apiProvider":"firstParty"}',
    });
    const env = { CLAUDE_EDGE_URL: "" };
    expect(await run(["auth", "status", "--json"], { env })).toMatchObject({
      code: 1,
      stdout: '{"loggedIn":false,"authMethod":"none","apiProvider":"firstParty"}',
    });
  });

  test("prints an answer as text, as JSON, and as it comes", async () => {
    const prompt = ["-p", ...resume(), "%say Four."];
    expect(await run(prompt)).toEqual({ code: 0, stdout: "Four.", stderr: "" });
    const json = await run([...prompt, "--output-format", "json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      type: "result",
      subtype: "success",
      result: "Four.",
      session_id: session,
    });
    const stream = await run([...prompt, "--output-format=stream-json", "--verbose"]);
    const types = stream.stdout
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(["system", "assistant", "result"]);
  });

  test("takes its prompt from standard input, and goes on with the newest session", async () => {
    expect(await run(["-p", "-c"], { input: "%say Piped.\n" })).toMatchObject({
      code: 0,
      stdout: "Piped.",
    });
  });

  test("asks for a prompt where there is none", async () => {
    const { code, stderr } = await run(["-p"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Input must be provided either through stdin or as a prompt argument");
  });

  test("fails as claude does: by an error result, by a flag, by a way of writing", async () => {
    const failed = await run(["-p", ...resume(), "%error 400"]);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain("API Error: 400");
    expect(await run(["-p", "--modle=x", "hi"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: unknown option '--modle=x'\n",
    });
    expect((await run(["-p", "--output-format=stream-json", "hi"])).stderr).toContain(
      "requires --verbose",
    );
  });
});
