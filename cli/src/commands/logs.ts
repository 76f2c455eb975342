import { setTimeout as sleep } from "node:timers/promises";

import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { stopped, write, type Context } from "../context.js";
import { assertLoggedIn, runWrangler } from "../deploy/wrangler.js";
import { DevLogReader } from "../dev/log.js";
import { findProject } from "../project/project.js";
import { findDevProject, readDevFile } from "../target/dev-file.js";
import { printable } from "../terminal/printable.js";

export interface LogsFlags {
  follow?: boolean;
  format: "json" | "pretty";
}

/** How often a followed log is looked at, milliseconds. */
const LOOK_MS = 200;

/** `claude-edge logs`. Gives the exit code. */
export async function logs(flags: LogsFlags, context: Context): Promise<number> {
  const dev = findDevProject(context.cwd);
  if (dev !== undefined) return devLogs(dev, flags, context);
  const project = findProject(".", context.cwd);
  if (!flags.follow) {
    const message =
      "No claude-edge dev runs here, and a deployment's logs can only be followed: -f.";
    throw new EdgeError("usage", message);
  }
  await assertLoggedIn(project, context);
  const args = ["tail", "--format", flags.format];
  const { code } = await runWrangler(project, args, { output: "stdout" }, context);
  if (code === 0) return EXIT.ok;
  throw new EdgeError("wrangler_failed", "wrangler tail failed.");
}

async function devLogs(
  project: string,
  { follow, format }: LogsFlags,
  { stdout, stderr, signal }: Context,
): Promise<number> {
  const reader = new DevLogReader(project);
  let rest = "";
  const print = async (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      await write(
        stdout,
        format === "json" ? jsonOf(line) : `${stdout.isTTY ? printable(line) : line}\n`,
      );
    }
  };
  try {
    for (;;) {
      // Looked at before the log, which is whole when it is gone.
      const isOver = !follow || readDevFile(project) === undefined;
      await print(reader.read());
      if (signal.aborted) throw stopped();
      if (isOver) break;
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    if (rest) await print("\n");
    if (follow) stderr.write("claude-edge dev has stopped\n");
    return EXIT.ok;
  } finally {
    reader.close();
  }
}

function jsonOf(line: string): string {
  const [, source = null, message = line] = /^\[(\w+)\] (.*)$/.exec(line) ?? [];
  return `${JSON.stringify({ source, message })}\n`;
}
