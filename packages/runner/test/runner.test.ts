import { randomUUID } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { LogFrame, LogLine, RunnerHealth } from "@claude-edge/protocol/runner";
import { findMarked } from "@claude-edge/runner/processes";
import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { ends, type TestSession } from "./support/runner.js";
import { useRunnerWithModel } from "./support/use-runner.js";

const edge = useRunnerWithModel();
const { runner } = edge;

/** One session for most tests. */
let session: TestSession;
beforeAll(() => {
  session = runner.session();
});

const health = async () =>
  JSON.parse((await runner.call("GET", "/health")).body.toString()) as RunnerHealth;
const status = async (method: string, path: string, body = "{}") =>
  (await runner.call(method, path, body)).status;
const processesOf = ({ id }: TestSession) => findMarked({ CLAUDE_EDGE_SESSION: id });

/** Begins a turn; gives the log's cursor before it. */
async function begin(of: TestSession, turn: string, prompt: string, options?: object) {
  const answer = await of.start(turn, prompt, options && { options });
  expect(answer.status).toBe(202);
  return answer.cursor as number;
}

describe("the runner", () => {
  test("tells its boot, versions and protocol", async () => {
    expect(await health()).toEqual({
      status: "ok",
      boot: expect.any(String),
      version: "0.1.0",
      protocol: 1,
      sdk_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });

  test("writes a turn into its log: running, the messages, the end", async () => {
    const turn = randomUUID();
    const before = await begin(session, turn, "%say Hello.");
    const frames = await session.readLog(before, ends(turn));
    expect(frames.map(({ cursor }) => cursor)).toEqual(
      frames.map((_frame, index) => before + index + 1),
    );
    expect(before).toBe(0);
    const at = expect.any(Number);
    expect(frames[0]).toEqual({ kind: "turn", status: "running", turn, cursor: 1, at });
    expect(frames.at(-1)).toMatchObject({ status: "completed", result: { text: "Hello." } });
    const result = frames.find(
      (frame) => frame.kind === "message" && frame.message.type === "result",
    );
    expect(result).toMatchObject({ message: { user_message_uuid: turn } });
    // Not the 373 MB of the `claude` binary, which the first turn would share a core with.
    const read = /^rchar: (\d+)/.exec(readFileSync(`/proc/${runner.pid}/io`, "utf8"))![1];
    expect(Number(read)).toBeLessThan(100 * 1024 * 1024);
  });

  const isFrame = (line: LogLine): line is LogFrame => line.kind !== "head" && line.kind !== "ping";
  /** The frames of the log, as a query names them, up to a cursor. */
  const readLog = async (of: TestSession, query: string, last: number) => {
    const path = `/sessions/${of.id}/log?${query}`;
    const isLast = (line: LogLine) => isFrame(line) && line.cursor >= last;
    return (await runner.readLines(path, isLast)).filter(isFrame);
  };

  test("gives the log again from any cursor, until it is acknowledged", async () => {
    const turn = randomUUID();
    await begin(session, turn, "%tokens 50");
    const all = await session.readLog(0, ends(turn));
    const last = all.at(-1)!.cursor;
    const query = `boot=${(await health()).boot}`;
    for (const after of [1, 7, last - 1]) {
      expect(await readLog(session, `${query}&after=${after}`, last)).toEqual(all.slice(after));
    }
    // A cursor of another boot, or of a log that was removed, means nothing.
    expect(await readLog(session, "boot=other&after=7", last)).toEqual(all);
    expect(await readLog(session, `${query}&after=${last + 1000}`, last)).toEqual(all);
    const ack = `/sessions/${session.id}/log/ack`;
    expect(await status("POST", `${ack}?boot=other&cursor=10`)).toBe(200);
    expect(await readLog(session, `${query}&after=0`, last)).toEqual(all);
    await status("POST", `${ack}?${query}&cursor=10`);
    expect((await readLog(session, `${query}&after=0`, last))[0]!.cursor).toBe(11);
  });

  test("starts the same turn once, and one at a time", async () => {
    const turn = randomUUID();
    const before = await begin(session, turn, "%wait 300\n%say once");
    await begin(session, turn, "%wait 300\n%say once");
    expect((await session.start(randomUUID(), "other")).status).toBe(409);
    const frames = await session.readLog(before, ends(turn));
    expect(
      frames.filter((frame) => frame.kind === "turn" && frame.status === "running"),
    ).toHaveLength(1);
    await begin(session, turn, "again");
  });

  test("stops a turn at an interrupt that arrives with it", async () => {
    const turn = randomUUID();
    const before = await begin(session, turn, "%wait 60000\n%say Never.");
    await status("POST", `/sessions/${session.id}/turns/${turn}/interrupt`);
    const frames = await session.readLog(before, ends(turn));
    expect(frames.at(-1)).toMatchObject({ status: "interrupted" });
  });

  test("answers what it does not know with 404", async () => {
    expect(await status("GET", "/nothing", "")).toBe(404);
    expect(await status("PUT", "/sessions/../turns/x")).toBe(404);
    const [unknown, turn] = [randomUUID(), randomUUID()];
    expect(await status("POST", `/sessions/${unknown}/turns/${turn}/interrupt`)).toBe(200);
    expect(await status("POST", `/sessions/${unknown}/log/ack?boot=x&cursor=1`)).toBe(200);
    expect(await status("GET", "/log", "")).toBe(404);
    expect((await runner.sessions()).sessions.map(({ id }) => id)).not.toContain(unknown);
  });

  test("fails a turn that cannot be started, and says why", async () => {
    const turn = randomUUID();
    const other = runner.session();
    const before = await begin(other, turn, "hello", { permissionMode: "no-such-mode" });
    const end = (await other.readLog(before, ends(turn))).at(-1);
    expect(end).toMatchObject({ status: "failed", error: { code: "agent_start_failed" } });
    expect(JSON.stringify(end)).toContain("no-such-mode");
  });
});

describe("the log of a session", () => {
  const path = ({ id }: TestSession) => `/sessions/${id}/log`;
  const isHead = ({ kind }: LogLine) => kind === "head";

  test("can be read before its first turn, which the reader then sees from its start", async () => {
    const early = runner.session();
    const turn = randomUUID();
    const isEnd = (line: LogLine) => line.kind === "turn" && line.status !== "running";
    const reading = runner.readLines(path(early), isEnd);
    const [head] = await runner.readLines(path(early), isHead);
    expect(head).toEqual({ kind: "head", boot: (await health()).boot, cursor: 0 });
    await begin(early, turn, "%say Hello.");
    const lines = await reading;
    const at = expect.any(Number);
    const begun = { kind: "turn", status: "running", turn, cursor: 1, at };
    expect(lines.slice(0, 2)).toEqual([head, begun]);
    await early.remove();
  });

  test("that has nothing to say is kept alive, and its reader's session stays unknown", async () => {
    const unknown = runner.session();
    const lines = await runner.readLines(path(unknown), ({ kind }) => kind === "ping");
    expect(lines.map(({ kind }) => kind)).toEqual(["head", "ping"]);
    expect((await runner.sessions()).sessions.map(({ id }) => id)).not.toContain(unknown.id);
  });

  test("counts on its own: one that is not read holds up no other, and is acknowledged by itself", async () => {
    const [one, other] = [runner.session(), runner.session()];
    const turns = [randomUUID(), randomUUID()] as const;
    await begin(one, turns[0], "%tokens 50");
    await begin(other, turns[1], "%say Hello.");
    const read = await other.readLog(0, ends(turns[1]));
    expect(read[0]!.cursor).toBe(1);
    expect(new Set(read.map((frame) => frame.turn))).toEqual(new Set([turns[1]]));
    const last = read.at(-1)!.cursor;
    await status("POST", `${path(other)}/ack?boot=${(await health()).boot}&cursor=${last}`);
    const all = await one.readLog(0, ends(turns[0]));
    expect(all.map(({ cursor }) => cursor)).toEqual(all.map((_frame, index) => index + 1));
    await Promise.all([one.remove(), other.remove()]);
  });

  test("ends with the session, after its last frame; the next one starts over", async () => {
    const removed = runner.session();
    const turn = randomUUID();
    await begin(removed, turn, "%wait 60000\n%say Never.");
    const lines: LogLine[] = [];
    const reading = runner.readLines(path(removed), (line) => lines.push(line) < 0);
    await until("the turn has begun", () => lines.length > 1);
    await Promise.all([expect(reading).rejects.toThrow("the log has ended"), removed.remove()]);
    expect(lines.some((line) => line.kind === "turn" && line.status === "interrupted")).toBe(true);
    const [head] = await runner.readLines(path(removed), isHead);
    expect(head).toMatchObject({ cursor: 0 });
  });
});

describe("a session", () => {
  test("is listed while the runner has something of it, with whether it is busy and may have files", async () => {
    const listed = runner.session();
    const entry = async () => (await runner.sessions()).sessions.find(({ id }) => id === listed.id);
    expect(await entry()).toBeUndefined();
    const turn = randomUUID();
    await begin(listed, turn, "%wait 60000\n%say Never.");
    expect(await entry()).toMatchObject({ busy: true });
    expect((await runner.sessions()).idle_ms).toBe(0);
    await listed.readLog(0, ({ kind }) => kind === "message");
    await status("POST", `/sessions/${listed.id}/turns/${turn}/interrupt`);
    await listed.readLog(0, ends(turn));
    expect(await entry()).toEqual({ id: listed.id, busy: false, tasks: 0, has_files: true });
    await listed.remove();
    expect(await entry()).toBeUndefined();
    // A workspace that is brought counts before any turn.
    await listed.put([]);
    expect(await entry()).toEqual({ id: listed.id, busy: false, tasks: 0, has_files: true });
    await listed.remove();
  });

  test("tells how long the runner has been idle: checkpoints do not count, control calls do", async () => {
    const idleMs = async () => (await runner.sessions()).idle_ms;
    await until("some time has passed", async () => (await idleMs()) > 200);
    const called = runner.session();
    await called.checkpoint();
    expect(await idleMs()).toBeGreaterThan(200);
    const call = { method: "supportedCommands", args: [], options: {} };
    const before = performance.now();
    await runner.json("POST", `/sessions/${called.id}/control`, call);
    expect(await idleMs()).toBeLessThan(performance.now() - before);
    await called.remove();
  });

  test("that is removed while its process starts leaves none", async () => {
    const removed = runner.session();
    const turn = randomUUID();
    await begin(removed, turn, "%say Never.");
    await removed.remove();
    expect(processesOf(removed)).toEqual([]);
    // Asked for in mid-removal: it waits for its end.
    await begin(removed, randomUUID(), "%say Never.");
    const [, again] = await Promise.all([removed.remove(), removed.turn("%say Again.")]);
    expect(again.at(-1)).toMatchObject({ status: "completed", result: { text: "Again." } });
    await removed.remove();
  });

  test("goes on when its process is killed in mid-turn; the turn has failed, and its tools are gone", async () => {
    await session.turn("My name is Ada.");
    const [agent] = processesOf(session);
    const turn = randomUUID();
    const command = "setsid sleep 303 & sleep 304";
    const before = await begin(session, turn, `%tool Bash ${JSON.stringify({ command })}`);
    await until("the tool runs", () => processesOf(session).length >= 3);
    process.kill(agent!, "SIGKILL");
    expect((await session.readLog(before, ends(turn))).at(-1)).toMatchObject({
      status: "failed",
      error: { code: "agent_exited" },
    });
    expect(processesOf(session)).toEqual([]);
    expect((await session.turn("What did I say earlier?")).at(-1)).toMatchObject({
      status: "completed",
      result: { text: expect.stringContaining("Ada") },
    });
  });

  test("begins although a process that was killed has left a transcript that was never handed on", async () => {
    const own = ({ state, root, id }: TestSession) =>
      join(state, "config", "projects", root.replaceAll(/[^a-zA-Z0-9]/g, "-"), `${id}.jsonl`);
    const fresh = runner.session();
    cpSync(own(session), own(fresh), { recursive: true });
    expect((await fresh.turn("%say Begun.")).at(-1)).toMatchObject({ status: "completed" });
  });

  test("that is removed leaves no process, and is not remembered", async () => {
    expect(processesOf(session)).toHaveLength(1);
    await session.remove();
    expect(processesOf(session)).toEqual([]);
    expect((await session.turn("And now?")).at(-1)).toMatchObject({
      result: { text: expect.not.stringContaining("Ada") },
    });
  });
});
