import { join, relative, resolve } from "node:path";

import type { LocalOptions, LocalStack } from "@claude-edge/local";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { aborted, loadLocal, portOf, unlessStopped } from "../dev/local.js";
import { claim } from "../dev/lock.js";
import { DevLog } from "../dev/log.js";
import { entriesOf } from "../logs/entries.js";
import { inBrief } from "../logs/words.js";
import { DATA_FOLDER, readDevFile, removeDevFile, writeDevFile } from "../target/dev-file.js";

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
    persist: join(project, DATA_FOLDER),
    model: flags.scripted ? "scripted" : "auto",
    containers: flags.docker ? "docker" : "processes",
    pace: PACE_MS,
    onLog: (source, text) => {
      for (const entry of entriesOf(source, text)) {
        stderr.write(inBrief(entry, stderr));
        log.write(`${JSON.stringify(entry)}\n`);
      }
    },
  }).catch(unlessStopped(signal));
  try {
    log.write("");
    announce(stack, project, flags, context);
    await aborted(signal);
    stderr.write("stopping\n");
    return EXIT.ok;
  } finally {
    removeDevFile(project);
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

function announce(
  { url, token, model }: LocalStack,
  project: string,
  { docker }: DevFlags,
  { stdout, stderr, cwd }: Context,
): void {
  writeDevFile(project, { url, token, pid: process.pid });
  stdout.write(`${url}\n`);
  const folder = relative(cwd, project);
  stderr.write(
    [
      model
        ? "asking the scripted model: claude-edge secrets set ANTHROPIC_API_KEY --local, to ask a real one"
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
