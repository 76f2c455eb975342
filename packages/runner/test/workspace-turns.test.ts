import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { findMarked } from "@claude-edge/runner/processes";
import { describe, expect, test } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { file } from "./support/entries.js";
import { bash, isCheckpoint, isStoredResult, isToolResult, statusesIn } from "./support/frames.js";
import { useRunnerWithModel } from "./support/use-runner.js";

// One runner, and one session for almost all: a `claude` process takes a second of CPU to start.

const noteHooks = (folder: string) => `
  import { appendFileSync } from "node:fs";
  const note = async ({ hook_event_name }) => {
    appendFileSync(${JSON.stringify(join(folder, "hooks"))}, hook_event_name + "\\n");
    return {};
  };
  const hooks = { PostToolUse: [{ hooks: [note] }], PreToolUse: [{ hooks: [note] }] };
  export default { hooks, workspace: { ignore: ["*.log"] } };`;

const edge = useRunnerWithModel({ agent: noteHooks });
const { runner, asked } = edge;
const session = runner.session();
const at = (path: string) => session.at(path);

/** A turn waits for what never comes; this much time is given to it to come all the same. */
const NEVER_MS = 300;

describe("a turn", () => {
  test("has a checkpoint before the result of each tool that changed files: in messages and transcript", async () => {
    const tools = Array.from({ length: 10 }, (_, index) => bash(`echo ${index} > f${index}`));
    // Each tool in an answer of its own.
    const frames = await session.turn(`${tools.join("\n%wait 1\n")}\n%say Done.`);
    expect(frames.at(-1)).toMatchObject({ status: "completed", result: { text: "Done." } });
    const checkpoints = frames.filter(isCheckpoint);
    expect(checkpoints.map(({ number }) => number)).toEqual(tools.map((_, index) => index + 1));
    for (const { turn, reason } of checkpoints) {
      expect([turn, reason]).toEqual([frames.at(-1)!.turn, "tool"]);
    }
    for (const isResult of [isToolResult, isStoredResult]) {
      const results = frames.filter(isResult);
      expect(results).toHaveLength(tools.length);
      for (const [index, { cursor }] of results.entries()) {
        expect(checkpoints[index]!.cursor).toBeLessThan(cursor);
      }
    }
    for (const [index, { number }] of checkpoints.entries()) {
      expect(await session.entries(number)).toEqual([file(`f${index}`, `${index}\n`)]);
    }
  });

  // A process that dies in between would show the next turn's model a call whose outcome is unknown.
  test("tells of a tool's result once that is in the transcript", async () => {
    const tools = Array.from({ length: 5 }, (_, index) => bash(`echo ${index}`));
    const frames = await session.turn(`${tools.join("\n%wait 1\n")}\n%say Done.`);
    const kinds = frames.filter((frame) => isToolResult(frame) || isStoredResult(frame));
    expect(kinds.map(({ kind }) => kind)).toEqual(tools.flatMap(() => ["transcript", "message"]));
  });

  test("has one for tools that failed, for several at once, and none for those that changed nothing", async () => {
    const failed = await session.turn(`${bash("echo 1 > a; exit 3")}\n%say Done.`);
    expect(failed.filter(isCheckpoint)).toMatchObject([{ reason: "tool" }]);
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
    const go = join(runner.folder, "go");
    const late = `while [ ! -e ${go} ]; do sleep 0.05; done; echo late > late`;
    const script = [bash(`(${late}) > /dev/null 2>&1 &`), "%wait 3000", "%say Done."];
    const turn = await session.begin(script.join("\n"));
    await turn.until(isToolResult);
    writeFileSync(go, "");
    const frames = await turn.end();
    const [checkpoint, ...more] = frames.filter(isCheckpoint);
    expect([checkpoint, more]).toMatchObject([{ reason: "turn" }, []]);
    expect(frames.at(-1)).toMatchObject({ kind: "turn", status: "completed" });
    const result = frames.find(
      (frame) => frame.kind === "message" && frame.message.type === "result",
    );
    expect(checkpoint!.cursor).toBeGreaterThan(result!.cursor);
    expect(await session.entries(checkpoint!.number)).toEqual([file("late", "late\n")]);
  });

  test("ends once, with its checkpoint before, when it is interrupted in mid-tool", async () => {
    const turn = await session.begin(`${bash("echo 1 > begun; sleep 60")}\n%say Never.`);
    await until("the tool runs", () => existsSync(at("begun")));
    await turn.interrupt();
    const frames = await turn.end();
    expect(statusesIn(frames)).toEqual(["running", "interrupted"]);
    expect(await session.entries(frames.find(isCheckpoint)!.number)).toEqual([
      file("begun", "1\n"),
    ]);
    expect((await session.turn("%say Next.")).at(-1)).toMatchObject({ status: "completed" });
  });

  test("whose files cannot be kept says so once, not at each tool, and the next one keeps them", async () => {
    const folder = join(session.state, "checkpoints");
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "in the way");
    const tools = ["x", "y", "z"].map((name) => bash(`touch ${name}`));
    const frames = await session.turn(`${tools.join("\n%wait 1\n")}\n%say Done.`);
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    expect(frames.filter(isCheckpoint)).toMatchObject([
      { number: 0, reason: "tool", error: { code: "workspace_unavailable" } },
    ]);
    const again = await session.turn(`${bash("true")}\n%say Done.`);
    expect(again.filter(isCheckpoint)).toMatchObject([{ number: 0 }]);
    rmSync(folder);
    const next = (await session.turn(`${bash("true")}\n%say Done.`)).find(isCheckpoint);
    const paths = (await session.entries(next!.number)).map(({ path }) => path);
    expect(paths).toEqual(["x", "y", "z"]);
  });

  test("keeps the hooks of its agent, and is not told to the Agent SDK what is ours", async () => {
    const notes = join(runner.folder, "hooks");
    rmSync(notes, { force: true });
    const frames = await session.turn(`${bash("echo 1 > kept; echo 2 > b.log")}\n%say Done.`);
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    expect(readFileSync(notes, "utf8")).toBe("PreToolUse\nPostToolUse\n");
    expect(await session.entries(frames.find(isCheckpoint)!.number)).toEqual([file("kept", "1\n")]);
  });
});

describe("a session whose workspace is brought", () => {
  test("has the tools of a new process held until it is whole, not its answer", async () => {
    const fresh = runner.session();
    await fresh.put([file("a", "one")]);
    const turn = await fresh.begin(`%say Begun.\n${bash("cat a; echo 2 > b")}\n%say Done.`);
    await turn.until((frame) => JSON.stringify(frame).includes('"tool_use"'));
    // Another plan for it, while the turn waits for the first.
    expect(await fresh.put([file("a", "two")])).toMatchObject({ status: 200 });
    await sleep(NEVER_MS);
    expect(existsSync(fresh.at("b"))).toBe(false);
    await fresh.send("two");
    const frames = await turn.end();
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    expect(JSON.stringify(frames.find(isToolResult))).toContain('"two');
    expect(await fresh.entries(1)).toEqual([file("b", "2\n")]);
  });

  test("has the prompt of a process that was there before held", async () => {
    await session.put([file("brought", "three")], false);
    const { length } = edge.model.requests;
    const turn = await session.begin(`${bash("cat brought")}\n%say Done.`);
    await sleep(NEVER_MS);
    expect(edge.model.requests).toHaveLength(length);
    await session.send("three");
    expect(JSON.stringify((await turn.end()).find(isToolResult))).toContain("three");
  });

  test("ends a turn that is interrupted meanwhile by its process, which is not killed for it", async () => {
    await session.put([file("brought", "four")], false);
    const processes = findMarked({ CLAUDE_EDGE_SESSION: session.id });
    const turn = await session.begin(bash("cat brought"));
    await turn.until(({ kind }) => kind === "turn");
    await turn.interrupt();
    expect(statusesIn(await turn.end())).toEqual(["running", "interrupted"]);
    expect(findMarked({ CLAUDE_EDGE_SESSION: session.id })).toEqual(processes);
    await session.send("four");
    expect((await session.turn("%say Next.")).at(-1)).toMatchObject({ status: "completed" });
  });

  test("is not changed while a turn runs in it, nor is its transcript", async () => {
    const turn = await session.begin("%wait 60000\n%say Never.");
    expect(await session.put([file("brought", "five")], false)).toMatchObject({
      status: 409,
      error: "turn_running",
    });
    const transcript = `/sessions/${session.id}/transcript`;
    expect((await runner.call("PUT", transcript, "")).status).toBe(409);
    await turn.interrupt();
    expect((await turn.end()).at(-1)).toMatchObject({ status: "interrupted" });
    expect(await session.put([file("brought", "four")], false)).toMatchObject({
      status: 200,
      missing: [],
    });
  });

  test("has an attachment brought before the prompt", async () => {
    await session.put([file("a.txt", "attached")], false);
    const turn = await session.begin("%say Seen.", { attachments: ["a.txt"] });
    await turn.until(({ kind }) => kind === "turn");
    await session.send("attached");
    expect((await turn.end()).at(-1)).toMatchObject({ status: "completed" });
    expect(asked()).toContain("a.txt (8 bytes)");
  });
});

describe("attachments", () => {
  const PNG = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(20)]);

  test("that are none fail the turn, and it alone", async () => {
    symlinkSync("/etc/hostname", at("out"));
    const frames = await session.turn("Hello", { attachments: ["out"] });
    expect(frames.at(-1)).toMatchObject({ status: "failed", error: { code: "file_not_found" } });
    expect((await session.turn("%say Next.")).at(-1)).toMatchObject({ status: "completed" });
    rmSync(at("out"));
  });

  test("that are images and PDFs are in the prompt; of others it says where they are", async () => {
    mkdirSync(at("attachments"));
    writeFileSync(at("attachments/data.csv"), "a,b\n".repeat(3000));
    writeFileSync(at("attachments/no-name"), PNG);
    writeFileSync(at("doc.pdf"), "%PDF-1.7 …");
    const attachments = ["attachments/data.csv", "attachments/no-name", "doc.pdf"];
    const frames = await session.turn("%say Seen.", { attachments });
    // Claude Code says behind an image where it has put it: that is what the scripted model reads.
    expect(frames.at(-1)).toMatchObject({ status: "completed" });
    // They are files of the workspace as others are, and were not stored yet.
    expect(frames.filter(isCheckpoint)).toMatchObject([{ reason: "turn" }]);
    const { messages } = edge.model.requests.at(-1)!.body as { messages: { content: unknown }[] };
    const blocks = messages.flatMap(({ content }) => content as Record<string, unknown>[]);
    const image = { type: "base64", media_type: "image/png", data: PNG.toString("base64") };
    expect(blocks.find(({ type }) => type === "image")).toMatchObject({ source: image });
    expect(blocks.find(({ type }) => type === "document")).toMatchObject({
      source: { media_type: "application/pdf" },
      title: "doc.pdf",
    });
    expect(asked()).toContain("Attached files, in the workspace: attachments/data.csv (12 kB)");
    const texts = blocks.flatMap(({ text }) => (typeof text === "string" ? [text] : []));
    expect(texts.findIndex((text) => text.startsWith("%say Seen."))).toBeGreaterThan(
      texts.findIndex((text) => text.startsWith("Attached")),
    );
  });
});
