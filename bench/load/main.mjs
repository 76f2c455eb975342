/** Many sessions of one account that stream at the same time, and their readers, through the real workerd. */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { startLocal } from "@claude-edge/local";
import { RUNNER_PROTOCOL } from "@claude-edge/protocol/runner";

import { memoryOfWorkerd } from "./memory.mjs";
import { LOAD_WORKER } from "./worker.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
/** Events a second of a session: a fast model's tokens. */
export const RATE = 50;

/** A project whose containers run the load generator. */
export async function startLoadStack({ r2 = false } = {}) {
  const { makeProject, NO_BUDGET, r2Project } = await import("../../tests/support/project.ts");
  const runner = "node_modules/@claude-edge/runner";
  const project = (r2 ? r2Project : makeProject)({
    "src/worker.ts": LOAD_WORKER,
    [`${runner}/package.json`]: '{ "name": "@claude-edge/runner", "type": "module" }',
    [`${runner}/dist/bin.js`]: readFileSync(path("runner.mjs"), "utf8"),
  });
  const stack = await startLocal({
    project: project.folder,
    model: "scripted",
    vars: {
      ...NO_BUDGET,
      CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "1000",
      CLAUDE_EDGE_MAX_QUEUED_TURNS: "1000",
    },
    containerEnv: { CLAUDE_EDGE_BENCH_PROTOCOL: String(RUNNER_PROTOCOL) },
    ...(process.env.CLAUDE_EDGE_BENCH_LOG && {
      onLog: (source, text) => process.stderr.write(`${source}: ${text}`),
    }),
  });
  const call = async (method, address, body) => {
    const response = await fetch(`${stack.url}${address}`, {
      method,
      headers: { authorization: `Bearer ${stack.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${address}: ${await response.text()}`);
    return response.json();
  };
  const send = (session, program) =>
    call("POST", `/v1/sessions/${session}/turns`, { prompt: JSON.stringify(program) });
  return {
    ...stack,
    create: async () => (await call("POST", "/v1/sessions", {})).id,
    /** Starts a turn of the load generator. */
    send,
    /** The same, and waits for its end. */
    run: async (session, program) => {
      const { id } = await send(session, program);
      for (;;) {
        const { status, error } = await call("GET", `/v1/sessions/${session}/turns/${id}`);
        if (status === "completed") return;
        if (error) throw new Error(`${status}: ${error.message}`);
        await sleep(100);
      }
    },
    /** Objects of each class that were made since the last look. One that has a reader is only made anew after a reset. */
    made: () => call("GET", "/made"),
    stop: async () => {
      await stack.stop();
      project.remove();
    },
  };
}

/** Opens readers in a process of their own. `figures` resolves when all their turns have ended. */
export async function openReaders({ url, token }, sessions, each) {
  const process_ = fork(path("readers.mjs"), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const messages = { open: Promise.withResolvers(), done: Promise.withResolvers() };
  process_.on("message", ({ kind, ...rest }) => messages[kind].resolve(rest));
  process_.send({ url, token, sessions: sessions.map((session) => ({ session })), each });
  await messages.open.promise;
  const figures = messages.done.promise.finally(() => process_.kill());
  return { figures };
}

/** `each`: readers of each session. `delay` figures are milliseconds from the runner's frame to the reader. */
export async function measureLoad({ sessions, seconds, each = 5 }) {
  const stack = await startLoadStack();
  try {
    const ids = [];
    for (let n = 0; n < sessions; n += 1) ids.push(await stack.create());
    await stack.send(await stack.create(), {});
    const before = memoryOfWorkerd();
    const { figures } = await openReaders(stack, ids, each);
    await stack.made();
    let peak = before;
    const watching = setInterval(() => {
      const memory = memoryOfWorkerd();
      if (memory.megabytes > peak.megabytes) peak = memory;
    }, 500);
    const cpu = memoryOfWorkerd().cpuSeconds;
    const started = performance.now();
    await Promise.all(ids.map((id) => stack.send(id, { seconds, rate: RATE })));
    const read = await figures;
    clearInterval(watching);
    const took = (performance.now() - started) / 1_000;
    const made = await stack.made();
    return {
      sessions,
      readers: sessions * each,
      seconds,
      took_seconds: took,
      expected: sessions * each * seconds * RATE,
      ...read,
      resets: made.session ?? 0,
      cpu_share: (memoryOfWorkerd().cpuSeconds - cpu) / took,
      megabytes: { before: before.megabytes, most: peak.megabytes },
      megabytes_per_session: (peak.megabytes - before.megabytes) / sessions,
    };
  } finally {
    await stack.stop();
  }
}
