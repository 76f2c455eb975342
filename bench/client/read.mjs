/**
 * Reads one stream with one client and prints the figures; in a fresh process each time.
 *
 *   node read.mjs decode|stall <reader> <folder of its package, or -> <server> <deltas>
 */
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { LOADER, PACKAGES } from "./packages.mjs";
import { READERS } from "./readers.mjs";

/** Read before what is measured: loads whatever is loaded late, `fetch` above all. */
const WARM_UP_DELTAS = 10;
const STALL_MS = 3_000;

const [task, id, folder, server, deltas] = process.argv.slice(2);
const reader = READERS[id];
const api = reader.of ? await loadPackage(PACKAGES[reader.of]) : undefined;
const urlOf = (many) => `${server}/${reader.wire}/${many}`;

async function loadPackage({ install, entries }) {
  const { load } = install
    ? await import(pathToFileURL(join(folder, LOADER)))
    : { load: (name) => import(name) };
  return Object.assign({}, ...(await Promise.all(entries.map((entry) => load(entry)))));
}

/** Counts what it reads. */
async function readAll(url) {
  let count = 0;
  let chars = 0;
  const { text } = reader;
  const take = (event) => {
    const piece = text(event);
    if (!piece) return;
    count += 1;
    chars += piece.length;
  };
  if (reader.push) await reader.push(url, take);
  else {
    const { events } = await reader.open(api, url);
    for await (const event of events) take(event);
  }
  return { count, chars };
}

async function decode() {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const read = await readAll(urlOf(deltas));
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { ...read, cpuMs: (user + system) / 1_000, ms };
}

/** Takes one event and no more for a while. */
async function stall() {
  const before = process.memoryUsage.rss();
  let most = before;
  const { events } = await reader.open(api, urlOf(deltas));
  for await (const event of events) {
    if (!reader.text(event)) continue;
    for (const until = performance.now() + STALL_MS; performance.now() < until; await sleep(50)) {
      most = Math.max(most, process.memoryUsage.rss());
    }
    break;
  }
  return { rssGrowth: most - before };
}

await readAll(urlOf(WARM_UP_DELTAS));
console.log(JSON.stringify(await (task === "decode" ? decode() : stall())));
process.exit();
