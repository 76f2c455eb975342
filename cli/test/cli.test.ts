import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";

import { beforeAll, describe, expect, test } from "vitest";

import { useStack } from "../../tests/support/stack.js";
import { until } from "../../tests/support/wait.js";
import { useProjects } from "./support/project.js";
import { BIN, useCli, type Run, type RunOptions } from "./support/run.js";

const edge = useStack();
const makeProject = useProjects();
const { empty, run } = useCli();

let project: string;
beforeAll(() => {
  project = makeProject();
});

const here = () => ({ CLAUDE_EDGE_URL: edge.stack.url, CLAUDE_EDGE_TOKEN: edge.stack.token });
const query = (args: string[], options: RunOptions = {}) =>
  run(["query", ...args], { ...options, env: { ...here(), ...options.env } });

describe("claude-edge query", () => {
  test("prints the answer, and nothing else, on standard output", async () => {
    expect(await query(["%say Four."])).toEqual({ code: 0, stdout: "Four.\n", stderr: "" });
    expect(await run(["-p", "%say Five."], { env: here() })).toMatchObject({
      code: 0,
      stdout: "Five.\n",
    });
  });

  test("says what was refused where nobody could be asked", async () => {
    const { code, stdout, stderr } = await query([
      '%tool Bash {"command":"curl -s http://127.0.0.1:1"}\n%say Done.',
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Done.\n" });
    expect(stderr).toContain("note: refused: Bash. --allowed-tools Bash allows it");
  });

  test("--verbose adds model, times, cost and session on standard error", async () => {
    const { stdout, stderr } = await query(["%say Four.", "--verbose"]);
    expect(stdout).toBe("Four.\n");
    expect(stderr).toMatch(
      /^claude-opus-5-5 · first token \d+ ms · total \d+ ms · \$0\.\d{4} · session [0-9a-f-]{36}\n$/,
    );
  });

  test("json is one line with the result and its figures", async () => {
    const { stdout } = await query(["%say Four.", "--output-format", "json"]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      type: "result",
      subtype: "success",
      is_error: false,
      result: "Four.",
      model: "claude-opus-5-5",
      session_id: expect.any(String),
      total_cost_usd: expect.any(Number),
    });
  });

  test("stream-json is a message a line: init first, the result last, pieces on request", async () => {
    const lines = (text: string) =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const plain = lines((await query(["%say Four.", "--output-format", "stream-json"])).stdout);
    expect(plain.map(({ type }) => type)).toContain("assistant");
    expect(plain.filter(({ type }) => type === "result")).toEqual([plain.at(-1)]);
    expect(plain.at(-1)).toMatchObject({ is_error: false, result: "Four." });
    expect(plain.some(({ type }) => type === "stream_event")).toBe(false);
    const partial = ["--output-format", "stream-json", "--include-partial-messages"];
    expect(
      lines((await query(["%say Four.", ...partial])).stdout).some(
        ({ type }) => type === "stream_event",
      ),
    ).toBe(true);
  });

  test("-c goes on with the newest session, -r with the one named", async () => {
    const env = { CLAUDE_EDGE_ACCOUNT: "cli-sessions" };
    const first = await query(["My cat is called Mia.", "--output-format", "json"], { env });
    const { session_id } = JSON.parse(first.stdout) as { session_id: string };
    expect((await query(["-c", "And now?"], { env })).stdout).toContain("Mia");
    expect((await query(["-r", session_id, "And now?"], { env })).stdout).toContain("Mia");
    expect(await query(["-c", "hi"], { env: { CLAUDE_EDGE_ACCOUNT: "nobody" } })).toMatchObject({
      code: 5,
    });
  });

  test("reads the prompt from standard input, or adds it", async () => {
    expect((await query([], { input: "%say From a pipe." })).stdout).toBe("From a pipe.\n");
    expect((await query(["-"], { input: "%say From a dash." })).stdout).toBe("From a dash.\n");
    expect((await query(["Say it:"], { input: "%say Both." })).stdout).toBe("Both.\n");
  });

  test("passes options on, and checks them here", async () => {
    const schema = JSON.stringify({ type: "object", properties: { n: { type: "integer" } } });
    const { stdout } = await query(["Extract", "--json-schema", schema, "--output-format", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ structured_output: { n: 1 } });
    expect(
      await query(["x", "--model", "claude-haiku-4-5", "--output-format", "json"]),
    ).toMatchObject({
      stdout: expect.stringContaining("claude-haiku-4-5"),
    });
    expect(await query(["x", "--permission-mode", "yolo"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--permission-mode"),
    });
    expect(await query(["x", "--json-schema", "{"])).toMatchObject({ code: 2 });
    expect(await query(["x", "-c", "--model", "y"])).toMatchObject({ code: 2 });
  });

  test.each([
    ["a failed turn", ["%error 401"], 4, "fix: "],
    ["an overloaded model", ["%error 529"], 7, "fix: "],
    ["an empty prompt", [""], 2, "The prompt is empty"],
    ["a session that is not there", ["-r", "nope", "hi"], 5, "There is no session nope"],
    ["a format there is not", ["hi", "--output-format", "xml"], 2, "text, json, stream-json"],
    ["an unknown option", ["hi", "--modle", "x"], 2, "Did you mean --model?"],
    ["a number that is none", ["hi", "--max-turns", "x"], 2, "must be a positive number"],
  ])("%s ends with its own exit code and a way out", async (_what, args, code, message) => {
    const result = await query(args);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
  });

  test("in text mode a schema's answer is the value", async () => {
    const schema = JSON.stringify({ type: "object", properties: { n: { type: "integer" } } });
    expect(await query(["Extract", "--json-schema", schema])).toMatchObject({
      code: 0,
      stdout: '{"n":1}\n',
    });
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
    const tools = await query(["--allowed-tools", "Bash,Read", "%say Listed."]);
    expect(tools.stdout).toBe("Listed.\n");
  });

  test("what fails before a turn is a JSON result too", async () => {
    const { code, stdout } = await query(["-r", "nope", "hi", "--output-format", "json"]);
    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      is_error: true,
      error: { code: "session_not_found" },
    });
  });

  test("Ctrl-C while the prompt is awaited sends nothing", async () => {
    const account = { CLAUDE_EDGE_ACCOUNT: "cli-early" };
    const child = spawn(process.execPath, [BIN, "query"], {
      env: { PATH: process.env.PATH!, HOME: empty, ...here(), ...account },
      stdio: ["pipe", "ignore", "ignore"],
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill("SIGINT");
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(130);
    const list = await edge.fetch("/v1/sessions", { account: "cli-early" });
    expect(await list.json()).toEqual({ sessions: [] });
  });

  test("a folder's dev file gets no key but its own, and only on this machine", async () => {
    const folder = join(empty, "trap", ".wrangler", "claude-edge");
    mkdirSync(folder, { recursive: true });
    const seen: (string | undefined)[] = [];
    const trap = createHttpServer((request, response) => {
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

  test("a failed turn is a JSON result too, that agrees with itself", async () => {
    const { code, stdout } = await query(["%error 400", "--output-format", "json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      type: "result",
      subtype: "error",
      is_error: true,
      error: { code: "model_invalid_request" },
      session_id: expect.any(String),
    });
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
    expect(await query(["hi"], { env: { CLAUDE_EDGE_TOKEN: "wrong" } })).toMatchObject({ code: 4 });
    expect(await query(["hi", "--url", "http://127.0.0.1:9"])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("http://127.0.0.1:9"),
    });
  });

  test("Ctrl-C stops the turn on the deployment and ends with 130", async () => {
    const env = { CLAUDE_EDGE_ACCOUNT: "cli-interrupt" };
    let sent = false;
    const result = await query(["%say Begun.\n%wait 30000\n%say Never."], {
      env,
      onOutput: (child, stdout) => {
        if (sent || !stdout.includes("Begun.")) return;
        sent = true;
        child.kill("SIGINT");
      },
    });
    expect(result.code).toBe(130);
    const { sessions } = (await (
      await edge.fetch("/v1/sessions", { account: "cli-interrupt" })
    ).json()) as {
      sessions: { status: string }[];
    };
    expect(sessions[0]!.status).toBe("idle");
  });

  test("a reader of the pipe that leaves is no error", async () => {
    const child = spawn(
      "sh",
      ["-c", `"${process.execPath}" "${BIN}" query "%tokens 5000" | head -c 5`],
      {
        env: { PATH: process.env.PATH!, HOME: empty, ...here() },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data) => (stdout += data));
    child.stderr.on("data", (data) => (stderr += data));
    await new Promise((resolve) => child.once("close", resolve));
    expect({ stdout, stderr }).toEqual({ stdout: "word1", stderr: "" });
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

describe("claude-edge dev", () => {
  /** Runs `dev` for the project while the test does its work; gives how it ended. */
  async function whileDev(
    work: (url: string, output: () => string) => Promise<void>,
  ): Promise<Run> {
    const child = spawn(process.execPath, [BIN, "dev", "--port", "0"], {
      cwd: project,
      env: { PATH: process.env.PATH!, HOME: empty, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    try {
      await until("dev is up", () => stdout.endsWith("\n"));
      await work(stdout.trim(), () => stderr);
    } finally {
      child.kill("SIGINT");
    }
    return { code: await ended, stdout, stderr };
  }

  const ask = (cwd: string, prompt = "%say Found you.") => run(["query", prompt], { cwd });
  const found = { code: 0, stdout: "Found you.\n", stderr: "" };

  test("serves the project until Ctrl-C, and query finds it from the folder and below", async () => {
    let at = "";
    const { code, stdout, stderr } = await whileDev(async (url) => {
      at = url;
      expect(await ask(project)).toEqual(found);
      expect(await ask(join(project, "src"))).toEqual(found);
      const env = { CLAUDE_EDGE_TOKEN: "of another deployment" };
      expect(await run(["query", "%say Found you."], { cwd: project, env })).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("CLAUDE_EDGE_TOKEN is left aside"),
      });
      const second = await run(["dev", "--port", "0"], { cwd: project });
      expect(second).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining(url) });
      expect(await ask(project)).toEqual(found);
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${at}\n` });
    expect(stderr).toContain("scripted model");
    await expect(fetch(at)).rejects.toThrow();
    expect(await ask(project)).toMatchObject({ code: 2 });
  });

  test("follows edits of the Worker and of the agent", async () => {
    const [worker, agent] = [join(project, "src", "worker.ts"), join(project, "agent.config.ts")];
    const sources = new Map([worker, agent].map((path) => [path, readFileSync(path, "utf8")]));
    await whileDev(async (_url, output) => {
      expect(await ask(project)).toEqual(found);
      appendFileSync(worker, "// edited\n");
      await until("the edited Worker answers", async () => (await ask(project)).code === 0);
      writeFileSync(worker, "export default {");
      await until("the broken Worker is reported", () => output().includes("worker.ts"));
      writeFileSync(worker, sources.get(worker)!);
      await until("the mended Worker answers", async () => (await ask(project)).code === 0);

      writeFileSync(agent, "export default {");
      await until("the broken agent is reported", async () => {
        const { code, stderr } = await ask(project);
        return code === 1 && stderr.includes("agent.config.ts");
      });
      writeFileSync(agent, sources.get(agent)!);
      await until("the mended agent answers", async () => (await ask(project)).code === 0);
    });
    for (const [path, source] of sources) writeFileSync(path, source);
  });

  test.each([
    ["a folder without a project", () => ["dev", empty], 2, "no wrangler.jsonc"],
    ["a folder that is not there", () => ["dev", join(empty, "none")], 2, "There is no folder"],
    ["a port that is none", () => ["dev", project, "--port", "x"], 2, "not a port"],
  ])("%s is said in one line with the fix", async (_what, args, code, message) => {
    const result = await run(args());
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
  });

  test("a project without wrangler.jsonc, and a port that is taken", async () => {
    const source = join(project, "src");
    expect(await run(["dev", source])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no wrangler.jsonc"),
    });
    const server = createServer().listen(0, "127.0.0.1");
    const port = await until("a port", () => (server.address() as { port: number } | null)?.port);
    expect(await run(["dev", project, "--port", String(port)])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("--port"),
    });
    server.close();
  });
});

describe("an old Node", () => {
  test("is told so in one line", async () => {
    const preload = join(empty, "old.cjs");
    writeFileSync(
      preload,
      `Object.defineProperty(process.versions, "node", { value: "20.20.2" });`,
    );
    const { code, stderr } = await run(["--version"], {
      env: { NODE_OPTIONS: `--require ${preload}` },
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: claude-edge needs Node\.js 22\.19 or newer; this is 20\.20\.2\n {2}fix: .+\n$/,
    );
  });
});
