import { EXIT } from "@claude-edge/protocol/errors";
import { CommanderError } from "commander";

import type { Context } from "./context.js";
import { createProgram } from "./program.js";
import { reportError } from "./report.js";

/** Runs the command line in a world of the caller's; gives its exit code. Touches nothing of the process. */
export async function main(args: string[], world: Context): Promise<number> {
  const context = { ...world, exitCode: EXIT.ok };
  const { signal } = context;
  try {
    const words = args[0] === "-p" || args[0] === "--print" ? ["query", ...args.slice(1)] : args;
    const program = createProgram(context);
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: "user" });
    return context.exitCode;
  } catch (error) {
    // commander has written its message; help and version end this way too, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // The user stopped it, and knows.
    const isStop = error === signal.reason || (error as { code?: unknown }).code === "aborted";
    if (signal.aborted && isStop) return EXIT.interrupted;
    return reportError(error, context);
  }
}
