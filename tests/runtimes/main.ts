/**
 * One suite of the client on every runtime it claims: Node, Bun, Deno, workerd and a browser. Prints a line for
 * each; ends with 1 when a check fails on any of them. A runtime that this machine cannot have is passed over, with
 * the reason.
 *
 *   npm run test:runtimes               all of them, about three minutes on two cores
 *   npm run test:runtimes -- chromium   those whose name holds the word
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";

import { BUN } from "./on/bun.ts";
import { CHROMIUM } from "./on/chromium.ts";
import { DENO } from "./on/deno.ts";
import { NODE } from "./on/node.ts";
import { WORKERD } from "./on/workerd.ts";
import { NO_BUDGET } from "../support/project.ts";
import { Unavailable, type Given, type Line, type Result, type Runtime } from "./runtime.ts";
import { startProxy } from "./support/proxy.ts";

const RUNTIMES: Runtime[] = [...NODE, WORKERD, CHROMIUM, BUN, DENO];

/** A runtime that has not ended the suite by then never will, milliseconds. */
const PATIENCE_MS = 300_000;

const TEMPLATE = fileURLToPath(new URL("../../cli/template", import.meta.url));

/** Runs the suite on one runtime, and says what came of it. True unless something failed. */
async function holdsOn(runtime: Runtime, index: number): Promise<boolean> {
  const folder = join(temp, String(index));
  mkdirSync(folder);
  const found = await runtime.find(folder).catch((error: unknown) => error as Error);
  if (found instanceof Error) {
    const isAbsent = found instanceof Unavailable;
    const what = isAbsent ? "passed over" : "cannot be started";
    console.log(`${runtime.name}: ${what}, ${found.message}`);
    return isAbsent;
  }
  const began = performance.now();
  const given = {
    baseURL: stack.url,
    faultURL: `${proxy.url}/faults`,
    token: stack.token,
    account: `runtime-${index}`,
  };
  const results: Result[] = [];
  const failures: string[] = [];
  let isWhole = false;
  const onLine = (line: Line) => {
    if ("ended" in line) isWhole = true;
    else results.push(line);
  };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  await found.run({ given, folder, proxy, signal, onLine }).catch((error: unknown) => {
    failures.push(signal.aborted ? `not done in ${PATIENCE_MS} ms` : (error as Error).message);
  });
  await deleteSessions(given).catch((error: unknown) => {
    failures.push(`its sessions are not deleted: ${String(error)}`);
  });
  if (!isWhole) failures.push("the suite did not come to its end");

  const passed = results.filter(({ ok }) => ok).length;
  const label = runtime.name.includes(found.version)
    ? runtime.name
    : `${runtime.name} ${found.version}`;
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`${label.padEnd(24)}  ${passed}/${results.length}  ${seconds} s`);
  for (const { name, ok, error } of results) if (!ok) console.log(`  ${name}: ${error}`);
  for (const failure of failures) console.log(`  ${failure}`);
  return failures.length === 0 && passed === results.length;
}

/** A session's process is kept for a while: those of every runtime together would take many gigabytes. */
async function deleteSessions({ baseURL, token, account }: Given): Promise<void> {
  const { sessions } = new ClaudeEdge({ baseURL, token, account });
  for await (const { id } of sessions.list()) await sessions.open(id).delete();
}

const only = (process.argv[2] ?? "").toLowerCase();
const chosen = RUNTIMES.filter(({ name }) => name.toLowerCase().includes(only));
if (chosen.length === 0) {
  console.error(
    `There is none: ${only}. There are ${RUNTIMES.map(({ name }) => name).join(", ")}.`,
  );
  process.exit(2);
}
const temp = mkdtempSync(join(tmpdir(), "runtimes-"));
process.on("exit", () => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const stack = await startLocal({ project: TEMPLATE, model: "scripted", vars: NO_BUDGET });
const proxy = await startProxy(stack.url);
const queue = chosen.entries();
let failed = 0;
const takeTurns = async () => {
  for (const [index, runtime] of queue) if (!(await holdsOn(runtime, index))) failed += 1;
};
try {
  // Two at a time: mostly the suite waits.
  await Promise.all([takeTurns(), takeTurns()]);
} finally {
  proxy.close();
  await stack.stop();
}
process.exitCode = failed > 0 ? 1 : 0;
