#!/usr/bin/env node
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { RUNNER_PORT } from "@claude-edge/protocol/runner";

import { loadAgent } from "./agent.js";
import { warmBinary } from "./binary.js";
import { Runner } from "./server.js";
import { DEFAULT_POLICY, type ProcessPolicy } from "./sessions.js";

// The Agent SDK takes a diagnostic report to learn which C library this is. A report looks up the name of every open
// connection's other end, in the main thread: with no name server in reach, 5 s and more for each.
(process.report as { excludeNetwork?: boolean }).excludeNetwork = true;

const listenOn = process.env.PORT ?? String(RUNNER_PORT);
const folders = {
  workspaces: process.env.CLAUDE_EDGE_WORKSPACES ?? "/workspace",
  state: process.env.CLAUDE_EDGE_STATE ?? join(homedir(), ".claude-edge"),
};

mkdirSync(folders.workspaces, { recursive: true });
const agent = await loadAgent(resolve(process.argv[2] ?? ".")).catch((error: Error) => error);
if (agent instanceof Error) console.error(agent.message);
const runner = new Runner(agent, folders, readPolicy(process.env));

const stop = () => {
  void runner.close().then(() => process.exit(0));
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

await runner.listen(/^\d+$/.test(listenOn) ? Number(listenOn) : listenOn);
console.error(`runner listening on ${listenOn}`);
warmBinary();

/** The policy, with what the environment sets in its place. */
function readPolicy(env: NodeJS.ProcessEnv): ProcessPolicy {
  const number = (name: string, otherwise: number, unit = 1) =>
    env[name] === undefined ? otherwise : Number(env[name]) * unit;
  return {
    ...DEFAULT_POLICY,
    hotMs: number("CLAUDE_EDGE_HOT_MS", DEFAULT_POLICY.hotMs),
    spares: number("CLAUDE_EDGE_SPARES", DEFAULT_POLICY.spares),
    maxTurns: number("CLAUDE_EDGE_MAX_PROCESS_TURNS", DEFAULT_POLICY.maxTurns),
    reserveBytes: number("CLAUDE_EDGE_RESERVE_MB", DEFAULT_POLICY.reserveBytes, 1024 * 1024),
  };
}
