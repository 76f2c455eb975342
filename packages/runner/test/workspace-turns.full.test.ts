import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";

import type { LogFrame } from "@claude-edge/protocol/runner";
import { findMarked } from "@claude-edge/runner/processes";
import { beforeEach, describe, expect, test } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { file } from "./support/entries.js";
import { bash, isCheckpoint, isToolResult, statusesIn } from "./support/frames.js";
import type { TestSession } from "./support/runner.js";
import { useRunnerWithModel } from "./support/use-runner.js";

const { runner, asked } = useRunnerWithModel();
let session: TestSession;
const at = (path: string) => session.at(path);

beforeEach(() => {
  session = runner.session();
});

const processesOf = ({ id }: TestSession) => findMarked({ CLAUDE_EDGE_SESSION: id });
const killProcesses = () => {
  for (const pid of processesOf(session)) process.kill(pid, "SIGKILL");
};
const isText = (text: string) => (frame: LogFrame) => JSON.stringify(frame).includes(text);

describe("a turn", () => {
  test("ends once, with its checkpoint before, when its process is killed in mid-tool", async () => {
    const turn = await session.begin(`${bash("echo 1 > a; sleep 60")}\n%say Never.`);
    await until("the tool runs", () => existsSync(at("a")));
    killProcesses();
    const frames = await turn.end();
    expect(statusesIn(frames)).toEqual(["running", "failed"]);
    expect(frames.filter(isCheckpoint)).toMatchObject([{ number: 1, reason: "turn" }]);
  });

  test("that is interrupted again and again while it ends, ends once", async () => {
    session.makeRoot();
    // Enough to look at that its last checkpoint takes a while.
    for (let index = 0; index < 20_000; index += 1) {
      if (index % 200 === 0) mkdirSync(at(`d${index / 200}`));
      writeFileSync(at(`d${Math.floor(index / 200)}/${index}`), "x");
    }
    const turn = await session.begin(`${bash("true")}\n%say Done.`);
    await turn.until((frame) => frame.kind === "message" && frame.message.type === "result");
    for (let round = 0; round < 5; round += 1) await turn.interrupt();
    const next = await session.start(randomUUID(), "%say Next.");
    expect(statusesIn(await turn.end())).toEqual(["running", "completed"]);
    // Either it was over already, or it was refused: never two at once.
    expect([202, 409]).toContain(next.status);
    // A turn of its own has ended behind it: what the first had still to say was said.
    await until("another turn is taken", async () => {
      const after = await session.begin("%say After.").catch(() => undefined);
      return (await after?.end())?.at(-1);
    });
    const all = await turn.until(isText("After."));
    expect(all.filter((frame) => frame.turn === turn.id && frame.kind === "turn")).toHaveLength(2);
  });

  test("that waits for an answer has its checkpoint before it says so", async () => {
    const options = { canUseTool: true as const, allowedTools: ["Bash"] };
    const write = `%tool Write ${JSON.stringify({ file_path: at("b"), content: "2" })}`;
    const script = [bash("echo 1 > a"), "%wait 1", write];
    const waits = await session.turn(script.join("\n"), { options, hold_ms: 300 });
    expect(statusesIn(waits)).toEqual(["running", "waiting"]);
    expect(waits.filter(isCheckpoint)).toMatchObject([{ number: 1, reason: "tool" }]);
    expect(waits.at(-1)).toMatchObject({ status: "waiting" });
  });

  test("whose process is killed while files are missing leaves them to the next one", async () => {
    await session.put([file("a", "one")]);
    const turn = await session.begin(`%say Begun.\n${bash("cat a")}`);
    await turn.until(isText("Begun."));
    killProcesses();
    expect(statusesIn(await turn.end())).toEqual(["running", "failed"]);
    await session.send("one");
    const frames = await session.turn(`${bash("cat a")}\n%say Done.`);
    expect(JSON.stringify(frames.find(isToolResult))).toContain("one");
    expect(frames.filter(isCheckpoint)).toEqual([]);
  });
});

/** Brings a transcript. */
const put = ({ runner: of, id }: TestSession, lines: object[] = []) =>
  of.call(
    "PUT",
    `/sessions/${id}/transcript`,
    lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );

test("a transcript that is brought takes the place of what a live process remembers", async () => {
  const first = await session.turn("My name is Ada.");
  const entries = first.flatMap((frame) =>
    frame.kind === "transcript" ? frame.entries.map((entry) => ({ entry })) : [],
  );
  await session.turn("My dog is Rex.");
  expect(processesOf(session)).toHaveLength(1);
  expect((await put(session, entries)).status).toBe(200);
  expect(processesOf(session)).toEqual([]);
  await session.turn("%say Hm.");
  expect(asked()).toContain("Ada");
  expect(asked()).not.toContain("Rex");
  // Back to before its first turn.
  expect((await put(session)).status).toBe(200);
  const last = await session.turn("%say Anew.");
  expect(last.at(-1)).toMatchObject({ status: "completed" });
  expect(asked()).not.toContain("Ada");
});

describe("a spare", () => {
  const own = useRunnerWithModel({ env: { CLAUDE_EDGE_SPARES: "1" } }).runner;
  test("has the checkpoints of its session; the next one ends when a transcript is brought", async () => {
    const spare = await own.reserve();
    const [pid] = processesOf(spare);
    const path = spare.at("a");
    const write = `%tool Write ${JSON.stringify({ file_path: path, content: "1" })}`;
    const options = { permissionMode: "acceptEdits" as const };
    const frames = await spare.turn(`${write}\n%say Done.`, { options });
    expect(processesOf(spare)).toContain(pid);
    expect(frames.filter(isCheckpoint)).toMatchObject([{ number: 1, reason: "tool" }]);

    const next = await own.reserve();
    expect(processesOf(next)).toHaveLength(1);
    expect((await put(next)).status).toBe(200);
    expect(processesOf(next)).toEqual([]);
    expect((await next.turn("%say Here.")).at(-1)).toMatchObject({ status: "completed" });
  });
});
