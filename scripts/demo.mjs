/**
 * The whole of claude-edge on this machine in one go: starts the template project's Worker in workerd, its container
 * and a model, asks two questions with the CLI, stops everything.
 */
import "./own-node.mjs";

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { startLocal } from "@claude-edge/local";

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const say = (text = "") => process.stdout.write(`${text}\n`);

const stack = await startLocal({ project: path("cli/template"), pace: 20 });

/** Runs the CLI as a person would; ends the demo with its exit code when it fails. */
function claudeEdge(...args) {
  say(`\n$ claude-edge ${args.map((arg) => (/\s/.test(arg) ? `"${arg}"` : arg)).join(" ")}`);
  const child = spawn(process.execPath, [path("cli/dist/bin.js"), ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, CLAUDE_EDGE_URL: stack.url, CLAUDE_EDGE_TOKEN: stack.token },
  });
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`claude-edge ended with ${code}`));
    });
  });
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => void stack.stop().finally(() => process.exit(130)));
}

try {
  say(
    stack.model
      ? "No ANTHROPIC_API_KEY is set, so this asks the scripted model: a small Messages API on this machine."
      : "ANTHROPIC_API_KEY is set, so this asks the real model.",
  );
  say(
    `Worker, Durable Objects, container and Agent SDK are the real ones. The Worker is at ${stack.url}.`,
  );
  await claudeEdge(
    "query",
    "My lucky number is 42. What is a Durable Object, in one sentence?",
    "--verbose",
  );
  await claudeEdge("query", "--continue", "What did I say my lucky number is?", "--verbose");
} catch (error) {
  say(`\n${error.message}`);
  process.exitCode = 1;
} finally {
  await stack.stop();
}
if (!process.exitCode) {
  say("\nEverything is stopped. What next:");
  say("  keep it running, ask from another terminal:  npx claude-edge dev cli/template");
  say("  ask the real model:                          ANTHROPIC_API_KEY=… npm run demo");
  say("  read how it works:                           README.md, then AGENTS.md");
}
