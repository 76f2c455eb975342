import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";

declare const __CLAUDE_CODE_VERSION__: string;

/** The one exit code that `claude` has for what went wrong. */
const FAILED = EXIT.failed;

/**
 * `claude-edge stdio`: what the Agent SDK starts as `claude`, on a deployment. Gives the exit code. Programs ask for the
 * version and start it for each query, so each way loads what it needs alone.
 */
export async function stdio(args: string[], context: Context): Promise<number> {
  const { stdout, stderr } = context;
  if (args.includes("-v") || args.includes("--version")) {
    stdout.write(`${__CLAUDE_CODE_VERSION__} (Claude Code)\n`);
    return EXIT.ok;
  }
  try {
    if (args[0] === "auth") return await auth(args.slice(1), context);
    const { run } = await import("../stdio/run.js");
    return await run(args, context);
  } catch (error) {
    // commander has written its message.
    if (String((error as { code?: unknown }).code).startsWith("commander.")) return FAILED;
    const { lineOf } = await import("../stdio/failures.js");
    stderr.write(lineOf(error));
    return FAILED;
  }
}

async function auth([command = ""]: string[], context: Context): Promise<number> {
  if (command !== "status") {
    const message = `auth ${command}: a deployment's key is saved with claude-edge login.`;
    throw new EdgeError("usage", message);
  }
  const { authStatus } = await import("../stdio/auth-status.js");
  return authStatus(context);
}
