import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { startScriptedModel, type ScriptedModel } from "@claude-edge/local";
import type { CheckpointFrame, LogFrame } from "@claude-edge/protocol/runner";
import { findMarked } from "@claude-edge/runner/processes";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { ends, file, TestRunner, type TestSession } from "./support/runner.js";

let model: ScriptedModel;
let runner: TestRunner;
let session: TestSession;
let env: Record<string, string>;
const at = (path: string) => join(session.root, path);

beforeAll(async () => {
  process.umask(0o022);
  model = await startScriptedModel();
  env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: model.key };
});
afterAll(() => model.close());
beforeEach(async () => {
  runner = new TestRunner();
  session = runner.session();
});
afterEach(() => runner.close());

const bash = (command: string) => `%tool Bash ${JSON.stringify({ command })}`;
const isCheckpoint = (frame: LogFrame): frame is CheckpointFrame => frame.kind === "checkpoint";
/** A message that brings a tool's result. */
const isToolResult = (frame: LogFrame) =>
  frame.kind === "message" &&
  frame.message.type === "user" &&
  JSON.stringify(frame.message).includes("tool_result");
/** Transcript entries that bring one. */
const isStoredResult = (frame: LogFrame) =>
  frame.kind === "transcript" && JSON.stringify(frame.entries).includes('"tool_result"');
const statuses = (frames: LogFrame[]) =>
  frames.flatMap((frame) => (frame.kind === "turn" ? [frame.status] : []));
/** What the model was sent last. */
const asked = () => JSON.stringify(model.requests.at(-1)!.body.messages);

describe("a turn", () => {
  test("has a checkpoint before the result of each tool that changed files: in messages and transcript", async () => {
    await runner.launch(env);
    const tools = Array.from({ length: 20 }, (_, index) => bash(`echo ${index} > f${index}`));
    const script = tools.flatMap((tool, index) => [tool, `%say step ${index}`]).slice(0, -1);
    // Each tool in an answer of its own.
    const prompt = script.map((line) => (line.startsWith("%say") ? "%wait 1" : line)).join("\n");
    const frames = await session.turn(`${prompt}\n%say Done.`);
    expect(frames.at(-1)).toMatchObject({ status: "completed", result: { text: "Done." } });
    const checkpoints = frames.filter(isCheckpoint);
    expect(checkpoints.map(({ number }) => number)).toEqual(tools.map((_, index) => index + 1));
    for (const { turn, reason } of checkpoints) {
      expect([turn, reason]).toEqual([frames.at(-1)!.turn, "tool"]);
    }
    for (const isResult of [isToolResult, isStoredResult]) {
      const results = frames.filter(isResult);
      expect(results).toHaveLength(20);
      for (const [index, { cursor }] of results.entries()) {
        expect(checkpoints[index]!.cursor).toBeLessThan(cursor);
      }
    }
    for (const [index, { number }] of checkpoints.entries()) {
      expect(await session.entries(number)).toEqual([file(`f${index}`, `${index}\n`)]);
    }
  });

  test("has one for tools that failed, for several at once, and none for those that changed nothing", async () => {
    await runner.launch(env);
    const failed = await session.turn(`${bash("echo 1 > a; exit 3")}\n%say Done.`);
    expect(failed.filter(isCheckpoint)).toMatchObject([{ number: 1, reason: "tool" }]);
    expect(failed.findIndex(isCheckpoint)).toBeLessThan(failed.findIndex(isToolResult));
    const both = [bash("echo 2 > b"), bash("echo 3 > c")].join("\n");
    const parallel = (await session.turn(`${both}\n%say Done.`)).filter(isCheckpoint);
    const entries = await Promise.all(parallel.map(({ number }) => session.entries(number)));
    expect(entries.flat().map(({ path }) => path)).toEqual(["b", "c"]);
    const read = `%tool Read ${JSON.stringify({ file_path: at("a") })}`;
    const idle = await session.turn(`${bash("true")}\n${read}\n%say Done.`);
    expect(idle.filter(isCheckpoint)).toEqual([]);
    expect((await session.turn("%say Hello.")).filter(isCheckpoint)).toEqual([]);
  });

  test("has one before its end for what came behind the last tool", async () => {
    await runner.launch(env);
    const go = join(runner.folder, "go");
    const late = `while [ ! -e ${go} ]; do sleep 0.05; done; echo late > late`;
    const turn = randomUUID();
    const script = [bash(`(${late}) > /dev/null 2>&1 &`), "%wait 3000", "%say Done."];
    await session.start(turn, script.join("\n"));
    await runner.readLog(0, isToolResult);
    writeFileSync(go, "");
    const frames = await runner.readLog(0, ends(turn));
    const [checkpoint, ...more] = frames.filter(isCheckpoint);
    expect([checkpoint, more]).toMatchObject([{ reason: "turn", number: 1 }, []]);
    expect(frames.at(-1)).toMatchObject({ kind: "turn", status: "completed" });
    const isResult = (frame: LogFrame) =>
      frame.kind === "message" && frame.message.type === "result";
    expect(checkpoint!.cursor).toBeGreaterThan(frames.find(isResult)!.cursor);
    expect(await session.entries(1)).toEqual([file("late", "late\n")]);
  });

  test("ends once, with its checkpoint before, when it is interrupted in mid-tool", async () => {
    await runner.launch(env);
    const turn = randomUUID();
    await session.start(turn, `${bash("echo 1 > a; sleep 60")}\n%say Never.`);
    await until("the tool runs", () => existsSync(at("a")));
    await runner.call("POST", `/sessions/${session.id}/turns/${turn}/interrupt`);
    const frames = await runner.readLog(0, ends(turn));
    expect(statuses(frames)).toEqual(["running", "interrupted"]);
    expect(frames.find(isCheckpoint)).toMatchObject({ number: 1 });
    expect((await session.turn("%say Next.")).at(-1)).toMatchObject({ status: "completed" });
  });

  test("ends once, with its checkpoint before, when its process is killed in mid-tool", async () => {
    await runner.launch(env);
    const turn = randomUUID();
    await session.start(turn, `${bash("echo 1 > a; sleep 60")}\n%say Never.`);
    await until("the tool runs", () => existsSync(at("a")));
    for (const pid of findMarked("CLAUDE_EDGE_SESSION", session.id)) process.kill(pid, "SIGKILL");
    const frames = await runner.readLog(0, ends(turn));
    expect(statuses(frames)).toEqual(["running", "failed"]);
    expect(frames.filter(isCheckpoint)).toMatchObject([{ number: 1, reason: "turn" }]);
  });

  test("that is interrupted again and again while it ends, ends once", async () => {
    await runner.launch(env);
    session.makeRoot();
    // Enough to look at that its last checkpoint takes a while.
    for (let index = 0; index < 20_000; index += 1) {
      if (index % 200 === 0) mkdirSync(at(`d${index / 200}`));
      writeFileSync(at(`d${Math.floor(index / 200)}/${index}`), "x");
    }
    const turn = randomUUID();
    await session.start(turn, `${bash("true")}\n%say Done.`);
    const path = `/sessions/${session.id}/turns/${turn}/interrupt`;
    await runner.readLog(0, (frame) => frame.kind === "message" && frame.message.type === "result");
    for (let round = 0; round < 5; round += 1) await runner.call("POST", path);
    const next = await session.start(randomUUID(), "%say Next.");
    const frames = await runner.readLog(0, ends(turn));
    expect(statuses(frames)).toEqual(["running", "completed"]);
    // Either it was over already, or it was refused: never two at once.
    expect([202, 409]).toContain(next.status);
    await sleep(300);
    const all = await runner.readLog(0, (frame) => frame.cursor >= frames.at(-1)!.cursor);
    expect(all.filter((frame) => frame.turn === turn && frame.kind === "turn")).toHaveLength(2);
  });

  test("that waits for an answer has its checkpoint before it says so", async () => {
    await runner.launch(env);
    const turn = randomUUID();
    const options = { canUseTool: true as const, allowedTools: ["Bash"] };
    const script = [
      bash("echo 1 > a"),
      "%wait 1",
      `%tool Write {"file_path":"${at("b")}","content":"2"}`,
    ];
    await session.start(turn, script.join("\n"), { options, hold_ms: 300 });
    const waits = await runner.readLog(0, ends(turn));
    expect(statuses(waits)).toEqual(["running", "waiting"]);
    expect(waits.filter(isCheckpoint)).toMatchObject([{ number: 1, reason: "tool" }]);
    expect(waits.at(-1)).toMatchObject({ status: "waiting" });
  });

  test("whose files cannot be kept says so once, not at each tool, and the next one keeps them", async () => {
    await runner.launch(env);
    session.makeRoot();
    await session.checkpoint();
    const folder = join(session.state, "checkpoints");
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "in the way");
    const tools = ["a", "b", "c"].flatMap((name) => [bash(`touch ${name}`), "%wait 1"]);
    const frames = await session.turn(`${tools.join("\n")}\n%say Done.`);
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    expect(frames.filter(isCheckpoint)).toMatchObject([
      { number: 0, reason: "tool", error: { code: "workspace_unavailable" } },
    ]);
    const again = await session.turn(`${bash("true")}\n%say Done.`);
    expect(again.filter(isCheckpoint)).toMatchObject([{ number: 0 }]);
    rmSync(folder);
    const next = await session.turn(`${bash("true")}\n%say Done.`);
    expect(next.filter(isCheckpoint)).toMatchObject([{ number: 1 }]);
    expect((await session.entries(1)).map(({ path }) => path)).toEqual(["a", "b", "c"]);
  });

  test("keeps the hooks of its agent, and is not told to the Agent SDK what is ours", async () => {
    const config = `
      import { appendFileSync } from "node:fs";
      const note = async ({ hook_event_name }) => {
        appendFileSync(${JSON.stringify(join(runner.folder, "hooks"))}, hook_event_name + "\\n");
        return {};
      };
      const hooks = { PostToolUse: [{ hooks: [note] }], PreToolUse: [{ hooks: [note] }] };
      export default { hooks, workspace: { ignore: ["*.log"] } };`;
    writeFileSync(join(runner.folder, "agent.config.mjs"), config);
    await runner.launch(env);
    const frames = await session.turn(`${bash("echo 1 > a; echo 2 > b.log")}\n%say Done.`);
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    expect(readFileSync(join(runner.folder, "hooks"), "utf8")).toBe("PreToolUse\nPostToolUse\n");
    expect(await session.entries(1)).toEqual([file("a", "1\n")]);
  });

  test("of a spare's process has its checkpoints too", async () => {
    await runner.launch({ ...env, CLAUDE_EDGE_SPARES: "1" });
    const [spare] = await runner.readLog(0, ({ kind }) => kind === "spare");
    session = runner.session(spare!.session);
    const [pid] = findMarked("CLAUDE_EDGE_SESSION", session.id);
    const write = `%tool Write ${JSON.stringify({ file_path: at("a"), content: "1" })}`;
    const options = { permissionMode: "acceptEdits" as const };
    const frames = await session.turn(`${write}\n%say Done.`, { options });
    expect(findMarked("CLAUDE_EDGE_SESSION", session.id)).toContain(pid);
    expect(frames.filter(isCheckpoint)).toMatchObject([{ number: 1, reason: "tool" }]);
  });
});

describe("a workspace that is not whole", () => {
  test("holds the tools of a new process, not its answer", async () => {
    await runner.launch(env);
    await session.put([file("a", "one")]);
    const turn = randomUUID();
    await session.start(turn, `%say Begun.\n${bash("cat a; echo 2 > b")}\n%say Done.`);
    await runner.readLog(0, (frame) => JSON.stringify(frame).includes("Begun."));
    // Another plan for it, while the turn waits for the first.
    expect(await session.put([file("a", "two")])).toMatchObject({ status: 200 });
    await sleep(500);
    expect(existsSync(at("b"))).toBe(false);
    await session.send("two");
    const frames = await runner.readLog(0, ends(turn));
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    expect(JSON.stringify(frames.find(isToolResult))).toContain('"two');
    expect(await session.entries(1)).toEqual([file("b", "2\n")]);
  });

  test("holds the prompt of a process that was there before", async () => {
    await runner.launch(env);
    await session.turn("%say First.");
    await session.put([file("a", "one")]);
    const turn = randomUUID();
    const { requests } = model;
    const before = requests.length;
    await session.start(turn, `${bash("cat a")}\n%say Done.`);
    await sleep(500);
    expect(requests.length).toBe(before);
    await session.send("one");
    const frames = await runner.readLog(0, ends(turn));
    expect(JSON.stringify(frames.find(isToolResult))).toContain("one");
  });

  test("ends a turn that is interrupted meanwhile, at once", async () => {
    await runner.launch(env);
    await session.turn("%say First.");
    await session.put([file("a", "one")]);
    const turn = randomUUID();
    const { cursor } = (await session.start(turn, `${bash("cat a")}`)) as { cursor: number };
    await sleep(300);
    const began = Date.now();
    await runner.call("POST", `/sessions/${session.id}/turns/${turn}/interrupt`);
    expect(statuses(await runner.readLog(cursor, ends(turn)))).toEqual(["running", "interrupted"]);
    expect(Date.now() - began).toBeLessThan(4_500);
    await session.send("one");
    expect((await session.turn("%say Next.")).at(-1)).toMatchObject({ status: "completed" });
  });

  test("survives that the process is killed: the next turn has the files", async () => {
    await runner.launch(env);
    await session.put([file("a", "one")]);
    const turn = randomUUID();
    await session.start(turn, `%say Begun.\n${bash("cat a")}`);
    await runner.readLog(0, (frame) => JSON.stringify(frame).includes("Begun."));
    for (const pid of findMarked("CLAUDE_EDGE_SESSION", session.id)) process.kill(pid, "SIGKILL");
    expect(statuses(await runner.readLog(0, ends(turn)))).toEqual(["running", "failed"]);
    await session.send("one");
    const frames = await session.turn(`${bash("cat a")}\n%say Done.`);
    expect(JSON.stringify(frames.find(isToolResult))).toContain("one");
    expect(frames.filter(isCheckpoint)).toEqual([]);
  });

  test("may not be changed while a turn runs in it", async () => {
    await runner.launch(env);
    const turn = randomUUID();
    await session.start(turn, "%wait 1000\n%say Done.");
    expect(await session.put([file("a", "one")])).toMatchObject({
      status: 409,
      error: "turn_running",
    });
    await runner.readLog(0, ends(turn));
    expect(await session.put([file("a", "one")])).toMatchObject({ status: 200 });
  });
});

describe("attachments", () => {
  const PNG = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(20)]);
  const user = () => {
    const { messages } = model.requests.at(-1)!.body as { messages: { content: unknown }[] };
    return messages.flatMap(({ content }) => content as Record<string, unknown>[]);
  };

  test("that are images and PDFs are in the prompt, by what they hold; of others it says where they are", async () => {
    await runner.launch(env);
    session.makeRoot();
    mkdirSync(at("attachments"));
    writeFileSync(at("attachments/data.csv"), "a,b\n".repeat(3000));
    writeFileSync(at("attachments/no-name"), PNG);
    writeFileSync(at("doc.pdf"), "%PDF-1.7 …");
    writeFileSync(at("fake.png"), "not one");
    writeFileSync(at("large.png"), Buffer.concat([PNG, Buffer.alloc(4_000_000)]));
    const attachments = [
      "attachments/data.csv",
      "attachments/no-name",
      "doc.pdf",
      "fake.png",
      "large.png",
    ];
    const frames = await session.turn("%say Seen.", { attachments });
    // Claude Code says behind an image where it has put it: that is what the scripted model reads.
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    // They are files of the workspace as others are, and were not stored yet.
    expect(frames.filter(isCheckpoint)).toMatchObject([{ number: 1, reason: "turn" }]);
    const blocks = user();
    const image = { type: "base64", media_type: "image/png", data: PNG.toString("base64") };
    expect(blocks.find(({ type }) => type === "image")).toMatchObject({ source: image });
    expect(blocks.find(({ type }) => type === "document")).toMatchObject({
      source: { media_type: "application/pdf" },
      title: "doc.pdf",
    });
    expect(asked()).toContain(
      "Attached files, in the workspace: attachments/data.csv (12 kB), fake.png (7 bytes), large.png (4 MB)",
    );
    const texts = blocks.flatMap(({ text }) => (typeof text === "string" ? [text] : []));
    expect(texts.findIndex((text) => text.startsWith("%say Seen."))).toBeGreaterThan(
      texts.findIndex((text) => text.startsWith("Attached")),
    );
  });

  test.each(["missing", "../secret", "folder", "out"])(
    "that are none fail the turn: %s",
    async (path) => {
      await runner.launch(env);
      session.makeRoot();
      mkdirSync(at("folder"));
      symlinkSync("/etc/hostname", at("out"));
      const frames = await session.turn("Hello", { attachments: [path] });
      expect(frames.at(-1)).toMatchObject({ status: "failed", error: { code: "file_not_found" } });
      expect((await session.turn("%say Next.")).at(-1)).toMatchObject({ status: "completed" });
    },
  );

  test("wait for the workspace", async () => {
    await runner.launch(env);
    await session.put([file("a.txt", "one")]);
    const turn = randomUUID();
    await session.start(turn, "%say Seen.", { attachments: ["a.txt"] });
    await sleep(300);
    await session.send("one");
    const frames = await runner.readLog(0, ends(turn));
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    expect(asked()).toContain("a.txt (3 bytes)");
  });
});

describe("a transcript that is brought", () => {
  const put = (lines: object[] = []) =>
    runner.call(
      "PUT",
      `/sessions/${session.id}/transcript`,
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
  const alive = () => findMarked("CLAUDE_EDGE_SESSION", session.id).length;

  test("takes the place of what a live process remembers", async () => {
    await runner.launch(env);
    const first = await session.turn("My name is Ada.");
    const entries = first.flatMap((frame) =>
      frame.kind === "transcript" ? frame.entries.map((entry) => ({ entry })) : [],
    );
    await session.turn("My dog is Rex.");
    expect(alive()).toBe(1);
    expect((await put(entries)).status).toBe(200);
    expect(alive()).toBe(0);
    await session.turn("%say Hm.");
    expect(asked()).toContain("Ada");
    expect(asked()).not.toContain("Rex");
    // Back to before its first turn.
    expect((await put()).status).toBe(200);
    const last = await session.turn("%say Anew.");
    expect(last.at(-1)).toMatchObject({ status: "completed" });
    expect(asked()).not.toContain("Ada");
  });

  test("is refused while a turn runs", async () => {
    await runner.launch(env);
    const turn = randomUUID();
    await session.start(turn, "%wait 800\n%say Done.");
    expect((await put()).status).toBe(409);
    expect((await runner.readLog(0, ends(turn))).at(-1)).toMatchObject({ status: "completed" });
  });

  test("ends a spare of that session", async () => {
    await runner.launch({ ...env, CLAUDE_EDGE_SPARES: "1" });
    const [spare] = await runner.readLog(0, ({ kind }) => kind === "spare");
    session = runner.session(spare!.session);
    expect(alive()).toBe(1);
    expect((await put()).status).toBe(200);
    expect(alive()).toBe(0);
    expect((await session.turn("%say Here.")).at(-1)).toMatchObject({ status: "completed" });
  });
});
