/**
 * A session with a long history: what deleting it, thinning it and collecting its garbage take, with a tenth of the
 * history beside it. On SQLite in this process and with the bucket in memory, as the unit tests have them, so the figures
 * are those of the session's own code. Times are of the processor; each measurement is a process of its own.
 */
import "../../scripts/own-node.mjs";

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FILES_OF_A_CHECKPOINT = 5;
const CHECKPOINTS_OF_A_TURN = 20;
const DAY_MS = 24 * 3_600_000;

/** @returns For each length of the history its figures, milliseconds and megabytes. */
export async function measureHistory({ checkpoints = 50_000 } = {}) {
  const { buildSync } = await import("esbuild");
  const folder = mkdtempSync(join(tmpdir(), "bench-history-"));
  const bundle = join(folder, "session.mjs");
  try {
    buildSync({
      stdin: {
        contents: `
          export { Deletion } from "./packages/worker/src/session/deletion.ts";
          export { TestBucket } from "./packages/worker/test/support/test-bucket.ts";
          export { TestSession } from "./packages/worker/test/support/test-session.ts";`,
        resolveDir: root,
      },
      bundle: true,
      format: "esm",
      platform: "node",
      outfile: bundle,
      logLevel: "error",
    });
    return [checkpoints / 10, checkpoints].map((count) => {
      const args = ["--expose-gc", fileURLToPath(import.meta.url), bundle, String(count)];
      const { status, stdout } = spawnSync(process.execPath, args, {
        stdio: ["ignore", "pipe", "inherit"],
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`the measurement ended with ${status}`);
      return JSON.parse(stdout);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function reportHistory(histories) {
  console.log(
    "\na session's history: five files a checkpoint, 20 checkpoints a turn, one process\n",
  );
  const cells = (list) => list.map((cell, at) => (at === 0 ? cell.padEnd(44) : cell.padStart(14)));
  const line = (name, of) => console.log(cells([name, ...histories.map(of)]).join("  "));
  line("checkpoints", ({ checkpoints }) => String(checkpoints));
  line("a checkpoint", ({ checkpoint_ms }) => `${checkpoint_ms.toFixed(2)} ms`);
  line("thinned to", ({ kept }) => String(kept));
  line("thinning and collection", ({ upkeep_ms }) => `${upkeep_ms.toFixed(0)} ms`);
  line("  longest without anything in between", ({ step_ms }) => `${step_ms.toFixed(0)} ms`);
  line("  memory of its own, at most", ({ upkeep_mb }) => `${upkeep_mb.toFixed(1)} MB`);
  line("deletion", ({ deletion_ms }) => `${deletion_ms.toFixed(2)} ms`);
  line("  statements", ({ deletion_statements }) => String(deletion_statements));
  line("  memory of its own", ({ deletion_mb }) => `${deletion_mb.toFixed(1)} MB`);
}

/** Milliseconds of the processor. */
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** One history: makes it, thins it two days later, deletes it. Prints its figures. */
async function measureOne(bundle, checkpoints) {
  const { Deletion, TestBucket, TestSession } = await import(bundle);
  const bucket = new TestBucket();
  // What R2 holds is no memory of the session's.
  bucket.put = async () => {};
  const session = new TestSession({ env: { FILES: bucket } });
  let now = Date.parse("2026-11-29T00:00:00Z");
  Date.now = () => now;
  const heap = () => {
    globalThis.gc();
    return process.memoryUsage().heapUsed / 1e6;
  };

  const begun = cpuMs();
  for (let done = 0; done < checkpoints;) {
    const turn = session.send();
    for (let n = 0; n < CHECKPOINTS_OF_A_TURN && done < checkpoints; n += 1) {
      await takeCheckpoint(session, turn, (done += 1));
    }
    session.parts.turns.end(turn, { status: "completed" });
    session.store.outbox.delivered(Number.MAX_SAFE_INTEGER);
    now += 60_000;
  }
  const checkpointMs = (cpuMs() - begun) / checkpoints;

  now += 2 * DAY_MS;
  session.restart();
  const { stored } = session.parts.files;
  const before = heap();
  let [upkeepMs, stepMs, upkeepMb] = [0, 0, 0];
  // Every step begins with a pause.
  const { scheduler } = globalThis;
  let stepBegun = cpuMs();
  const endStep = () => {
    const ms = cpuMs() - stepBegun;
    upkeepMs += ms;
    stepMs = Math.max(stepMs, ms);
  };
  globalThis.scheduler = {
    wait: async (ms) => {
      endStep();
      await scheduler.wait(ms);
      stepBegun = cpuMs();
    },
  };
  for (let alarms = 0; (stored.upkeepDue() ?? Infinity) <= now; alarms += 1) {
    stepBegun = cpuMs();
    await stored.upkeep(now);
    endStep();
    if (alarms % 5 === 1) upkeepMb = Math.max(upkeepMb, heap() - before);
  }
  globalThis.scheduler = scheduler;
  const kept = stored.checkpoints.count;

  session.store.outbox.delivered(Number.MAX_SAFE_INTEGER);
  session.restart();
  let statements = 0;
  const { exec } = session.storage.sql;
  session.storage.sql.exec = (...args) => {
    statements += 1;
    return exec(...args);
  };
  const host = {
    parts: () => session.parts,
    clear: () => session.store.clear(),
    wakeIn: async () => {},
  };
  const deletion = new Deletion({ ACCOUNT: { getByName: () => session.account } }, host);
  const beforeDeletion = heap();
  const deletionBegun = cpuMs();
  deletion.begin();
  await deletion.finish();
  const deletionMs = cpuMs() - deletionBegun;
  // The database itself is no memory of V8's.
  const deletionMb = process.memoryUsage().heapUsed / 1e6 - beforeDeletion;
  console.log(
    JSON.stringify({
      checkpoints,
      checkpoint_ms: checkpointMs,
      kept,
      upkeep_ms: upkeepMs,
      step_ms: stepMs,
      upkeep_mb: upkeepMb,
      deletion_ms: deletionMs,
      deletion_statements: statements,
      deletion_mb: deletionMb,
    }),
  );
}

/** As a tool changes files: five in one of 40 folders. */
async function takeCheckpoint({ parts: { files } }, turn, number) {
  await files.stored.blobs.write(async (writer) => {
    const entries = [];
    for (let n = 0; n < FILES_OF_A_CHECKPOINT; n += 1) {
      const bytes = new TextEncoder().encode(`${n} of ${number}`);
      const chunks = async function* chunks() {
        yield bytes;
      };
      const { sha256, size } = await writer.add(chunks(), { size: bytes.length });
      entries.push({
        path: `src/d${number % 40}/${n}.txt`,
        type: "file",
        mode: 0o644,
        size,
        sha256,
      });
    }
    await writer.end();
    files.commit("tool", entries, turn);
  });
}

const [, script, bundle, count] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  if (bundle) await measureOne(bundle, Number(count));
  else reportHistory(await measureHistory());
}
