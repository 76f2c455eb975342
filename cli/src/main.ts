import { EXIT } from "@claude-edge/protocol/errors";
import { CommanderError } from "commander";

import type { Context } from "./context.js";
import { createProgram } from "./program.js";
import { reportError } from "./report.js";

/** Runs the command line; gives its exit code. */
export async function main(args: string[]): Promise<number> {
  const { stdin, stdout, stderr, env } = process;
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    stop.abort();
  };
  const cwd = process.cwd();
  const { signal } = stop;
  const context: Context = { stdin, stdout, stderr, env, cwd, signal, interrupt: onSignal };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  // `claude-edge … | head`: whoever read has what it wanted.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.ok);
  });

  // Nobody reads what is said beside the data: that is no reason to stop.
  stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

  try {
    const words = args[0] === "-p" || args[0] === "--print" ? ["query", ...args.slice(1)] : args;
    const program = createProgram(context);
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    // commander has written its message; help and version end this way too, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // Whoever stopped it need not be told.
    const isStop = error === stop.signal.reason || (error as { code?: unknown }).code === "aborted";
    if (stop.signal.aborted && isStop) return EXIT.interrupted;
    return reportError(error, context);
  } finally {
    for (const name of signals) process.off(name, onSignal);
    // A prompt that is no longer awaited would keep the process waiting for it.
    stdin.destroy();
  }
}
