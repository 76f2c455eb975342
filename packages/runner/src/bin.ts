#!/usr/bin/env node
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { RUNNER_PORT } from "@claude-edge/protocol/runner";

import { logger } from "./logger.js";
import { loadAgent } from "./process/agent-definition.js";
import { Runner } from "./http/server.js";
import { DEFAULT_POLICY, type ProcessPolicy } from "./process/policy.js";
import { VERSION } from "./version.js";

// The Agent SDK takes a diagnostic report to find out which C library this is. A report resolves the peer name of every
// open connection in the main thread: 5 s and more for each when no name server is reachable.
(process.report as { excludeNetwork?: boolean }).excludeNetwork = true;

const listenOn = process.env.PORT ?? String(RUNNER_PORT);
const folders = {
  workspaces: process.env.CLAUDE_EDGE_WORKSPACES ?? "/workspace",
  state: process.env.CLAUDE_EDGE_STATE ?? join(homedir(), ".claude-edge"),
};

mkdirSync(folders.workspaces, { recursive: true });
const agent = await loadAgent(resolve(process.argv[2] ?? ".")).catch((error: Error) => error);
if (agent instanceof Error) logger.error("agent not loaded", { reason: agent.message });
const policy = readPolicy(process.env);
const runner = new Runner(agent, folders, policy);

const hurry = new AbortController();
let stopping: Promise<void> | undefined;
/** Lets running turns end, for a while. A second call, or one in a hurry, cuts them off. */
const stop = (isInHurry: boolean) => {
  logger.info("runner stops", { hurry: isInHurry || stopping !== undefined });
  if (isInHurry || stopping) hurry.abort();
  stopping ??= runner
    .drain(AbortSignal.any([hurry.signal, AbortSignal.timeout(policy.drainMs)]))
    .then(() => process.exit(0));
};
process.on("SIGTERM", () => stop(false));
process.on("SIGINT", () => stop(true));

await runner.listen(/^\d+$/.test(listenOn) ? Number(listenOn) : listenOn);
logger.info("runner listens", { version: VERSION, port: listenOn });

/** The default policy with the overrides of the environment. */
function readPolicy(env: NodeJS.ProcessEnv): ProcessPolicy {
  const number = (name: string, otherwise: number, unit = 1) =>
    env[name] === undefined ? otherwise : Number(env[name]) * unit;
  return {
    ...DEFAULT_POLICY,
    hotMs: number("CLAUDE_EDGE_HOT_MS", DEFAULT_POLICY.hotMs),
    spares: number("CLAUDE_EDGE_SPARES", DEFAULT_POLICY.spares),
    drainMs: number("CLAUDE_EDGE_DRAIN_MS", DEFAULT_POLICY.drainMs),
    backgroundMs: number("CLAUDE_EDGE_BACKGROUND_MS", DEFAULT_POLICY.backgroundMs),
    niceness: number("CLAUDE_EDGE_NICENESS", DEFAULT_POLICY.niceness),
    maxTurns: number("CLAUDE_EDGE_MAX_PROCESS_TURNS", DEFAULT_POLICY.maxTurns),
    reserveBytes: number("CLAUDE_EDGE_RESERVE_MB", DEFAULT_POLICY.reserveBytes, 1024 * 1024),
  };
}
