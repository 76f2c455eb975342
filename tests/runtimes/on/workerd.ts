import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

import type { Job, Runtime } from "../runtime.ts";
import { bundle } from "../support/bundle.ts";
import { readLines } from "../support/lines.ts";
import { end, start, versionOf } from "../support/programs.ts";

/** The template's, without its flags: Workers of others call the client too. */
const COMPATIBILITY_DATE = "2026-10-01";

const CONFIG = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "suite", worker = (
      modules = [(name = "suite.js", esModule = embed "suite.js")],
      compatibilityDate = "${COMPATIBILITY_DATE}",
    )),
    # The deployment is on loopback.
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "suite")],
);
`;

/** The one that wrangler brings, and local stacks run on. */
function pathOfWorkerd(): string {
  const local = createRequire(new URL("../../../packages/local/package.json", import.meta.url));
  const { default: path } = createRequire(local.resolve("wrangler"))("workerd") as {
    default: string;
  };
  return path;
}

export const WORKERD: Runtime = {
  name: "workerd",
  async find(folder) {
    const path = pathOfWorkerd();
    return { version: await versionOf(path, folder), run: (job) => run(path, job) };
  },
};

async function run(path: string, { given, folder, signal, onLine }: Job): Promise<void> {
  writeFileSync(join(folder, "suite.js"), await bundle("worker"));
  writeFileSync(join(folder, "config.capnp"), CONFIG);
  const args = ["serve", "config.capnp", "--control-fd=3"];
  const workerd = start(path, args, {
    folder,
    signal,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  try {
    const url = await listening(workerd.stdio[3] as Readable);
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(given) });
    if (!answer.ok) throw new Error(`the Worker answers ${answer.status}: ${await answer.text()}`);
    await readLines(Readable.fromWeb(answer.body as ReadableStream), onLine);
  } finally {
    await end(workerd);
  }
}

/** workerd says on its control descriptor where it listens. */
async function listening(control: Readable): Promise<string> {
  const lines = createInterface({ input: control });
  const [line] = (await Promise.race([once(lines, "line"), once(lines, "close")])) as [string?];
  if (line === undefined) throw new Error("workerd does not start");
  const { port } = JSON.parse(line) as { port: number };
  return `http://127.0.0.1:${port}/`;
}
