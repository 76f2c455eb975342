import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import type { LocalStack } from "@claude-edge/local";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { DEV_FILE, readDevFile, type DevFile } from "../deployment.js";
import { DevLog } from "../dev-log.js";
import { aborted, loadLocal, logTo, portOf, unlessStopped } from "../local.js";

export interface DevFlags {
  port: string;
  scripted?: boolean;
  docker?: boolean;
}

/** Pause before each word of the scripted model, milliseconds: about the pace of a real one. */
const PACE_MS = 20;

/** `claude-edge dev`: runs until Ctrl-C. Gives the exit code. */
export async function dev(folder: string, flags: DevFlags, context: Context): Promise<number> {
  const port = portOf(flags.port);
  const project = resolve(context.cwd, folder);
  assertNoneRuns(project);
  // Left behind by one that was killed.
  rmSync(join(project, DEV_FILE), { force: true });
  const { startLocal } = await loadLocal(project);
  const { stderr, signal } = context;
  const log = new DevLog(project);
  const stack = await startLocal({
    project,
    port,
    watch: true,
    persist: join(project, ".wrangler", "claude-edge"),
    model: flags.scripted ? "scripted" : "auto",
    containers: flags.docker ? "docker" : "processes",
    pace: PACE_MS,
    onLog: logTo({
      write: (lines: string) => {
        stderr.write(lines);
        log.write(lines);
      },
    }),
  }).catch(unlessStopped(signal));
  try {
    return await serveUntilStopped(stack, project, { flags, log }, context);
  } finally {
    await stack.stop();
  }
}

async function serveUntilStopped(
  stack: LocalStack,
  project: string,
  { flags, log }: { flags: DevFlags; log: DevLog },
  context: Context,
): Promise<number> {
  writeDevFile(stack, project);
  try {
    log.write("");
    announce(stack, project, flags, context);
    await aborted(context.signal);
    context.stderr.write("stopping\n");
    return EXIT.ok;
  } finally {
    rmSync(join(project, DEV_FILE), { force: true });
  }
}

/** Two would write to the same files. @throws EdgeError `dev_running`. */
function assertNoneRuns(project: string): void {
  const running = readDevFile(project);
  if (!running) return;
  const { url, pid } = running;
  throw new EdgeError(
    "dev_running",
    `claude-edge dev runs for ${project} already: ${url}, process ${pid}.`,
  );
}

/** @throws EdgeError `dev_running` when another that was started at the same time was faster. */
function writeDevFile({ url, token }: LocalStack, project: string): void {
  const path = join(project, DEV_FILE);
  mkdirSync(dirname(path), { recursive: true });
  const file: DevFile = { url, token, pid: process.pid };
  try {
    // It holds the key: for its owner's eyes.
    writeFileSync(path, `${JSON.stringify(file)}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    assertNoneRuns(project);
    throw error;
  }
}

function announce(
  { url, token, model }: LocalStack,
  project: string,
  { docker }: DevFlags,
  { stdout, stderr, cwd }: Context,
): void {
  stdout.write(`${url}\n`);
  const folder = relative(cwd, project);
  stderr.write(
    [
      model
        ? "asking the scripted model: set ANTHROPIC_API_KEY in .dev.vars to ask a real one"
        : "asking the real model, with your credential",
      docker
        ? "containers are Docker's: a change of the agent or of the Dockerfile takes a new start"
        : "containers are local processes: the agent's tools run on this machine, as you",
      `in another terminal: ${folder ? `cd ${folder} && ` : ""}npx claude-edge query "Hello"`,
      `from elsewhere: CLAUDE_EDGE_URL=${url} CLAUDE_EDGE_TOKEN=${token}`,
      "Ctrl-C stops it",
      "",
    ].join("\n"),
  );
}
