import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startLocal } from "@claude-edge/local";
import { findMarked } from "@claude-edge/runner/processes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { TEMPLATE } from "../../../tests/support/project.js";
import { until } from "../../../tests/support/wait.js";

let temp: string;
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), "stack-"));
});
afterEach(() => rmSync(temp, { recursive: true, force: true }));

/** A program that starts a stack, asks one thing, and then waits: it is ended from here, in different ways. */
const PROGRAM = `
  import { startLocal } from "@claude-edge/local";
  const stack = await startLocal({ project: ${JSON.stringify(TEMPLATE)}, model: "scripted" });
  const headers = { authorization: "Bearer " + stack.token, "content-type": "application/json" };
  const body = JSON.stringify({ prompt: "%wait 60000" });
  fetch(stack.url + "/v1/query", { method: "POST", headers, body }).catch(() => {});
  while (stack.containers().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  process.on("SIGINT", () => stack.stop().then(() => process.exit(0)));
  if (process.argv.includes("exit")) process.exit(7);
  if (process.argv.includes("throw")) setTimeout(() => { throw new Error("crash"); });
  console.log("ready");
  setInterval(() => {}, 1000);
`;

function run(mark: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM, "--", ...args], {
    cwd: process.cwd(),
    env: { ...process.env, TMPDIR: temp, CLAUDE_EDGE_STACK: mark },
    stdio: ["ignore", "pipe", "ignore"],
  });
}

const exitOf = (child: ChildProcess) => new Promise((resolve) => child.once("exit", resolve));
const ready = (child: ChildProcess) =>
  new Promise((resolve) => child.stdout!.once("data", resolve));

/** The command lines of a stack's processes: a failure names what was left. */
const processesOf = (mark: string) =>
  findMarked({ CLAUDE_EDGE_STACK: mark }).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 200);
    } catch {
      return `${pid}, gone since`;
    }
  });

/** Sockets and folders of stacks; claude keeps some empty folders of its own elsewhere. */
const left = () => readdirSync(temp).filter((name) => name.startsWith("claude-edge-"));

describe("a stack leaves no process and no file behind", () => {
  test("when its program stops it", async () => {
    const child = run("mark-stop");
    await ready(child);
    // workerd, the runner, claude, and the program itself.
    expect(findMarked({ CLAUDE_EDGE_STACK: "mark-stop" }).length).toBeGreaterThanOrEqual(4);
    child.kill("SIGINT");
    expect(await exitOf(child)).toBe(0);
    // esbuild's service, which wrangler started, sees that the program is gone a moment after it.
    const isGone = () => processesOf("mark-stop").length === 0;
    await until("the program's helper ends", isGone).catch(() => {});
    expect(processesOf("mark-stop")).toEqual([]);
    expect(left()).toEqual([]);
  });

  test.each([
    ["is killed", [], "SIGKILL"],
    ["ends without stopping it", ["exit"], undefined],
    ["crashes", ["throw"], undefined],
  ] as const)("when its program %s", async (what, args, signal) => {
    const mark = `mark-${what.replaceAll(" ", "-")}`;
    const child = run(mark, ...args);
    const exited = exitOf(child);
    if (signal) {
      await ready(child);
      child.kill(signal);
    }
    await exited;
    await until(
      "its processes are gone",
      () => findMarked({ CLAUDE_EDGE_STACK: mark }).length === 0,
    );
    await until("its files are gone", () => left().length === 0);
    expect(processesOf(mark)).toEqual([]);
  });
});

describe("what cannot be started says why", () => {
  test("a folder without wrangler.jsonc", async () => {
    await expect(startLocal({ project: temp })).rejects.toMatchObject({
      code: "project_not_found",
    });
    await expect(startLocal({ project: join(temp, "missing") })).rejects.toMatchObject({
      code: "project_not_found",
    });
  });

  test("a port that is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await expect(startLocal({ project: TEMPLATE, port })).rejects.toMatchObject({
      code: "port_in_use",
    });
    server.close();
  });
});
