/** Throughput and CPU of a container's requests through the gateway, and of the same ones on a direct connection. */
import { fork } from "node:child_process";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";

import { memoryOfWorkerd } from "../load/memory.mjs";
import { median, spread } from "../stats.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const NAME = "bench.test";

/** A process with the host; its port. */
async function startHost() {
  const host = fork(path("host.mjs"));
  const port = await new Promise((resolve) => host.once("message", resolve));
  return { origin: `http://127.0.0.1:${port}`, stop: () => host.kill() };
}

/** Reads CPU when a client says that it begins or ends: `workerd`, and the proxy, which runs in this process. */
async function startMeter() {
  const read = () => {
    const { user, system } = process.cpuUsage();
    return { workerd: memoryOfWorkerd().cpuSeconds, proxy: (user + system) / 1e6 };
  };
  let begun = read();
  let used = begun;
  const server = createServer(({ url }, response) => {
    if (url === "/begin") begun = read();
    else {
      const now = read();
      used = { workerd: now.workerd - begun.workerd, proxy: now.proxy - begun.proxy };
    }
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    used: () => used,
    stop: () => server.close(),
  };
}

/** `requests`: small ones, eight at a time. */
export async function measureGateway({ rounds = 5, megabytes = 100, requests = 10_000 } = {}) {
  const { NO_BUDGET, TEMPLATE } = await import("../../tests/support/project.ts");
  const [host, meter] = [await startHost(), await startMeter()];
  const stack = await startLocal({
    project: TEMPLATE,
    model: "scripted",
    vars: {
      ...NO_BUDGET,
      CLAUDE_EDGE_NETWORK: JSON.stringify({ type: "limited", allowed_hosts: [NAME] }),
      CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify({ [NAME]: host.origin }),
    },
    containerEnv: { CLAUDE_EDGE_SPARES: "0" },
  });
  const edge = new ClaudeEdge({ baseURL: stack.url, token: stack.token });
  const session = await edge.sessions.create({ permissionMode: "bypassPermissions" });

  async function run(kind, way) {
    const origin = way === "gateway" ? `http://${NAME}` : host.origin;
    const count = kind === "down" ? megabytes : requests;
    const words = [process.execPath, path("client.mjs"), kind, way, origin, count, meter.origin];
    const input = { command: words.map((word) => `'${word}'`).join(" "), timeout: 600_000 };
    let printed = "";
    for await (const event of session.send(`%tool Bash ${JSON.stringify(input)}\n%say ok`)) {
      if (event.kind === "message" && event.message.type === "user") {
        printed += JSON.stringify(event.message.tool_use_result ?? event.message);
      }
    }
    const ms = Number(/took=([\d.]+)/.exec(printed)?.[1]);
    if (!ms) throw new Error(`${kind}, ${way}: ${printed}`);
    return { ms, ...meter.used() };
  }

  const samples = {};
  try {
    await run("small", "gateway");
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of ["down", "small"]) {
        for (const way of ["direct", "gateway"]) {
          ((samples[kind] ??= {})[way] ??= []).push(await run(kind, way));
        }
      }
    }
  } finally {
    await stack.stop();
    host.stop();
    meter.stop();
  }
  const summary = (list) => ({
    ms: median(list.map(({ ms }) => ms)),
    quartiles_ms: spread(list.map(({ ms }) => ms)),
    workerd_cpu_seconds: median(list.map(({ workerd }) => workerd)),
    proxy_cpu_seconds: median(list.map(({ proxy }) => proxy)),
  });
  const of = (kind) => ({
    direct: summary(samples[kind].direct),
    gateway: summary(samples[kind].gateway),
  });
  return { rounds, megabytes, requests, down: of("down"), small: of("small") };
}
