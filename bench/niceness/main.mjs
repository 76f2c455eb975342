/**
 * A turn whose tool keeps every core busy; meanwhile the runner's health is probed and another session of its container
 * runs short turns. Reads /proc, so on Linux only. Probes and workerd share the cores here, so each figure has their own
 * wait in it; between two priorities it is the same.
 */
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { getPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";

import { median } from "../stats.mjs";

/** The priorities that are compared: that of the runner, and the default (`packages/runner/src/process/policy.ts`). */
const PRIORITIES = { same: { CLAUDE_EDGE_NICENESS: "0" }, default: { CLAUDE_EDGE_NICENESS: "10" } };

/** Between two probes, milliseconds. */
const PROBE_EVERY_MS = 50;

/** A probe of the Worker gives up after this (`packages/worker/src/container/probe.ts`), milliseconds. */
const PROBE_TIMEOUT_MS = 1_000;

const percentile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)];

/** Asks a runner on its socket how it is; milliseconds until the whole answer. */
const probe = (socketPath) =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    request({ socketPath, path: "/health", agent: false }, (answer) => {
      answer.resume().on("end", () => resolve(performance.now() - started));
    })
      .on("error", reject)
      .end();
  });

const socketOf = (pid) =>
  readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .find((pair) => pair.startsWith("PORT="))
    .slice("PORT=".length);

/** Milliseconds until a turn's first piece of text. */
async function firstToken(session) {
  const started = performance.now();
  let first;
  for await (const event of session.send("%say One two three four five.")) {
    const inner = event.kind === "delta" ? event.message.event : undefined;
    if (inner?.delta?.type === "text_delta") first ??= performance.now() - started;
  }
  if (first === undefined) throw new Error("a turn had no text");
  return first;
}

/** Probes and short turns for as long as `isOn`. */
async function sampleWhile(isOn, socket, session) {
  const samples = { probes: [], tokens: [] };
  const probing = async () => {
    while (isOn()) {
      samples.probes.push(await probe(socket));
      await sleep(PROBE_EVERY_MS);
    }
  };
  const asking = async () => {
    while (isOn()) samples.tokens.push(await firstToken(session));
  };
  await Promise.all([probing(), asking()]);
  return samples;
}

/** One round in a container of its own: undisturbed, then beside the loops. */
async function round(containerEnv, { loops, seconds }) {
  const { NO_BUDGET, TEMPLATE } = await import("../../tests/support/project.ts");
  const stack = await startLocal({
    project: TEMPLATE,
    model: "scripted",
    vars: { ...NO_BUDGET, CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "2" },
    containerEnv: { CLAUDE_EDGE_SPARES: "0", ...containerEnv },
  });
  try {
    const edge = new ClaudeEdge({ baseURL: stack.url, token: stack.token });
    const [busy, other] = await Promise.all(
      [0, 1].map(() => edge.sessions.create({ permissionMode: "bypassPermissions" })),
    );
    for (const session of [busy, other, other]) await session.send("%say Warm.");
    const socket = socketOf(stack.containers()[0].pid);
    const quietUntil = performance.now() + (seconds * 1_000) / 2;
    const quiet = await sampleWhile(() => performance.now() < quietUntil, socket, other);

    const loop = `timeout ${seconds} sh -c 'while :; do :; done' &`;
    const command = `echo niceness=$(nice); ${Array(loops).fill(loop).join(" ")} wait`;
    const input = JSON.stringify({ command, timeout: (seconds + 60) * 1_000 });
    const begun = Promise.withResolvers();
    let isOver = false;
    let printed = "";
    const running = (async () => {
      for await (const event of busy.send(`%tool Bash ${input}\n%say Done.`)) {
        if (event.kind !== "message") continue;
        const message = JSON.stringify(event.message);
        if (event.message.type === "assistant" && message.includes("tool_use")) begun.resolve();
        if (event.message.type !== "user") continue;
        isOver = true;
        printed += message;
      }
    })().catch(begun.reject);
    await begun.promise;
    const beside = await sampleWhile(() => !isOver, socket, other);
    await running;
    // Without it the comparison would be of nothing.
    const given = Number(/niceness=(\d+)/.exec(printed)?.[1]);
    const expected = Math.min(getPriority() + Number(containerEnv.CLAUDE_EDGE_NICENESS), 19);
    if (given !== expected) throw new Error(`the tool ran at ${given}, not at ${expected}`);
    return { quiet, beside };
  } finally {
    await stack.stop();
  }
}

const figuresOf = (samples) => {
  const probes = samples.flatMap((of) => of.probes);
  const tokens = samples.flatMap((of) => of.tokens);
  return {
    probes: probes.length,
    probe_p50_ms: median(probes),
    probe_p99_ms: percentile(probes, 0.99),
    probe_most_ms: Math.max(...probes),
    probes_timed_out: probes.filter((ms) => ms > PROBE_TIMEOUT_MS).length,
    turns: tokens.length,
    first_token_p50_ms: median(tokens),
    first_token_most_ms: Math.max(...tokens),
  };
};

/** `loops`: shells that spin. The two priorities take turns, so that the machine's other load falls on both. */
export async function measureNiceness({ rounds = 3, loops = 8, seconds = 20 } = {}) {
  const samples = { same: [], default: [] };
  for (let count = 0; count < rounds; count += 1) {
    for (const [name, env] of Object.entries(PRIORITIES)) {
      samples[name].push(await round(env, { loops, seconds }));
    }
  }
  const of = (list) => ({
    quiet: figuresOf(list.map(({ quiet }) => quiet)),
    beside: figuresOf(list.map(({ beside }) => beside)),
  });
  return { rounds, loops, seconds, same: of(samples.same), default: of(samples.default) };
}
