/**
 * The figures of the project, side by side in one run, against the scripted model answering at once. These machines are
 * shared and noisy: read the ratios, not the milliseconds. Prints a table and writes bench/results.json.
 *
 *   npm run bench
 *   npm run bench -- 5 40      5 sessions of 40 turns in the memory part, instead of 20 of 200
 *   npm run bench -- cost      what a deployment costs, from figures that were measured before; nothing else
 *   node bench/client.mjs      the client's figures alone
 *   node bench/files.mjs       those of files
 *   node bench/files/history.mjs  those of a session with 50 000 checkpoints
 *   node bench/rows.mjs        rows written, by statement
 *   node bench/load.mjs        many sessions at the same time
 *   node bench/gateway.mjs     a container's requests through the gateway
 *   node bench/checkpoint.mjs  a large checkpoint beside another session
 *   node bench/niceness.mjs    a shell that takes every core, beside the runner and another session
 *   node bench/docker/main.mjs real containers, where there is a Docker engine
 */
import "../scripts/own-node.mjs";

import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";

import { freshTurn, liveProcess } from "./bare-sdk.mjs";
import { measureClient } from "./client/main.mjs";
import { reportClient } from "./client/report.mjs";
import { reportCost } from "./cost/report.mjs";
import { measureGateway } from "./gateway/main.mjs";
import { reportGateway } from "./gateway/report.mjs";
import { measureHistory, reportHistory } from "./files/history.mjs";
import { measureFiles } from "./files/main.mjs";
import { reportFiles } from "./files/report.mjs";
import { memoryOfContainer } from "./memory.mjs";
import { measureCheckpoint } from "./load/checkpoint.mjs";
import { measureLoad } from "./load/main.mjs";
import { reportCheckpoint, reportLoad } from "./load/report.mjs";
import { measureNiceness } from "./niceness/main.mjs";
import { reportNiceness } from "./niceness/report.mjs";
import { saveResults } from "./results.mjs";
import { measureRows } from "./rows/main.mjs";
import { reportRows } from "./rows/report.mjs";
import { median, spread } from "./stats.mjs";

if (process.argv[2] === "cost") {
  reportCost();
  process.exit();
}

const ROUNDS = 15;
const [SESSIONS = 20, TURNS = 200] = process.argv.slice(2).map(Number);
const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
/** When memory is read: after so many turns of every session. A process is replaced after 100. */
const READ_AFTER = new Set([2, 10, 50, 99, 150, 199]);
const PROMPT = "%say One two three four five six seven eight nine ten.";

// An older Node cannot load TypeScript, and is to get as far as own-node.mjs.
const { NO_BUDGET } = await import("../tests/support/project.ts");
const stack = await startLocal({
  project: path("cli/template"),
  model: "scripted",
  vars: NO_BUDGET,
});
const edge = new ClaudeEdge({ baseURL: stack.url, token: stack.token });

async function edgeTurn(turn) {
  const started = performance.now();
  let first;
  for await (const event of turn) {
    const inner = event.kind === "delta" ? event.message.event : undefined;
    if (inner?.delta?.type === "text_delta") first ??= performance.now() - started;
  }
  return { first, total: performance.now() - started };
}

const times = (command, args) => {
  const started = performance.now();
  spawnSync(command, args);
  return performance.now() - started;
};

const samples = { bareHot: [], fresh: [], hot: [], spare: [], cold: [], node: [], version: [] };
try {
  const live = liveProcess(stack.model);
  const session = await edge.sessions.create();
  for (let warm = 0; warm < 3; warm += 1) {
    await live.turn(PROMPT);
    await session.send(PROMPT);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    samples.bareHot.push((await live.turn(PROMPT)).first);
    samples.hot.push((await edgeTurn(session.send(PROMPT))).first);
    samples.fresh.push((await freshTurn(stack.model, PROMPT)).first);
    samples.cold.push((await edgeTurn(edge.query(PROMPT, { systemPrompt: "Cold." }))).first);
    // A spare is made when nothing else has run for half a second, and takes 0.3 s of a core.
    await sleep(1_600);
    samples.spare.push((await edgeTurn(edge.query(PROMPT))).first);
    samples.node.push(times(process.execPath, ["--eval", "0"]));
    samples.version.push(times(process.execPath, [path("cli/dist/bin.js"), "--version"]));
  }
  live.close();
  const memory = await measureMemory();
  report(memory);
} finally {
  await stack.stop();
}

const client = await measureClient();
reportClient(client);
saveResults({ client });

const files = await measureFiles();
reportFiles(files);
saveResults({ files });

const history = await measureHistory();
reportHistory(history);
saveResults({ history });

const written = await measureRows();
reportRows(written);
saveResults({ rows: written });

const load = {
  alone: await measureLoad({ sessions: 1, seconds: 60 }),
  together: await measureLoad({ sessions: 200, seconds: 60 }),
};
reportLoad(load);
saveResults({ load });

const checkpoint = await measureCheckpoint();
reportCheckpoint(checkpoint);
saveResults({ checkpoint });

const gateway = await measureGateway();
reportGateway(gateway);
saveResults({ gateway });

const niceness = await measureNiceness();
reportNiceness(niceness);
saveResults({ niceness });

/** Many sessions of one account, many turns each, all in one container. */
async function measureMemory() {
  const account = new ClaudeEdge({ baseURL: stack.url, token: stack.token, account: "memory" });
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, () => account.sessions.create({ systemPrompt: "Memory." })),
  );
  const before = new Set(stack.containers().map(({ name }) => name));
  const readings = [];
  for (let turn = 1; turn <= TURNS; turn += 1) {
    for (const session of sessions) await session.send(PROMPT);
    if (!READ_AFTER.has(turn)) continue;
    const container = stack.containers().find(({ name }) => !before.has(name));
    readings.push({ turn, ...memoryOfContainer(container) });
  }
  return readings;
}

function report(memory) {
  const of = Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [name, median(list)]),
  );
  const ratio = (a, b) => (a / b).toFixed(2);
  const rows = [
    ["bare Agent SDK, live process: first token", of.bareHot, "", ""],
    ["fresh process per turn: first token", of.fresh, "", ""],
    ["hot session: first token", of.hot, `${ratio(of.hot, of.bareHot)} × bare`, "≤ 1.6 ×"],
    ["", "", `${ratio(of.hot, of.fresh)} × fresh`, "≤ 0.25 ×"],
    [
      "new session, spare ready: first token",
      of.spare,
      `${ratio(of.spare, of.fresh)} × fresh`,
      "≤ 0.35 ×",
    ],
    ["new session, no spare: first token", of.cold, `${ratio(of.cold, of.fresh)} × fresh`, ""],
    ["node -e 0", of.node, "", ""],
    [
      "claude-edge --version",
      of.version,
      `node + ${(of.version - of.node).toFixed(1)} ms`,
      "≤ 12 ms",
    ],
  ];
  console.log(`medians of ${ROUNDS} rounds, one run\n`);
  for (const [name, ms, figure, bound] of rows) {
    const time = ms === "" ? "" : `${ms.toFixed(1)} ms`;
    console.log(`${name.padEnd(44)} ${time.padStart(10)}  ${figure.padEnd(16)} ${bound}`);
  }
  console.log(`\n${SESSIONS} sessions in one container, memory of their own (MB)\n`);
  console.log("after turns  processes  a process: median  most  (bounds 120, 300)  the runner");
  for (const { turn, runner, claudes } of memory) {
    const own = claudes.map(({ anonymous }) => anonymous);
    const cells = [String(turn).padStart(11), String(own.length).padStart(9)];
    cells.push(String(median(own)).padStart(17), String(Math.max(...own)).padStart(4));
    console.log(`${cells.join("  ")}  ${"".padEnd(17)}  ${String(runner.anonymous).padStart(10)}`);
  }
  saveResults({
    rounds: ROUNDS,
    median_ms: of,
    quartiles_ms: Object.fromEntries(
      Object.entries(samples).map(([name, list]) => [name, spread(list)]),
    ),
    memory: { sessions: SESSIONS, turns: TURNS, readings: memory },
  });
}
