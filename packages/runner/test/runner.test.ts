import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startScriptedModel, type ScriptedModel } from "@claude-edge/local";
import type { LogFrame, LogLine, RunnerHealth, SpareFrame } from "@claude-edge/protocol/runner";
import { findMarked } from "@claude-edge/runner/processes";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { until } from "../../../tests/support/wait.js";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

let model: ScriptedModel;
let folder: string;
let runner: ChildProcess;
let socketPath: string;

beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "runner-"));
  socketPath = join(folder, "runner.sock");
  await launch({});
});

/** Starts the runner; without spares unless the test wants them. */
async function launch(env: Record<string, string>): Promise<void> {
  runner = spawn(process.execPath, [BIN, folder], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      PORT: socketPath,
      IS_SANDBOX: "1",
      CLAUDE_EDGE_WORKSPACES: join(folder, "workspace"),
      CLAUDE_EDGE_STATE: join(folder, "state"),
      CLAUDE_EDGE_SPARES: "0",
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: model.key,
      ...env,
    },
    stdio: "ignore",
  });
  await until("the runner answers", () => call("GET", "/health").catch(() => undefined));
}

async function relaunch(env: Record<string, string>): Promise<void> {
  runner.kill("SIGTERM");
  await new Promise((resolve) => runner.once("exit", resolve));
  await launch(env);
}

afterEach(async () => {
  if (runner.exitCode === null && runner.signalCode === null) {
    runner.kill("SIGKILL");
    await new Promise((resolve) => runner.once("exit", resolve));
  }
  rmSync(folder, { recursive: true, force: true });
});

function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode!, text }));
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Reads the log from a cursor until `enough`; gives the frames. */
function readLog(query: string, enough: (frame: LogFrame) => boolean): Promise<LogFrame[]> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: `/log?${query}` }, (answer) => {
      const frames: LogFrame[] = [];
      let open = "";
      // Leaving in mid-answer is the reader's own doing.
      answer.on("error", () => {});
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        const lines = (open + chunk).split("\n");
        open = lines.pop()!;
        for (const line of lines) {
          const parsed = JSON.parse(line) as LogLine;
          if (parsed.kind === "head" || parsed.kind === "ping") continue;
          frames.push(parsed);
          if (!enough(parsed)) continue;
          sent.destroy();
          return resolve(frames);
        }
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}

const start = (session: string, turn: string, prompt: string, options = {}) =>
  call("PUT", `/sessions/${session}/turns/${turn}`, { prompt, options });

const ends = (turn: string) => (frame: LogFrame) =>
  frame.kind === "turn" && frame.turn === turn && frame.status !== "running";

const boot = async () => (JSON.parse((await call("GET", "/health")).text) as RunnerHealth).boot;

describe("the runner", () => {
  test("tells its boot, versions and protocol", async () => {
    const health = JSON.parse((await call("GET", "/health")).text) as RunnerHealth;
    expect(health).toEqual({
      status: "ok",
      boot: expect.any(String),
      version: "0.1.0",
      protocol: 1,
      sdk_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });

  test("writes a turn into its log: running, the messages, the end", async () => {
    const [session, turn] = [randomUUID(), randomUUID()];
    expect((await start(session, turn, "%say Hello.")).status).toBe(202);
    const frames = await readLog("after=0", ends(turn));
    expect(frames.map(({ cursor }) => cursor)).toEqual(frames.map((_frame, index) => index + 1));
    expect(frames[0]).toMatchObject({ kind: "turn", status: "running", session, turn });
    expect(frames.at(-1)).toMatchObject({ status: "completed", result: { text: "Hello." } });
    const result = frames.find(
      (frame) => frame.kind === "message" && frame.message.type === "result",
    );
    expect(result).toMatchObject({ message: { user_message_uuid: turn } });
  });

  test("gives the log again from any cursor, until it is acknowledged", async () => {
    const [session, turn] = [randomUUID(), randomUUID()];
    await start(session, turn, "%tokens 50");
    const all = await readLog("after=0", ends(turn));
    const query = `boot=${await boot()}`;
    for (const after of [1, 7, all.length - 1]) {
      expect(await readLog(`${query}&after=${after}`, ends(turn))).toEqual(all.slice(after));
    }
    // A cursor of another boot means nothing.
    expect(await readLog(`boot=other&after=7`, ends(turn))).toEqual(all);
    await call("POST", `/log/ack?${query}&cursor=10`);
    expect((await readLog(`${query}&after=0`, ends(turn)))[0]!.cursor).toBe(11);
  });

  test("starts the same turn once, and one at a time", async () => {
    const [session, turn] = [randomUUID(), randomUUID()];
    await start(session, turn, "%wait 300\n%say once");
    expect((await start(session, turn, "%wait 300\n%say once")).status).toBe(202);
    expect((await start(session, randomUUID(), "other")).status).toBe(409);
    const frames = await readLog("after=0", ends(turn));
    expect(
      frames.filter((frame) => frame.kind === "turn" && frame.status === "running"),
    ).toHaveLength(1);
    expect((await start(session, turn, "again")).status).toBe(202);
  });

  test("a start that fails is a failed turn that says why", async () => {
    const [session, turn] = [randomUUID(), randomUUID()];
    await start(session, turn, "hello", { permissionMode: "no-such-mode" });
    const end = (await readLog("after=0", ends(turn))).at(-1);
    expect(end).toMatchObject({ status: "failed", error: { code: "agent_start_failed" } });
    expect(JSON.stringify(end)).toContain("no-such-mode");
  });

  test("a process that is killed in mid-turn fails the turn; the session goes on", async () => {
    const [session, first, second, third] = Array.from({ length: 4 }, () => randomUUID()) as [
      string,
      string,
      string,
      string,
    ];
    await start(session, first, "My name is Ada.");
    await readLog("after=0", ends(first));
    await start(session, second, "%say Begun.\n%wait 30000\n%say Never.");
    await readLog("after=0", (frame) => JSON.stringify(frame).includes("Begun."));
    for (const pid of findMarked("CLAUDE_EDGE_SESSION", session)) process.kill(pid, "SIGKILL");
    expect((await readLog("after=0", ends(second))).at(-1)).toMatchObject({
      status: "failed",
      error: { code: "agent_exited" },
    });
    await start(session, third, "What did I say earlier?");
    const end = (await readLog("after=0", ends(third))).at(-1);
    expect(end).toMatchObject({
      status: "completed",
      result: { text: expect.stringContaining("Ada") },
    });
  });

  test("an interrupt that arrives with the turn stops it", async () => {
    const [session, turn] = [randomUUID(), randomUUID()];
    await start(session, turn, "%wait 30000\n%say Never.");
    await call("POST", `/sessions/${session}/turns/${turn}/interrupt`);
    expect((await readLog("after=0", ends(turn))).at(-1)).toMatchObject({ status: "interrupted" });
  });

  test("answers what it does not know with 404", async () => {
    expect((await call("GET", "/nothing")).status).toBe(404);
    expect((await call("PUT", "/sessions/../turns/x", {})).status).toBe(404);
    const [session, turn] = [randomUUID(), randomUUID()];
    expect((await call("POST", `/sessions/${session}/turns/${turn}/interrupt`)).status).toBe(200);
  });

  test("SIGTERM in mid-turn ends it within seconds and leaves no process", async () => {
    const [session, turn] = [randomUUID(), randomUUID()];
    const command = "sleep 300 & setsid sleep 301 & sleep 302";
    await start(session, turn, `%tool Bash ${JSON.stringify({ command })}\n%say Never.`, {
      permissionMode: "bypassPermissions",
    });
    await until(
      "the tool's processes run",
      () => findMarked("CLAUDE_EDGE_SESSION", session).length >= 4,
    );
    const exited = new Promise((resolve) => runner.once("exit", resolve));
    runner.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect(findMarked("CLAUDE_EDGE_SESSION", session)).toEqual([]);
  });
});

const processesOf = (session: string) => findMarked("CLAUDE_EDGE_SESSION", session).length;

/** Runs a turn to its end; gives its last frame. */
async function turnOf(session: string, prompt: string, options = {}) {
  const turn = randomUUID();
  const before = (
    JSON.parse((await start(session, turn, prompt, options)).text) as { cursor: number }
  ).cursor;
  return (await readLog(`boot=${await boot()}&after=${before}`, ends(turn))).at(-1)!;
}

describe("the processes of a runner", () => {
  test("are kept between turns, and end when nobody comes back; the session goes on all the same", async () => {
    await relaunch({ CLAUDE_EDGE_HOT_MS: "1000" });
    const session = randomUUID();
    await turnOf(session, "My name is Ada.");
    expect(processesOf(session)).toBe(1);
    await until("the process has ended", () => processesOf(session) === 0);
    expect(await turnOf(session, "And now?")).toMatchObject({
      status: "completed",
      result: { text: expect.stringContaining("Ada") },
    });
  });

  test("are replaced when they have had many turns", async () => {
    await relaunch({ CLAUDE_EDGE_MAX_PROCESS_TURNS: "2" });
    const session = randomUUID();
    await turnOf(session, "My name is Ada.");
    const first = findMarked("CLAUDE_EDGE_SESSION", session);
    await turnOf(session, "%say Second.");
    await until("the process has ended", () => processesOf(session) === 0);
    expect(await turnOf(session, "And now?")).toMatchObject({
      result: { text: expect.stringContaining("Ada") },
    });
    expect(findMarked("CLAUDE_EDGE_SESSION", session)).not.toEqual(first);
  });

  test("are made ready for sessions to come: the session that gets one is that process", async () => {
    await relaunch({ CLAUDE_EDGE_SPARES: "1" });
    const [frame] = await readLog("after=0", ({ kind }) => kind === "spare");
    const { session } = frame!;
    const [ready] = findMarked("CLAUDE_EDGE_SESSION", session);
    const end = await turnOf(session, "Hello", { model: "claude-haiku-4-5" });
    expect(end).toMatchObject({ status: "completed", result: { model: "claude-haiku-4-5" } });
    expect(findMarked("CLAUDE_EDGE_SESSION", session)).toEqual([ready]);
    // Another takes its place.
    await readLog(`boot=${await boot()}&after=${end.cursor}`, ({ kind }) => kind === "spare");
  });

  test("are made ready for sessions that ask for approvals when the last one did", async () => {
    await relaunch({ CLAUDE_EDGE_SPARES: "1" });
    const [plain] = await readLog("after=0", ({ kind }) => kind === "spare");
    expect(plain).toMatchObject({ asks: false });
    const options = { canUseTool: true as const };
    const end = await turnOf(randomUUID(), "%say Hello.", options);
    const frames = await readLog(
      `boot=${await boot()}&after=${end.cursor}`,
      ({ kind }) => kind === "spare",
    );
    const { session, asks } = frames.at(-1) as SpareFrame;
    expect(asks).toBe(true);
    // The one that will not be wanted is gone.
    expect(findMarked("CLAUDE_EDGE_SESSION", plain!.session)).toEqual([]);
    const [ready] = findMarked("CLAUDE_EDGE_SESSION", session);
    expect(await turnOf(session, "%say Asked.", options)).toMatchObject({
      result: { text: "Asked." },
    });
    expect(findMarked("CLAUDE_EDGE_SESSION", session)).toEqual([ready]);
    expect(model.requests.at(-1)!.body.tools!.map(({ name }) => name)).toContain("AskUserQuestion");
  });

  test("a spare that died, or that will not do, is replaced by a process of the session's own", async () => {
    await relaunch({ CLAUDE_EDGE_SPARES: "1" });
    const [first] = await readLog("after=0", ({ kind }) => kind === "spare");
    for (const pid of findMarked("CLAUDE_EDGE_SESSION", first!.session))
      process.kill(pid, "SIGKILL");
    expect(await turnOf(first!.session, "%say Alive.")).toMatchObject({
      result: { text: "Alive." },
    });
    const frames = await readLog(
      `boot=${await boot()}&after=${first!.cursor}`,
      ({ kind }) => kind === "spare",
    );
    const second = frames.at(-1)!.session;
    const options = { systemPrompt: "Another one." };
    expect(await turnOf(second, "%say Other.", options)).toMatchObject({
      result: { text: "Other." },
    });
    expect(JSON.stringify(model.requests.at(-1)!.body.system)).toContain("Another one.");
  });

  test("a spare will not do for a session that bypasses permissions", async () => {
    await relaunch({ CLAUDE_EDGE_SPARES: "1" });
    const [spare] = await readLog("after=0", ({ kind }) => kind === "spare");
    const options = { permissionMode: "bypassPermissions" };
    expect(await turnOf(spare!.session, "%say Bypassed.", options)).toMatchObject({
      status: "completed",
      result: { text: "Bypassed." },
    });
  });

  test("are refused while memory is short, and the caller is asked to come back", async () => {
    await relaunch({ CLAUDE_EDGE_RESERVE_MB: "100000000" });
    const { status, text } = await start(randomUUID(), randomUUID(), "hello");
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ error: "container_full" });
  });

  test("end when their session is removed", async () => {
    const session = randomUUID();
    await turnOf(session, "Hello");
    await call("DELETE", `/sessions/${session}`);
    expect(processesOf(session)).toBe(0);
    expect(await turnOf(session, "And now?")).toMatchObject({
      result: { text: expect.not.stringContaining("Hello") },
    });
  });

  test("a tool's processes end with the claude that started them", async () => {
    const session = randomUUID();
    const turn = randomUUID();
    const command = "setsid sleep 303 & sleep 304";
    await start(session, turn, `%tool Bash ${JSON.stringify({ command })}`, {
      permissionMode: "bypassPermissions",
    });
    await until("the tool runs", () => processesOf(session) >= 3);
    process.kill(Math.min(...findMarked("CLAUDE_EDGE_SESSION", session)), "SIGKILL");
    expect((await readLog("after=0", ends(turn))).at(-1)).toMatchObject({
      error: { code: "agent_exited" },
    });
    expect(processesOf(session)).toBe(0);
  });
});
