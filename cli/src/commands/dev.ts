import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import type { LocalOptions, LocalStack } from "@claude-edge/local";
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
  const { startLocal } = await loadLocal(project);
  const release = claim(project);
  try {
    return await run(startLocal, { project, port, flags }, context);
  } finally {
    release();
  }
}

async function run(
  startLocal: (options: LocalOptions) => Promise<LocalStack>,
  { project, port, flags }: { project: string; port: number; flags: DevFlags },
  context: Context,
): Promise<number> {
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
    log.write("");
    announce(stack, project, flags, context);
    await aborted(signal);
    stderr.write("stopping\n");
    return EXIT.ok;
  } finally {
    rmSync(join(project, DEV_FILE), { force: true });
    await stack.stop();
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

/**
 * Takes the project before anything is started for it: starting takes seconds, and one that is stopped again breaks the
 * other. Gives what lets go of it. @throws EdgeError `dev_running`.
 */
function claim(project: string): () => void {
  const path = join(project, dirname(DEV_FILE), "dev.lock");
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
  } catch {
    const pid = Number(readFileSync(path, "utf8"));
    if (isAlive(pid)) {
      const message = `claude-edge dev is being started for ${project} already: process ${pid}.`;
      throw new EdgeError("dev_running", message);
    }
    // Left behind by one that was killed.
    writeFileSync(path, String(process.pid));
  }
  return () => rmSync(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

function announce(
  { url, token, model }: LocalStack,
  project: string,
  { docker }: DevFlags,
  { stdout, stderr, cwd }: Context,
): void {
  const devFile = join(project, DEV_FILE);
  const file: DevFile = { url, token, pid: process.pid };
  // It holds the key: for its owner's eyes.
  writeFileSync(devFile, `${JSON.stringify(file)}\n`, { mode: 0o600 });
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
