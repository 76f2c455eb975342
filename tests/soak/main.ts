/**
 * A soak: 40 sessions of 10 accounts on a local stack, three turns at a time, while everything that can break does, at
 * random. Each turn that was accepted must end once, each reader see each event once, no tool run twice, each session go
 * on and remember; at the end nothing may be left, and memory must have been flat. What does not hold is printed as it is
 * found, with the seed, which repeats the choices though not their moments. Ends with 1 when anything did not hold. Build
 * before, and not meanwhile: containers run what is built. Memory is judged in runs of 30 minutes and more.
 *
 *   npx node tests/soak/main.ts              60 minutes
 *   npx node tests/soak/main.ts 5 1234       5 minutes, with a seed
 */
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { startLocal } from "@claude-edge/local";

import { makeProject, NO_BUDGET } from "../support/project.ts";
import { RESETTABLE_WORKER } from "../support/resets.ts";
import { until } from "../support/wait.ts";
import { Chance } from "./chance.ts";
import { FaultLog } from "./fault-log.ts";
import { Ledger } from "./ledger.ts";
import { containerProcesses, MemoryWatch, stackProcesses } from "./memory.ts";
import { report, reportMemory } from "./report.ts";
import { Soak } from "./soak.ts";
import { HOT_MS, SLEEP_AFTER_MS, type World } from "./world.ts";

const [minutes = 60, seed = Math.floor(Math.random() * 1_000_000)] = process.argv
  .slice(2)
  .map(Number);
const MINUTE_MS = 60_000;

/** Memory is sampled this often, milliseconds. */
const SAMPLE_MS = 15_000;

/** The alarm that puts a container to sleep comes this much later at the most, with 10 of them, milliseconds. */
const SLEEP_PATIENCE_MS = SLEEP_AFTER_MS + 90_000;

const folder = mkdtempSync(join(tmpdir(), "soak-"));
const persist = join(folder, "data");
const logPath = join(folder, "stack.log");
const log = createWriteStream(logPath);
const project = makeProject({ "src/worker.ts": RESETTABLE_WORKER });
const problems: string[] = [];
const beside = new Set<Promise<unknown>>();
const began = Date.now();

const clock = (at = Date.now()) => {
  const seconds = Math.floor((at - began) / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};
const problem = (what: string) => {
  log.write(`${clock()} soak: NOT HELD: ${what}\n`);
  problems.push(`${clock()}  ${what}`);
  console.log(`seed ${seed}, ${new Date().toISOString()}, ${clock()}: ${what}`);
};

console.log(`seed ${seed}, ${minutes} minutes; Worker and containers write to ${logPath}`);
const stack = await startLocal({
  project: project.folder,
  persist,
  model: "scripted",
  containerEnv: { CLAUDE_EDGE_SPARES: "0", CLAUDE_EDGE_HOT_MS: String(HOT_MS) },
  vars: {
    ...NO_BUDGET,
    CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "3",
    CLAUDE_EDGE_SLEEP_AFTER: `${SLEEP_AFTER_MS / 1_000}s`,
  },
  onLog: (source, text) => log.write(`${clock()} ${source}: ${text.trimEnd()}\n`),
});
const world: World = {
  stack,
  ledger: new Ledger(join(folder, "ledger")),
  faults: new FaultLog(),
  counts: {
    turns: {},
    turnMs: [],
    resumed: 0,
    waited: 0,
    sessions: 0,
    forks: 0,
    deletions: 0,
    events: 0,
  },
  problem,
  note: (what) => void log.write(`${clock()} soak: ${what}\n`),
  later(work) {
    const tracked = work
      .catch((error: unknown) => problem(String(error)))
      .finally(() => beside.delete(tracked));
    beside.add(tracked);
  },
};
const memory = new MemoryWatch(stack);
const sampling = setInterval(() => memory.sample(), SAMPLE_MS);
const soak = new Soak(world, join(persist, "disks"), new Chance(seed), minutes * MINUTE_MS);
const progress = setInterval(() => {
  process.stderr.write(`${clock()}  ${soak.state()}, ${problems.length} broken\n`);
}, 30_000);
let ended = Date.now();
try {
  await soak.prepare();
  const from = Date.now();
  await soak.run();
  ended = Date.now();
  reportMemory(memory, { from, to: ended, clock, isLong: minutes >= 30, problem });
  await soak.finish();
  await Promise.all(beside);
  for (const what of world.ledger.problems()) problem(what);
  await until("asleep", () => stack.containers().length === 0, SLEEP_PATIENCE_MS).catch(() => {});
  const { length: containers } = stack.containers();
  if (containers > 0) problem(`${containers} containers are left`);
  const left = containerProcesses();
  if (left.length > 0) problem(`${left.length} processes of containers are left`);
} catch (error) {
  problem(`the soak itself failed: ${String((error as Error).stack ?? error)}`);
} finally {
  clearInterval(sampling);
  clearInterval(progress);
  await stack.stop();
  project.remove();
}
const left = stackProcesses();
if (left.length > 0) problem(`${left.length} processes of the stack are left: ${left.join(", ")}`);
await sleep(0);
report(world, { seconds: (ended - began) / 1_000, problems });
if (problems.length === 0) rmSync(folder, { recursive: true, force: true });
process.exitCode = problems.length > 0 ? 1 : 0;
