import { randomUUID } from "node:crypto";

import { findMarked } from "@claude-edge/runner/processes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { TestRunner, type TestSession } from "./support/runner.js";
import { useRunnerWithModel } from "./support/use-runner.js";

const processesOf = ({ id }: { id: string }) => findMarked({ CLAUDE_EDGE_SESSION: id });

/** Runs a turn with no options but these; gives its last frame. */
const turnOf = async (session: TestSession, prompt: string, options = {}) =>
  (await session.turn(prompt, { options })).at(-1)!;

describe("the processes of a runner", () => {
  const { runner } = useRunnerWithModel({ env: { CLAUDE_EDGE_HOT_MS: "1500" } });

  test("are kept between turns, and end when nobody comes back; the session goes on all the same", async () => {
    const session = runner.session();
    await turnOf(session, "My name is Ada.");
    expect(processesOf(session)).toHaveLength(1);
    await until("the process has ended", () => processesOf(session).length === 0);
    expect(await turnOf(session, "And now?")).toMatchObject({
      status: "completed",
      result: { text: expect.stringContaining("Ada") },
    });
  });
});

describe("a process", () => {
  const { runner } = useRunnerWithModel({ env: { CLAUDE_EDGE_MAX_PROCESS_TURNS: "2" } });

  test("is replaced when it has had many turns", async () => {
    const session = runner.session();
    await turnOf(session, "My name is Ada.");
    const first = processesOf(session);
    await turnOf(session, "%say Second.");
    await until("the process has ended", () => processesOf(session).length === 0);
    expect(await turnOf(session, "And now?")).toMatchObject({
      result: { text: expect.stringContaining("Ada") },
    });
    expect(processesOf(session)).not.toEqual(first);
  });
});

describe("a process made ready for a session to come", () => {
  const edge = useRunnerWithModel({ env: { CLAUDE_EDGE_SPARES: "1" } });
  const { runner } = edge;

  test("is that of the session that gets it, and another takes its place", async () => {
    const session = await runner.reserve();
    const [ready] = processesOf(session);
    // It is no session yet.
    expect((await runner.sessions()).sessions).toEqual([]);
    const end = await turnOf(session, "Hello", { model: "claude-haiku-4-5" });
    expect(end).toMatchObject({ status: "completed", result: { model: "claude-haiku-4-5" } });
    expect(processesOf(session)).toEqual([ready]);
    expect((await runner.sessions()).sessions).toMatchObject([{ id: session.id, busy: false }]);
    const next = await runner.reserve();
    expect(processesOf(next)).not.toEqual([ready]);
    await next.remove();
  });

  test("is reserved for one session", async () => {
    const session = await runner.reserve();
    const again = await runner.json("POST", "/spares/reserve", { asks: false });
    expect(again).toEqual({ status: 200 });
    expect(await runner.json("POST", "/spares/reserve", { asks: true })).toEqual({ status: 200 });
    await session.remove();
    expect(processesOf(session)).toEqual([]);
  });

  test("will not do for a session with options of another process, which gets one of its own", async () => {
    const session = await runner.reserve();
    const systemPrompt = `Another one: ${randomUUID()}.`;
    const options = { systemPrompt, permissionMode: "bypassPermissions" };
    expect(await turnOf(session, "%say Bypassed.", options)).toMatchObject({
      status: "completed",
      result: { text: "Bypassed." },
    });
    expect(JSON.stringify(edge.model.requests.at(-1)!.body.system)).toContain(systemPrompt);
  });

  test("that died is replaced by one of the session's own", async () => {
    const session = await runner.reserve();
    for (const pid of processesOf(session)) process.kill(pid, "SIGKILL");
    expect(await turnOf(session, "%say Alive.")).toMatchObject({ result: { text: "Alive." } });
  });

  test("is for sessions that ask for approvals when the last one did", async () => {
    const options = { canUseTool: true };
    await turnOf(runner.session(), "%say Hello.", options);
    const session = await runner.reserve(true);
    // The one that will not be wanted is gone.
    expect(await runner.json("POST", "/spares/reserve", { asks: false })).toEqual({ status: 200 });
    const [ready] = processesOf(session);
    expect(await turnOf(session, "%say Asked.", options)).toMatchObject({
      result: { text: "Asked." },
    });
    expect(processesOf(session)).toEqual([ready]);
    const { tools } = edge.model.requests.at(-1)!.body;
    expect(tools!.map(({ name }) => name)).toContain("AskUserQuestion");
  });

  test("ends with the runner and its tools at SIGINT in mid-turn, within seconds", async () => {
    const session = runner.session();
    const command = "true; sleep 300 & setsid sleep 301 & sleep 302";
    await session.start(randomUUID(), `%tool Bash ${JSON.stringify({ command })}\n%say Never.`);
    await until("the tool's processes run", () => processesOf(session).length >= 4);
    expect(await runner.stop("SIGINT")).toBe(0);
    expect(processesOf(session)).toEqual([]);
  });
});

describe("a runner that is short of memory", () => {
  let runner: TestRunner;
  beforeEach(async () => {
    runner = new TestRunner();
    await runner.launch({ CLAUDE_EDGE_RESERVE_MB: "100000000" });
  });
  afterEach(() => runner.close());

  test("starts no process, and asks the caller to come back", async () => {
    const answer = await runner.session().start(randomUUID(), "hello");
    expect(answer).toMatchObject({ status: 503, error: "container_full" });
  });
});
