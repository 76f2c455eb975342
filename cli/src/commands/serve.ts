import { join, resolve } from "node:path";

import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { aborted, loadLocal, logTo, portOf, unlessStopped } from "../dev/local.js";
import { DATA_FOLDER } from "../target/dev-file.js";

export interface ServeFlags {
  port: string;
  host: string;
  data?: string;
  scripted?: boolean;
}

/** `claude-edge serve`: runs until it is told to stop. Gives the exit code. */
export async function serve(folder: string, flags: ServeFlags, context: Context): Promise<number> {
  const port = portOf(flags.port);
  const project = resolve(context.cwd, folder);
  const { startLocal } = await loadLocal(project);
  const { env, stdout, stderr, signal } = context;
  // A server that makes up a key, or answers by script, is one that somebody takes for real.
  if (!env.CLAUDE_EDGE_ROOT_KEY) {
    throw new EdgeError("not_configured", "CLAUDE_EDGE_ROOT_KEY is not set.");
  }
  const stack = await startLocal({
    project,
    port,
    host: flags.host,
    containers: "built",
    persist: resolve(context.cwd, flags.data ?? join(project, DATA_FOLDER)),
    model: flags.scripted ? "scripted" : "credential",
    onLog: logTo(stderr),
  }).catch(unlessStopped(signal));
  try {
    stdout.write(`${stack.url}\n`);
    await aborted(signal);
    return EXIT.ok;
  } finally {
    await stack.stop();
  }
}
