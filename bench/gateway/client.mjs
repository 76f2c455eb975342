/**
 * Runs in the container: asks a host directly or over its proxy, and prints the milliseconds. It tells the bench when it
 * begins and ends, so that only what lies between is counted.
 *
 *   node client.mjs <kind: down|small> <way: direct|gateway> <origin> <count> <where to tell>
 */
import { Agent, request } from "node:http";

const [kind, way, origin, count, tell] = process.argv.slice(2);
const CONNECTIONS = 8;
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const proxy = new URL(process.env.HTTP_PROXY);

/** Resolves to the bytes of the answer. */
function get(path) {
  const url = new URL(path, origin);
  const { hostname, port } = way === "gateway" ? proxy : url;
  const target = way === "gateway" ? url.href : url.pathname + url.search;
  const options = { agent, hostname, port, path: target, headers: { host: url.host } };
  return new Promise((resolve, reject) => {
    const sent = request(options, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`status ${answer.statusCode}`));
      let bytes = 0;
      answer.on("data", (chunk) => (bytes += chunk.length));
      answer.on("end", () => resolve(bytes)).on("error", reject);
    });
    sent.on("error", reject).end();
  });
}

async function down() {
  const bytes = await get(`/down?megabytes=${count}`);
  if (bytes !== Number(count) * 1_000_000) throw new Error(`${bytes} bytes`);
}

async function small() {
  let left = Number(count);
  const one = async () => {
    while (left-- > 0) await get("/small");
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
}

// The first request opens connections and has names and rules read.
await get("/small");
await fetch(`${tell}/begin`);
const started = performance.now();
await (kind === "down" ? down() : small());
const ms = performance.now() - started;
await fetch(`${tell}/end`);
console.log(`took=${ms}`);
process.exit();
