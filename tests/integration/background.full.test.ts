import { createServer, type AddressInfo } from "node:net";

import type { Session } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import {
  askServer,
  endsOf,
  hasProcesses,
  inBackground,
  logOf,
  resultsIn,
  saidIn,
  serverOn,
  startTask,
  tasksOf,
} from "../support/background.js";
import { messages } from "../support/events.js";
import { resetObject, RESETTABLE_WORKER } from "../support/resets.js";
import { useOwnStack } from "../support/stack.js";
import { statusOf } from "../support/status.js";
import { useProject } from "../support/use-project.js";
import { until } from "../support/wait.js";
import {
  createSession,
  killContainers,
  list,
  resultsOf,
  runTurn,
  shell,
  turnOf,
} from "../support/workspace.js";

/** Tasks in the background: they go on between turns, are told of, and are ended with what they belong to. */
const ACCOUNT = "background";

const edge = useOwnStack({
  project: useProject({ "src/worker.ts": RESETTABLE_WORKER }),
  vars: { CLAUDE_EDGE_SLEEP_AFTER: "2s", CLAUDE_EDGE_BACKGROUND: "15s" },
});

const create = (account = ACCOUNT) => createSession(edge, account);

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const whenEnded = (session: Session, task: string) =>
  until("the task's end is told", async () => {
    const ends = await endsOf(session, task);
    return ends.length > 0 && ends;
  });

const whenQuiet = (session: Session) =>
  until("no task runs", async () => (await tasksOf(session)) === 0);

describe("a server in the background", () => {
  test("is asked in the next turn and stopped in a third", async () => {
    const session = await create();
    const port = await freePort();
    const task = await startTask(session, serverOn(port));
    expect(await tasksOf(session)).toBe(1);
    expect((await statusOf(edge, ACCOUNT)).container).toMatchObject({ background_tasks: 1 });
    expect(await resultsOf(session, askServer(port))).toContain("served");
    const stop = `%tool ToolSearch {"query":"select:TaskStop"}\n%say Loaded.`;
    await turnOf(session, stop);
    const { events } = await turnOf(
      session,
      `%tool TaskStop ${JSON.stringify({ task_id: task })}\n%say Stopped.`,
    );
    expect(messages(events)).toContainEqual(
      expect.objectContaining({ subtype: "task_notification", task_id: task, status: "stopped" }),
    );
    await whenQuiet(session);
    expect(await resultsOf(session, askServer(port))).toContain("gone");
  });

  test("is stopped by stopTask", async () => {
    const session = await create();
    const port = await freePort();
    const task = await startTask(session, serverOn(port));
    expect(await resultsOf(session, askServer(port))).toContain("served");
    await session.control("stopTask", [task]);
    expect(await whenEnded(session, task)).toMatchObject([{ status: "stopped" }]);
    await whenQuiet(session);
    expect(await resultsOf(session, askServer(port))).toContain("gone");
  });

  test("that its container took along is told of, and the model hears of it", async () => {
    const session = await create();
    const port = await freePort();
    const task = await startTask(session, serverOn(port));
    await killContainers(edge);
    const [end] = await whenEnded(session, task);
    expect(end).toMatchObject({ status: "stopped", reason: "worker_restart" });
    expect(await tasksOf(session)).toBe(0);
    expect(await resultsOf(session, askServer(port))).toContain("gone");
    const said = (await edge.asked(session.id)).map(({ text }) => text);
    expect(said.at(-1)).toContain("didn't finish before the previous session ended");
  });
});

describe("what a task causes", () => {
  const CAUSED = "\n%next\n%say It has ended.";

  test("is in the log once and in order, after the end of its turn", async () => {
    const session = await create();
    await startTask(session, "sleep 1; echo late > late.txt", CAUSED);
    await until("it is told", async () => resultsIn(await logOf(session)).length === 2);
    await whenQuiet(session);
    const events = await logOf(session);
    expect(resultsIn(events)).toEqual(["Started.", "It has ended.*"]);
    const kinds = events.map(({ kind }) => kind);
    expect(kinds.indexOf("turn")).toBeLessThan(kinds.lastIndexOf("message"));
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    await until("its file is stored", async () => (await list(session)).includes("late.txt"));
  });

  test("does not end a prompt that comes meanwhile, whatever breaks", async () => {
    const session = await create();
    await startTask(session, "sleep 1", "\n%next\n%say Told.\n%wait 3000\n%say At length.");
    await until("it is being told", async () => saidIn(await logOf(session)).includes("Told."));
    let isReset = false;
    const { events, status, id } = await runTurn(session, "%say Second.", async (event) => {
      if (isReset || event.kind !== "turn" || event.status !== "running") return;
      isReset = true;
      await resetObject(edge.stack.url, "SESSION", `${ACCOUNT}/${session.id}`);
    });
    expect(status).toBe("completed");
    expect(events.at(-1)).toMatchObject({ result: { text: "Second." } });
    expect(resultsIn(events)).toEqual(["Second."]);
    const all = await logOf(session);
    expect(resultsIn(all)).toEqual(["Started.", "At length.*", "Second."]);
    const ends = all.filter((event) => event.kind === "turn" && event.turn_id === id);
    expect(
      ends.filter((event) => event.kind === "turn" && event.status === "completed"),
    ).toHaveLength(1);
  });

  test("takes a prompt in between two of its tools, as the Agent SDK does", async () => {
    const session = await create();
    const tool = '%tool Bash {"command":"sleep 3; echo told"}';
    await startTask(session, "sleep 1", `\n%next\n${tool}\n%say Not said.`);
    await until("it has called a tool", async () => saidIn(await logOf(session)).at(-1) === "Bash");
    const { events } = await turnOf(session, "%say Second.");
    expect(events.at(-1)).toMatchObject({ status: "completed", result: { text: "Second." } });
    expect(resultsIn(await logOf(session))).toEqual(["Started.", "Second.*"]);
  });

  test("is interrupted like a turn", async () => {
    const session = await create();
    await startTask(session, "sleep 1", "\n%next\n%say Told.\n%wait 60000\n%say Never.");
    await until("it is being told", async () => saidIn(await logOf(session)).includes("Told."));
    await session.interrupt();
    await until("it is over", async () => resultsIn(await logOf(session)).length === 2);
    expect(saidIn(await logOf(session))).not.toContain("Never.");
  });

  test("may ask for permission when its turn has ended", async () => {
    const session = await edge.client(ACCOUNT).sessions.create({
      permissionMode: "default",
      allowedTools: ["Bash(sleep:*)"],
      canUseTool: true,
    });
    const write = '%tool Write {"file_path":"asked.txt","content":"allowed"}';
    const prompt = `${inBackground("sleep 1")}\n%say Started.\n%next\n${write}\n%say Written.`;
    await turnOf(session, prompt);
    const { requests } = edge.client(ACCOUNT);
    const request = await until("it asks", async () => {
      const asked = await requests.list({ sessionId: session.id });
      return asked.find(({ status }) => status === "pending");
    });
    await requests.answer(request.id, { behavior: "allow" });
    await until("it goes on", async () => resultsIn(await logOf(session)).length === 2);
    expect(resultsIn(await logOf(session))).toEqual(["Started.", "Written.*"]);
    expect(await list(session)).toContain("asked.txt");
  });
});

describe("a container", () => {
  test("stays awake while a task runs, and sleeps when it has run for as long as it may", async () => {
    const session = await create("awake");
    const task = await startTask(session, "sleep 1000");
    const since = Date.now();
    let hasSlept = false;
    const [end] = await until("the limit is reached", async () => {
      const ends = await endsOf(session, task);
      hasSlept ||= ends.length === 0 && edge.stack.containers().length === 0;
      return ends.length > 0 && ends;
    });
    expect(hasSlept).toBe(false);
    expect(Date.now() - since).toBeGreaterThan(14_000);
    expect(end).toMatchObject({
      status: "stopped",
      summary: expect.stringMatching(/ran in the background for 15 s/),
    });
    await until("the container sleeps", () => edge.stack.containers().length === 0);
    expect(await resultsOf(session, '%tool Bash {"command":"echo awake"}\n%say Yes.')).toBe(
      "awake",
    );
  });
});

describe("a task that behaves badly", () => {
  test("is stopped when it writes without end, and the next turn runs", async () => {
    const session = await create();
    const task = await startTask(session, "yes");
    expect(await whenEnded(session, task)).toMatchObject([{ status: "stopped" }]);
    await whenQuiet(session);
    const left = "du -sm $CLAUDE_CODE_TMPDIR | cut -f1";
    await until(
      "its disk is free",
      async () => Number(await resultsOf(session, shell(left))) < 300,
    );
  });

  test.each([
    ["ignores signals", "trap '' TERM INT HUP; while :; do sleep 0.2; done"],
    ["leaves its process group", "setsid nohup sleep 1000 & sleep 1000"],
  ])("is ended with its session: one that %s", async (_what, command) => {
    const session = await create();
    await startTask(session, command);
    expect(hasProcesses(session)).toBe(true);
    await session.delete();
    await until("all of it is gone", () => !hasProcesses(session));
  });
});
