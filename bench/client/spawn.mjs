/** The processes of the client's figures: the server, and a fresh one for each reading. */
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { READERS } from "./readers.mjs";

const SERVER = fileURLToPath(new URL("./server.mjs", import.meta.url));
const READ = fileURLToPath(new URL("./read.mjs", import.meta.url));

export async function startServer() {
  const child = fork(SERVER);
  const [url] = await once(child, "message");
  return {
    url,
    /** Bytes of the last stream that went out. */
    async written() {
      child.send("written");
      const [bytes] = await once(child, "message");
      return bytes;
    },
    /** Has a stream made, which takes a second. */
    prepare: async (wire, deltas) => (await fetch(`${url}/${wire}/${deltas}`)).body.cancel(),
    stop: () => child.disconnect(),
  };
}

/** Runs a program of its own; no setting of this one's surroundings reaches it. */
export function runNode(args, cwd) {
  const env = { PATH: process.env.PATH };
  return spawnSync(process.execPath, args, { cwd, env, encoding: "utf8", timeout: 120_000 });
}

/** One reading with one client: what `read.mjs` prints, or the `problem`. */
export function read(task, id, places, server, deltas) {
  const { folder = "-", problem } = places[READERS[id].of] ?? {};
  if (problem) return { problem };
  const args = [READ, task, id, folder, server.url, String(deltas)];
  const { status, stdout, stderr } = runNode(args);
  if (status === 0) return JSON.parse(stdout);
  return { problem: `failed: ${/^\w*Error.*$/m.exec(stderr)?.[0] ?? `exit ${status}`}` };
}
