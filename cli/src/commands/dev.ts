import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import type { LocalStack } from "@claude-edge/local";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { DEV_FILE, readDevFile, type DevFile } from "../deployment.js";
import { DevLog } from "../dev-log.js";

export interface DevFlags {
  port: string;
  scripted?: boolean;
}

type Local = typeof import("@claude-edge/local");

/** Pause before each word of the scripted model, milliseconds: about the pace of a real one. */
const PACE_MS = 20;

/** `claude-edge dev`: runs until Ctrl-C. Gives the exit code. */
export async function dev(folder: string, flags: DevFlags, context: Context): Promise<number> {
  const port = Number(flags.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new EdgeError("usage", `--port: ${flags.port} is not a port.`);
  }
  const project = resolve(context.cwd, folder);
  assertNoneRuns(project);
  const { startLocal } = await loadLocal(project);
  const { stderr, signal } = context;
  const log = new DevLog(project);
  const stack = await startLocal({
    project,
    port,
    watch: true,
    persist: join(project, ".wrangler", "claude-edge"),
    model: flags.scripted ? "scripted" : "auto",
    pace: PACE_MS,
    onLog: (source, text) => {
      const lines = text.replace(/^(?=.)/gm, `[${source}] `);
      stderr.write(lines);
      log.write(lines);
    },
  });
  try {
    log.write("");
    announce(stack, project, context);
    if (!signal.aborted) {
      await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
    }
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

/** The project's own local stack: its version belongs to the project, and this program stays small. */
async function loadLocal(project: string): Promise<Local> {
  let path: string;
  if (!existsSync(project))
    throw new EdgeError("project_not_found", `There is no folder ${project}.`);
  try {
    path = createRequire(join(project, "package.json")).resolve("@claude-edge/local/package.json");
  } catch (cause) {
    const message = `@claude-edge/local is not installed in ${project}.`;
    throw new EdgeError("package_missing", message, undefined, cause);
  }
  return (await import(pathToFileURL(join(dirname(path), "dist", "index.js")).href)) as Local;
}

function announce(
  { url, token, model }: LocalStack,
  project: string,
  { stdout, stderr, cwd }: Context,
): void {
  const devFile = join(project, DEV_FILE);
  mkdirSync(dirname(devFile), { recursive: true });
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
      "containers are local processes: the agent's tools run on this machine, as you",
      `in another terminal: ${folder ? `cd ${folder} && ` : ""}npx claude-edge query "Hello"`,
      `from elsewhere: CLAUDE_EDGE_URL=${url} CLAUDE_EDGE_TOKEN=${token}`,
      "Ctrl-C stops it",
      "",
    ].join("\n"),
  );
}
