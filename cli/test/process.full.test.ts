import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { EdgeEvent } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { useAccounts } from "./support/accounts.js";
import { useFront } from "./support/front.js";
import { makeHome } from "./support/home.js";
import { useLoopback } from "./support/loopback.js";
import { BIN, useCli, type RunOptions } from "./support/run.js";
import { linesOf } from "./support/sessions.js";
import { bareEnvironment, Output } from "./support/world.js";

// What only a process shows: its start, its signals and its pipes. Everything else of the CLI runs in the tests' own.

const { edge, empty, envOf, cliProcess } = useAccounts("process");
const { run, runProcess, spawnCli } = useCli();
const { serve } = useLoopback();
const front = useFront(() => edge.stack.url);

/** A session with more in its log than a pipe holds, so that a reader is gone before all is written. */
let id: string;
beforeAll(async () => {
  const session = await edge.client("main").sessions.create();
  await session.send("%bytes 300000");
  id = session.id;
});

/** Runs a line of bash, in which `$CLI` is the program; gives what it has on standard output and on standard error. */
async function bash(line: string): Promise<{ stdout: string; stderr: string }> {
  const shell = spawn("bash", ["-c", line], {
    cwd: empty,
    env: { ...bareEnvironment(empty), ...envOf("main"), CLI: `${process.execPath} ${BIN}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = [new Output(), new Output()];
  shell.stdout.pipe(stdout);
  shell.stderr.pipe(stderr);
  await once(shell, "close");
  return { stdout: stdout.text, stderr: stderr.text };
}

describe("the start", () => {
  test("--version and --help, by the bundle as by the sources", async () => {
    expect(await runProcess(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
    expect(await runProcess(["--help"])).toEqual(await run(["--help"]));
    expect(await runProcess(["qurey"])).toEqual(await run(["qurey"]));
  });

  test.each([["--version"], ["doctor"]])("%s on an old Node says so in one line", async (arg) => {
    const preload = join(empty, "old.cjs");
    writeFileSync(
      preload,
      `Object.defineProperty(process.versions, "node", { value: "20.20.2" });`,
    );
    const env = { NODE_OPTIONS: `--require ${preload}` };
    const { code, stdout, stderr } = await runProcess([arg], { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
      /^error: claude-edge needs Node\.js 22\.19 or newer; this is 20\.20\.2\n {2}fix: .+\n$/,
    );
  });

  test("colours go into a pipe where they are asked for", async () => {
    const show = (env: Record<string, string>) =>
      cliProcess("main", ["sessions", "show", id], { env });
    const colours = await show({ NO_COLOR: "", FORCE_COLOR: "1" });
    expect(colours.stdout).toContain("\u001b[1m> %bytes");
    expect((await show({})).stdout).not.toContain("\u001b");
  });

  test("a prompt is read from a pipe, and an agent's answer written to one", async () => {
    expect(
      await cliProcess("main", ["query", "-r", id, "Say it:"], { input: "%say Both." }),
    ).toEqual({ code: 0, stdout: "Both.\n", stderr: "" });
    // Nothing is waited for where standard input is /dev/null.
    expect(await cliProcess("main", ["query", "-r", id, "%say Alone."])).toEqual({
      code: 0,
      stdout: "Alone.\n",
      stderr: "",
    });
  });
});

describe("Ctrl-C", () => {
  const interrupting = (account: string, args: string[], text: string, options?: RunOptions) => {
    const stop = new AbortController();
    const onOutput = (stdout: string) => stdout.includes(text) && stop.abort();
    return cliProcess(account, args, { ...options, onOutput, signal: stop.signal });
  };

  test("stops the turn on the deployment and ends with 130", async () => {
    const prompt = "%say Begun.\n%wait 30000\n%say Never.";
    const result = await interrupting("main", ["query", "-r", id, prompt], "Begun.");
    expect(result.code).toBe(130);
    expect((await edge.client("main").sessions.open(id).retrieve()).status).toBe("idle");
  });

  test("is not held up by a deployment that does not take it", async () => {
    let isAsked = false;
    front.onRequest = (line) => (isAsked ||= /^POST .*\/interrupt$/.test(line));
    const url = ["--url", front.url];
    const prompt = "%say Begun.\n%wait 30000\n%say Never.";
    const result = await interrupting("main", ["query", "-r", id, prompt, ...url], "Begun.");
    expect({ isAsked, code: result.code }).toEqual({ isAsked: true, code: 130 });
    await edge.client("main").sessions.open(id).interrupt();
  });

  test("while the prompt is awaited sends nothing", async () => {
    const child = spawnCli(["query"], { env: envOf("early") });
    // More than a pipe holds: when all of it is written, it is being read.
    await new Promise((done) => child.stdin!.write("x".repeat(1_000_000), done));
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    const list = await edge.fetch("/v1/sessions", { account: "early" });
    expect(await list.json()).toEqual({ sessions: [] });
  });

  test("while a key is waited for is no error", async () => {
    const home = makeHome(empty);
    const child = spawnCli(["login", "http://192.0.2.1", "--with-token"], { env: home.env });
    const said = new Output();
    child.stderr!.pipe(said);
    await until("it waits", () => said.text.includes("plain HTTP"));
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([130, null]);
    expect(said.text.split("\n")).toHaveLength(2);
    expect(existsSync(home.path)).toBe(false);
  });

  test("while events are followed leaves whole lines and no message", async () => {
    const args = ["sessions", "events", id, "--follow"];
    const { code, stdout, stderr } = await interrupting("main", args, '"completed"');
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    const seqs = linesOf<EdgeEvent>(stdout).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  test("does not wait for a deployment that no longer answers", async () => {
    let asked = false;
    const url = await serve(() => {
      asked = true;
    });
    const stop = new AbortController();
    const env = { ...envOf("main"), CLAUDE_EDGE_URL: url };
    const running = runProcess(["doctor"], { env, signal: stop.signal });
    await until("it asks", () => asked);
    stop.abort();
    expect((await running).code).toBe(130);
  });
});

describe("a pipe whose reader leaves", () => {
  test.each(["", "--follow"])(
    "sessions events %s | head -1 is one line and no error",
    async (flag) => {
      const { stdout, stderr } = await bash(
        `$CLI sessions events ${id} ${flag} | head -1; echo "\${PIPESTATUS[*]}"`,
      );
      const [line, statuses] = stdout.split("\n");
      expect(JSON.parse(line!)).toMatchObject({ seq: 1, prompt: "%bytes 300000" });
      expect({ statuses, stderr }).toEqual({ statuses: "0 0", stderr: "" });
    },
  );

  test("while the agent still writes is no error either", async () => {
    expect(await bash(`$CLI query -r ${id} "%tokens 5000" | head -c 5`)).toEqual({
      stdout: "word1",
      stderr: "",
    });
  });

  test("of standard error stops nothing", async () => {
    // It says there that there are none.
    const child = spawnCli(["sessions", "list"], { env: envOf("nobody") });
    child.stderr!.destroy();
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});
