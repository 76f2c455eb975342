#!/usr/bin/env node
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { RUNNER_PORT } from "@claude-edge/protocol/runner";

import { loadAgent } from "./agent.js";
import { Runner } from "./server.js";

const listenOn = process.env.PORT ?? String(RUNNER_PORT);
const folders = {
  workspaces: process.env.CLAUDE_EDGE_WORKSPACES ?? "/workspace",
  state: process.env.CLAUDE_EDGE_STATE ?? join(homedir(), ".claude-edge"),
};

mkdirSync(folders.workspaces, { recursive: true });
const agent = await loadAgent(resolve(process.argv[2] ?? "."));
const runner = new Runner(agent, folders);

const stop = () => {
  void runner.close().then(() => process.exit(0));
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

await runner.listen(/^\d+$/.test(listenOn) ? Number(listenOn) : listenOn);
console.error(`runner listening on ${listenOn}`);
