import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { EdgeError, EXIT } from "@claude-edge/protocol/errors";
import { parseLogEntry, type LogEntry } from "@claude-edge/protocol/internal";

import { stopped, write, writeJson, type Context } from "../context.js";
import { assertLoggedIn, runWrangler } from "../deploy/wrangler.js";
import { DevLogReader } from "../dev/log.js";
import { matches, type LogFilter } from "../logs/filter.js";
import { TailReader } from "../logs/tail.js";
import { inWords } from "../logs/words.js";
import { findProject } from "../project/project.js";
import { findDevProject, readDevFile } from "../target/dev-file.js";

export interface LogsFlags extends LogFilter {
  follow?: boolean;
  json?: boolean;
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
  const args = ["tail", "--format", "json"];
  const print = printer(flags, context);
  const output = async (stdout: Readable) => {
    const reader = new TailReader();
    for await (const text of stdout.setEncoding("utf8")) await print(reader.read(text as string));
    await print(reader.end());
  };
  const { code } = await runWrangler(project, args, { output }, context);
  if (code === 0) return EXIT.ok;
  throw new EdgeError("wrangler_failed", "wrangler tail failed.");
}

async function devLogs(project: string, flags: LogsFlags, context: Context): Promise<number> {
  const { stderr, signal } = context;
  const { follow } = flags;
  const print = printer(flags, context);
  const reader = new DevLogReader(project);
  let rest = "";
  const printLines = (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop()!;
    return print(lines.flatMap((line) => parseLogEntry(line) ?? []));
  };
  try {
    for (;;) {
      // Looked at before the log, which is whole when it is gone.
      const isOver = !follow || readDevFile(project) === undefined;
      await printLines(reader.read());
      if (signal.aborted) throw stopped();
      if (isOver) break;
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    if (rest) await printLines("\n");
    if (follow) stderr.write("claude-edge dev has stopped\n");
    return EXIT.ok;
  } finally {
    reader.close();
  }
}

/** Prints the entries that are looked for. */
const printer =
  ({ json, ...filter }: LogsFlags, { stdout }: Context) =>
  async (entries: LogEntry[]): Promise<void> => {
    for (const entry of entries) {
      if (!matches(entry, filter)) continue;
      await (json ? writeJson(stdout, entry) : write(stdout, inWords(entry, stdout)));
    }
  };
