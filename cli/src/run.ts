import { fstatSync } from "node:fs";

import { EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "./context.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** How long what is still under way may hold the program after Ctrl-C, milliseconds. */
const HOLD_MS = 500;

/** Runs the command line in this process, with its streams and signals. Sets its exit code. */
export async function run(args: string[]): Promise<void> {
  const { stdin, stdout, stderr, env } = process;
  const cwd = process.cwd();
  const stop = new AbortController();
  const cleaners = new Set<() => void>();
  const interrupt = () => {
    if (!stop.signal.aborted) return stop.abort();
    for (const clean of cleaners) clean();
    process.exit(EXIT.interrupted);
  };
  const onQuit: Context["onQuit"] = (clean) => {
    cleaners.add(clean);
    return () => void cleaners.delete(clean);
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  // `claude-edge … | head`: the reader has what it wanted.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.ok);
  });
  // What is said beside the data may go unread: that is no reason to stop.
  stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

  const isPiped = isPipe(stdin);
  const { signal } = stop;
  const world: Context = { stdin, stdout, stderr, env, cwd, isPiped, signal, interrupt, onQuit };
  const code = await mainOf(args)(world);
  for (const name of SIGNALS) process.off(name, interrupt);
  // A prompt that is no longer awaited would keep the process waiting for it.
  stdin.destroy();
  process.exitCode = code;
  // So would a request that hangs.
  if (signal.aborted) setTimeout(() => process.exit(), HOLD_MS).unref();
}

/** Programs start `stdio` for each query, and it has a parser of its own: it does not load the commands, but for its help. */
const mainOf =
  ([command, ...args]: string[]) =>
  async (world: Context): Promise<number> => {
    const isHelp = args[0] === "--help" || args[0] === "-h";
    if (command === "stdio" && !isHelp) {
      return (await import("./commands/stdio.js")).stdio(args, world);
    }
    const { main } = await import("./main.js");
    return main(command === undefined ? [] : [command, ...args], world);
  };

function isPipe(stdin: { isTTY?: boolean }): boolean {
  if (stdin.isTTY) return false;
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}
