/**
 * Real containers: whole answers of a scaffold's deployment beside a plain one in the same image, which starts a process
 * for each request as the older systems do. Both in workerd with a real Docker engine, in turns. Read the ratios.
 *
 *   node bench/docker/main.mjs     needs a Docker engine and a registry; about three minutes
 */
import "../../scripts/own-node.mjs";

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";

import { saveResults } from "../results.mjs";
import { median } from "../stats.mjs";

// An older Node cannot load TypeScript, and is to get as far as own-node.mjs.
const { completeLock, must, userEnvironment } = await import("../../tests/support/scaffold.ts");

const CLI = fileURLToPath(new URL("../../cli/dist/bin.js", import.meta.url));
const PROMPT = "%say One two three four five six seven eight nine ten.";
const FIRST = 5;
const WARM = 15;

const temp = mkdtempSync(join(tmpdir(), "bench-docker-"));
const project = join(temp, "bench");
const plain = join(project, "plain");

async function makeProjects() {
  mkdirSync(join(temp, "home"));
  const where = { cwd: temp, env: userEnvironment(join(temp, "home")) };
  await must(process.execPath, [CLI, "init", "bench", "--yes"], where);
  await must("npm", ["install", "--no-audit", "--no-fund"], { ...where, cwd: project });
  completeLock(project);
  mkdirSync(plain);
  for (const name of ["plain-server.mjs", "plain-worker.mjs"]) {
    cpSync(new URL(name, import.meta.url), join(plain, name));
  }
  writeFileSync(join(plain, "package.json"), JSON.stringify({ name: "plain", type: "module" }));
  // Beside the runner's packages, so that the Agent SDK is found.
  const image = [
    "FROM cloudflare-dev/containerdo:bench",
    "COPY plain-server.mjs /app/",
    'ENTRYPOINT ["tini", "--", "node", "/app/plain-server.mjs"]',
  ];
  writeFileSync(join(plain, "Dockerfile"), `${image.join("\n")}\n`);
  const config = {
    name: "plain",
    main: "plain-worker.mjs",
    compatibility_date: "2026-10-01",
    durable_objects: { bindings: [{ name: "CONTAINER", class_name: "ContainerDO" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["ContainerDO"] }],
    containers: [{ class_name: "ContainerDO", image: "./Dockerfile" }],
  };
  writeFileSync(join(plain, "wrangler.json"), JSON.stringify(config));
}

async function timed(answer) {
  const started = performance.now();
  const text = await answer();
  if (!text.includes("ten.")) throw new Error(`not an answer: ${text}`);
  return performance.now() - started;
}

await makeProjects();
const stacks = [];
try {
  const start = async (folder) => {
    stacks.push(await startLocal({ project: folder, model: "scripted", containers: "docker" }));
    return stacks.at(-1);
  };
  const ours = await start(project);
  const theirs = await start(plain);
  const client = (account) =>
    new ClaudeEdge({ baseURL: ours.url, token: ours.token, account }).query(PROMPT);
  const askOurs = async (account) => (await client(account)).text;
  const askTheirs = async (account) =>
    (await fetch(`${theirs.url}/${account}`, { method: "POST", body: PROMPT })).text();

  const samples = { first: [], firstPlain: [], warm: [], warmPlain: [] };
  for (let round = 0; round < FIRST; round += 1) {
    samples.firstPlain.push(await timed(() => askTheirs(`account${round}`)));
    samples.first.push(await timed(() => askOurs(`account${round}`)));
    // What has started a moment ago goes on with getting ready.
    await sleep(3_000);
  }
  for (let round = 0; round < WARM; round += 1) {
    samples.warmPlain.push(await timed(() => askTheirs("account0")));
    samples.warm.push(await timed(() => askOurs("account0")));
    await sleep(1_600);
  }
  const of = Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [name, median(list)]),
  );
  const row = (name, own, other, bound) => {
    const figures = `${own.toFixed(0).padStart(6)} ms ${other.toFixed(0).padStart(8)} ms`;
    console.log(`${name.padEnd(34)}${figures}   ${(own / other).toFixed(2)} ×  ${bound}`);
  };
  console.log("real containers, whole answers             ours  a process each\n");
  row("a new query, its account awake", of.warm, of.warmPlain, "≤ 0.10 ×");
  row("the first query of an account", of.first, of.firstPlain, "≤ 0.70 ×");
  saveResults({ docker: { rounds: { first: FIRST, warm: WARM }, median_ms: of } });
} finally {
  for (const stack of stacks) await stack.stop();
  rmSync(temp, { recursive: true, force: true });
  execFileSync("docker", ["image", "rm", "--force", "cloudflare-dev/containerdo:plain"], {
    stdio: "ignore",
  });
}
