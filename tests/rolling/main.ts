/**
 * A rolling deploy, on this machine: sessions run turn after turn while the Worker is replaced by another build every few
 * seconds, now and then by one of another version of the packages, with its image. Each turn must complete, each reader
 * get each event once, and no tool run twice. Prints figures; ends with 1 when anything did not hold.
 *
 *   npx node tests/rolling/main.ts               3 minutes, 20 sessions, a deploy every 5 s, every sixth of another version
 *   npx node tests/rolling/main.ts 60 5 4        seconds; sessions; which deploys are of another version, 0 for none
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ClaudeEdge, type EdgeEvent, type Session } from "@claude-edge/client";
import { startLocal, type LocalStack } from "@claude-edge/local";

import { makeProject, NO_BUDGET } from "../support/project.ts";
import { Reader } from "../support/reader.ts";
import { installVersion } from "../support/versions.ts";

const [seconds = 180, sessionCount = 20, everyUpgrade = 6] = process.argv.slice(2).map(Number);
const DEPLOY_EVERY_MS = 5_000;
const ACCOUNTS = 4;

/** A turn that takes longer than this hangs, milliseconds. */
const PATIENCE_MS = 5 * 60_000;

const folder = mkdtempSync(join(tmpdir(), "rolling-"));
const ledger = join(folder, "ledger");
const problems: string[] = [];
const turnMs: number[] = [];
const resumed: string[] = [];
const over = new AbortController();

async function runTurn(session: Session, name: string): Promise<void> {
  const command = `echo ${name} >> ${ledger}; sleep 0.2; echo ${name}-output`;
  const prompt = `%tokens 20\n%tool Bash ${JSON.stringify({ command })}\n%say End of ${name}.`;
  const reader = new Reader((problem) => problems.push(`${name}: ${problem}`));
  const begunAt = performance.now();
  const turn = session.send(prompt, { signal: AbortSignal.timeout(PATIENCE_MS) });
  for await (const event of turn) reader.see(event);
  turnMs.push(performance.now() - begunAt);
  const end = reader.seen.at(-1);
  const text = end?.kind === "turn" ? end.result?.text : undefined;
  if (end?.kind !== "turn" || end.status !== "completed" || !text?.includes(`End of ${name}.`)) {
    problems.push(`${name} ended with ${JSON.stringify(end)?.slice(0, 300)}`);
  }
  const isRunning = (event: EdgeEvent) => event.kind === "turn" && event.status === "running";
  if (reader.seen.filter(isRunning).length > 1) resumed.push(name);
}

/** Turn after turn of one session, and somebody who watches all of it. */
async function runSession(stack: LocalStack, number: number): Promise<void> {
  const account = `account-${number % ACCOUNTS}`;
  const client = new ClaudeEdge({ baseURL: stack.url, token: stack.token, account });
  const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
  const watcher = new Reader((problem) => problems.push(`watcher of ${number}: ${problem}`));
  const controller = new AbortController();
  const watching = (async () => {
    for await (const event of session.events({ after: 0, signal: controller.signal })) {
      watcher.see(event);
    }
  })().catch((error: unknown) => {
    if (!controller.signal.aborted) problems.push(`watcher of ${number}: ${String(error)}`);
  });
  for (let turn = 0; !over.signal.aborted; turn += 1) {
    const name = `s${number}-t${turn}`;
    await runTurn(session, name).catch((error: unknown) => {
      problems.push(`${name}: ${String(error)}`);
    });
  }
  await sleep(1_000);
  controller.abort();
  await watching;
  const headers = {
    authorization: `Bearer ${stack.token}`,
    "x-account-id": account,
    accept: "application/json",
  };
  const response = await fetch(`${stack.url}/v1/sessions/${session.id}/events`, { headers });
  const { events } = (await response.json()) as { events: EdgeEvent[] };
  watcher.expect(events);
}

const project = makeProject();
const isAnUpgrade = (deploy: number) => everyUpgrade > 0 && deploy % everyUpgrade === 0;
function install(upgrade: number): void {
  const version = `0.1.${upgrade}`;
  installVersion(project.folder, "worker", { version, protocols: 0 });
  installVersion(project.folder, "runner", { version, protocols: 0 });
}

const at = (values: number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0;
const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

let upgrades = 0;
let deploys = 0;
const containers = new Set<number>();
install(upgrades);
const stack = await startLocal({
  project: project.folder,
  model: "scripted",
  containerEnv: { CLAUDE_EDGE_SPARES: "0" },
  vars: { ...NO_BUDGET, CLAUDE_EDGE_MAX_CONCURRENT_TURNS: String(sessionCount) },
});
const counting = setInterval(() => {
  for (const { pid } of stack.containers()) containers.add(pid);
}, 100);
try {
  const running = Array.from({ length: sessionCount }, (_, number) => runSession(stack, number));
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    await sleep(DEPLOY_EVERY_MS);
    deploys += 1;
    if (isAnUpgrade(deploys)) install((upgrades += 1));
    await stack.restartWorker();
    process.stderr.write(`${deploys} deploys, ${turnMs.length} turns\n`);
  }
  over.abort();
  await Promise.all(running);
} finally {
  clearInterval(counting);
  await stack.stop();
  project.remove();
}
const runs = existsSync(ledger) ? readFileSync(ledger, "utf8").trim().split("\n") : [];
const twice = runs.filter((run, index) => runs.indexOf(run) !== index);
if (twice.length > 0) problems.push(`tools that ran twice: ${twice.join(", ")}`);
rmSync(folder, { recursive: true, force: true });

console.log(`sessions            ${sessionCount} in ${ACCOUNTS} accounts`);
console.log(`deploys             ${deploys}, ${upgrades} of another version`);
console.log(`turns               ${turnMs.length}, begun again ${resumed.length}`);
console.log(
  `a turn              ${inSeconds(at(turnMs, 0.5))} median, ${inSeconds(at(turnMs, 0.99))} p99`,
);
console.log(`the longest         ${inSeconds(at(turnMs, 1))}`);
console.log(`containers          ${containers.size}`);
console.log(`broken              ${problems.length}`);
for (const problem of problems) console.log(`  ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
