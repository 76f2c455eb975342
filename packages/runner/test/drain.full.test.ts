import { randomUUID } from "node:crypto";

import type { LogFrame } from "@claude-edge/protocol/runner";
import { findMarked } from "@claude-edge/runner/processes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { startScriptedModel, type ScriptedModel } from "../../local/src/model/server.js";
import { Gate } from "../../../tests/support/gate.js";
import { until } from "../../../tests/support/wait.js";
import { ends, TestRunner, type TestSession } from "./support/runner.js";

const isRequest = ({ kind }: LogFrame) => kind === "request";

describe("a runner that is told to end", () => {
  let runner: TestRunner;
  let model: ScriptedModel;
  const launch = (drainMs: number) =>
    runner.launch({
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: model.key,
      CLAUDE_EDGE_DRAIN_MS: String(drainMs),
    });
  beforeEach(async () => {
    runner = new TestRunner();
    model = await startScriptedModel();
  });
  afterEach(async () => {
    await runner.close();
    await model.close();
  });

  /** A turn that runs a tool until the gate is opened. */
  const gated = async (session: TestSession, gate: Gate) => {
    const turn = await session.begin(`${gate.tool}\n%say The end.`);
    await gate.reached();
    return turn;
  };
  const drains = () =>
    until("it drains", async () => (await runner.json("GET", "/health")).draining === true);

  test("lets its turn end, hands all of it over, and takes no other", async () => {
    await launch(60_000);
    const gate = new Gate();
    const session = runner.session();
    const turn = await gated(session, gate);
    const ended = runner.stop("SIGTERM");
    await drains();
    expect(await runner.session().start(randomUUID(), "%say No.")).toMatchObject({
      status: 503,
      error: "container_unavailable",
      details: { reason: "draining" },
    });
    expect(await runner.json("POST", "/spares/reserve", { asks: false })).toEqual({ status: 200 });
    const control = (of: TestSession) =>
      runner.json("POST", `/sessions/${of.id}/control`, {
        method: "setModel",
        args: ["claude-haiku-4-5"],
        options: { permissionMode: "bypassPermissions" },
      });
    expect(await control(session)).toEqual({ status: 200 });
    expect(await control(runner.session())).toMatchObject({ status: 503 });
    const lines = await runner.readLines(`/sessions/${session.id}/log`, () => true);
    expect(lines).toMatchObject([{ kind: "head" }]);
    await runner.readLines(`/sessions/${session.id}/log`, ({ kind }) => kind === "draining");

    gate.open();
    const last = (await turn.end()).at(-1)!;
    expect(last).toMatchObject({ status: "completed", result: { text: "The end." } });
    // It waits until everything is stored.
    const { boot } = await runner.json("GET", "/health");
    const ack = `/sessions/${session.id}/log/ack?boot=${boot as string}&cursor=1000000`;
    expect((await runner.call("POST", ack)).status).toBe(200);
    expect(await ended).toBe(0);
  });

  test("lets tasks in the background end, and tells of those that it cuts off", async () => {
    await launch(3_000);
    const task = (command: string) =>
      `%tool Bash ${JSON.stringify({ command, run_in_background: true })}\n%say Started.`;
    const session = runner.session();
    await (await session.begin(task("sleep 1000"))).end();
    const other = runner.session();
    await (await other.begin(task("sleep 1"))).end();
    const log = (of: TestSession, last: (frame: LogFrame) => boolean) =>
      runner.readLines(`/sessions/${of.id}/log`, (line) => last(line as LogFrame));
    const said = (frame: LogFrame) =>
      frame.kind === "message" ? ((frame.message.subtype as string | undefined) ?? "") : "";
    const isEnd = (frame: LogFrame) => said(frame) === "task_notification";
    const [cut, whole] = [log(session, isEnd), log(other, isEnd)];
    const ended = runner.stop("SIGTERM");
    await drains();
    expect((await whole).at(-1)).toMatchObject({ message: { status: "completed" } });
    const summary = "sleep 1000: stopped, because its process ended";
    expect((await cut).at(-1)).toMatchObject({ message: { status: "stopped", summary } });
    expect(await ended).toBe(0);
    expect(findMarked({ CLAUDE_EDGE_SESSION: session.id })).toEqual([]);
  });

  test("lets a process go that waits for an answer, and does not wait for it", async () => {
    await launch(60_000);
    const session = runner.session();
    const options = { canUseTool: true as const };
    const turn = await session.begin('%tool Bash {"command":"touch asked.txt"}', { options });
    await turn.until(isRequest);
    const read = turn.until(ends(turn.id));
    const ended = runner.stop("SIGTERM");
    expect((await read).at(-1)).toMatchObject({ status: "waiting" });
    expect(await ended).toBe(0);
  });

  test("ends its own processes of a session, and not those of the next container", async () => {
    const next = new TestRunner();
    const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: model.key };
    try {
      await runner.launch({ ...env, CLAUDE_EDGE_CONTAINER: "first" });
      await next.launch({ ...env, CLAUDE_EDGE_CONTAINER: "second" });
      const session = runner.session();
      expect((await session.turn("%say One.")).at(-1)).toMatchObject({ status: "completed" });
      const gate = new Gate();
      const turn = await gated(next.session(session.id), gate);
      expect(await runner.stop("SIGTERM")).toBe(0);
      gate.open();
      expect((await turn.end()).at(-1)).toMatchObject({ status: "completed" });
    } finally {
      await next.close();
    }
  });

  test("cuts off what takes longer than it has, and anything when it is told twice", async () => {
    for (const [drainMs, signals] of [
      [300, 1],
      [60_000, 2],
    ] as const) {
      await launch(drainMs);
      const gate = new Gate();
      const session = runner.session();
      await gated(session, gate);
      const ended = runner.stop("SIGTERM");
      await drains();
      if (signals === 2) process.kill(runner.pid, "SIGTERM");
      expect(await ended).toBe(0);
      expect(findMarked({ CLAUDE_EDGE_SESSION: session.id })).toEqual([]);
      gate.open();
    }
  });
});
