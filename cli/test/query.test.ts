import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { useAccounts } from "./support/accounts.js";
import { useCli, type RunOptions } from "./support/run.js";

const { edge, empty, cli } = useAccounts("query");
const { run } = useCli();

const here = () => ({ CLAUDE_EDGE_URL: edge.stack.url, CLAUDE_EDGE_TOKEN: edge.stack.token });
const query = (args: string[], options?: RunOptions) => cli("main", ["query", ...args], options);

/** A session that is there already: its process is warm, and most of what is looked at needs no new one. */
let id: string;
beforeAll(async () => {
  id = (await edge.client("main").sessions.create({ permissionMode: "dontAsk" })).id;
});
const resume = (args: string[], options?: RunOptions) => query(["-r", id, ...args], options);

describe("claude-edge query", () => {
  test("begins a session; prints the answer, and nothing else, on standard output", async () => {
    const flags = ["--session-id", randomUUID(), "--allowed-tools", "Bash,Read"];
    expect(await query([...flags, "%say Four."])).toEqual({
      code: 0,
      stdout: "Four.\n",
      stderr: "",
    });
    expect(await edge.client("main").sessions.open(flags[1]!).retrieve()).toMatchObject({
      options: { allowedTools: ["Bash", "Read"] },
    });
    expect(await cli("main", ["-p", "-r", id, "%say Five."])).toMatchObject({
      code: 0,
      stdout: "Five.\n",
    });
  });

  test("says what was refused where nobody could be asked", async () => {
    const { code, stdout, stderr } = await resume([
      '%tool Bash {"command":"curl -s http://127.0.0.1:1"}\n%say Done.',
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Done.\n" });
    expect(stderr).toContain("note: refused: Bash. --allowed-tools Bash allows it");
  });

  test("--verbose adds model, times, cost and session on standard error", async () => {
    const { stdout, stderr } = await resume(["%say Four.", "--verbose"]);
    expect(stdout).toBe("Four.\n");
    expect(stderr).toMatch(
      /^claude-opus-5-5 · first token \d+ ms · total \d+ ms · \$0\.\d{4} · session [0-9a-f-]{36}\n$/,
    );
  });

  test("json is one line with the result and its figures", async () => {
    const { stdout } = await resume(["%say Four.", "--output-format", "json"]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      type: "result",
      subtype: "success",
      is_error: false,
      result: "Four.",
      model: "claude-opus-5-5",
      session_id: id,
      total_cost_usd: expect.any(Number),
    });
  });

  test("stream-json is a message a line: init first, the result last, pieces on request", async () => {
    const lines = (text: string) =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const plain = lines((await resume(["%say Four.", "--output-format", "stream-json"])).stdout);
    expect(plain.map(({ type }) => type)).toContain("assistant");
    expect(plain.filter(({ type }) => type === "result")).toEqual([plain.at(-1)]);
    expect(plain.at(-1)).toMatchObject({ is_error: false, result: "Four." });
    expect(plain.some(({ type }) => type === "stream_event")).toBe(false);
    const partial = ["--output-format", "stream-json", "--include-partial-messages"];
    expect(
      lines((await resume(["%say Four.", ...partial])).stdout).some(
        ({ type }) => type === "stream_event",
      ),
    ).toBe(true);
  });

  test("-c goes on with the newest session, -r with the one named", async () => {
    const { session_id } = JSON.parse(
      (await resume(["My cat is called Mia.", "--output-format", "json"])).stdout,
    ) as { session_id: string };
    expect(session_id).toBe(id);
    expect((await query(["-c", "And now?"])).stdout).toContain("Mia");
    expect((await resume(["And now?"])).stdout).toContain("Mia");
    expect(await cli("nobody", ["query", "-c", "hi"])).toMatchObject({ code: 5 });
  });

  test("reads the prompt from standard input, or adds it", async () => {
    expect((await resume([], { input: "%say From a pipe." })).stdout).toBe("From a pipe.\n");
    expect((await resume(["-"], { input: "%say From a dash." })).stdout).toBe("From a dash.\n");
    expect((await resume(["Say it:"], { input: "%say Both." })).stdout).toBe("Both.\n");
  });

  const schema = JSON.stringify({ type: "object", properties: { n: { type: "integer" } } });

  test("passes options on, and checks them here", async () => {
    const flags = ["--json-schema", schema, "--model", "claude-haiku-4-5"];
    const { stdout } = await query(["Extract", ...flags, "--output-format", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      model: "claude-haiku-4-5",
      structured_output: { n: 1 },
    });
    expect(await query(["x", "--permission-mode", "yolo"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--permission-mode"),
    });
    expect(await query(["x", "--json-schema", "{"])).toMatchObject({ code: 2 });
    expect(await query(["x", "-c", "--model", "y"])).toMatchObject({ code: 2 });
  });

  test("in text mode a schema's answer is the value", async () => {
    expect(await query(["Extract", "--json-schema", schema])).toMatchObject({
      code: 0,
      stdout: '{"n":1}\n',
    });
  });

  test.each([
    ["a failed turn", () => ["-r", id, "%error 401"], 4, "fix: "],
    ["an overloaded model", () => ["-r", id, "%error 529"], 7, "fix: "],
    ["an empty prompt", () => [""], 2, "The prompt is empty"],
    [
      "a session that is not there",
      () => ["-r", "nope", "hi"],
      5,
      "No conversation found with session ID: nope",
    ],
    ["a format there is not", () => ["hi", "--output-format", "xml"], 2, "text, json, stream-json"],
    ["an unknown option", () => ["hi", "--modle", "x"], 2, "Did you mean --model?"],
    ["a number that is none", () => ["hi", "--max-turns", "x"], 2, "must be a positive number"],
  ])("%s ends with its own exit code and a way out", async (_what, args, code, message) => {
    const result = await query(args());
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
  });

  test("flags that make no sense together are refused", async () => {
    for (const args of [
      ["-c", "-r", "x"],
      ["--include-partial-messages"],
      ["--max-turns", "1.5"],
    ]) {
      expect(await query(["hi", ...args])).toMatchObject({ code: 2, stdout: "" });
    }
    expect(await query(["hi", "--permission-mode", "yolo"])).toMatchObject({
      stderr: expect.stringContaining("Allowed choices are default, acceptEdits"),
    });
  });

  test("what fails before a turn is a JSON result too", async () => {
    const { code, stdout } = await query(["-r", "nope", "hi", "--output-format", "json"]);
    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      is_error: true,
      error: { code: "session_not_found" },
    });
  });

  test("a failed turn is a JSON result too, that agrees with itself", async () => {
    const { code, stdout } = await resume(["%error 400", "--output-format", "json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      type: "result",
      subtype: "error",
      is_error: true,
      error: { code: "model_invalid_request" },
      session_id: id,
    });
  });

  test("a folder's dev file gets no key but its own, and only on this machine", async () => {
    const folder = join(empty, "trap", ".wrangler", "claude-edge");
    mkdirSync(folder, { recursive: true });
    const seen: (string | undefined)[] = [];
    const trap = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(500).end();
    }).listen(0, "127.0.0.1");
    const port = await until("a port", () => (trap.address() as { port: number } | null)?.port);
    const write = (url: string, pid: number) =>
      writeFileSync(join(folder, "dev.json"), JSON.stringify({ url, token: "its-own", pid }));
    const ask = () =>
      run(["query", "hi"], { cwd: join(empty, "trap"), env: { CLAUDE_EDGE_TOKEN: "secret" } });
    write("https://example.com", process.pid);
    expect(await ask()).toMatchObject({ code: 2 });
    write(`http://127.0.0.1:${port}`, 0);
    expect(await ask()).toMatchObject({ code: 2 });
    write(`http://127.0.0.1:${port}`, process.pid);
    await ask();
    trap.close();
    expect(new Set(seen)).toEqual(new Set(["Bearer its-own"]));
  });

  test("without a deployment, a key, or anybody there", async () => {
    expect(await run(["query", "hi"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("CLAUDE_EDGE_URL"),
    });
    const env = { CLAUDE_EDGE_URL: edge.stack.url };
    expect(await run(["query", "hi"], { env })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("CLAUDE_EDGE_TOKEN"),
    });
    const wrong = { ...here(), CLAUDE_EDGE_TOKEN: "wrong" };
    expect(await run(["query", "hi"], { env: wrong })).toMatchObject({ code: 4 });
    expect(await query(["hi", "--url", "http://127.0.0.1:9"])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("http://127.0.0.1:9"),
    });
  });
});

describe("claude-edge", () => {
  test("--version and --help go to standard output", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
    const help = await run(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("Exit codes");
    expect((await run([])).stdout).toBe(help.stdout);
    expect((await run(["query", "--help"])).stdout).toContain("Examples:");
  });

  test("knows what was meant", async () => {
    const { code, stdout, stderr } = await run(["qurey", "hi"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Did you mean query?");
  });
});
