/** A large workspace: what a checkpoint, a fork, a rewind and a restore of it take, beside tar and git on the same files. */

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";

import { median, spread } from "../stats.mjs";
import { makeFiles, runTool } from "./tools.mjs";
import { commitAll, commitOne, packAll, takeCopy } from "./yardsticks.mjs";

/** Killing a container and filling the next one, and a first commit, take seconds each. */
const MOST_SLOW_ROUNDS = 3;

/**
 * All milliseconds, and all as a caller sees it. A tool's end is when its command says so; `told`: until its result has
 * reached the caller, which the checkpoint comes before. So what a checkpoint adds is what that takes longer than in a
 * workspace that is empty, and what the tool itself waits for is what it takes longer with nothing changed.
 */
export async function measureFiles({ rounds = 7, files = 10_000 } = {}) {
  // An older Node cannot load TypeScript, and is to get as far as own-node.mjs.
  const { NO_BUDGET, r2Project } = await import("../../tests/support/project.ts");
  const project = r2Project();
  const stack = await startLocal({
    project: project.folder,
    model: "scripted",
    vars: NO_BUDGET,
  });
  const clientOf = (account) => new ClaudeEdge({ baseURL: stack.url, token: stack.token, account });
  const create = (account) =>
    clientOf(account).sessions.create({ permissionMode: "bypassPermissions" });
  const samples = {};
  const note = (name, ms) => void (samples[name] ??= []).push(ms);
  const timed = async (name, work) => {
    const started = performance.now();
    const value = await work();
    note(name, performance.now() - started);
    return value;
  };
  let copy;
  try {
    const large = await create("large");
    const empty = await create("empty");
    await runTool(empty, "true");

    const { output: folder } = await runTool(large, makeFiles(files));

    const [{ files: count, bytes }] = await newest(large);
    copy = takeCopy(folder);

    for (let round = 0; round < rounds; round += 1) {
      const slow = round < MOST_SLOW_ROUNDS;
      note("told_empty", (await runTool(empty, "true")).toldMs);
      note("told_unchanged", (await runTool(large, "true")).toldMs);
      note("told_one_changed", (await runTool(large, `echo ${round} > d7/one.txt`)).toldMs);
      await timed("tar", () => packAll(copy));
      if (slow) await timed("git_first", () => commitAll(copy));
      await timed("git_one", () => commitOne(copy, round));
      await timed("fork", () => large.fork());

      note("turn_hot", (await runTool(large, LOOK)).startedMs);
      const { turn } = await runTool(large, `echo ${round} > d7/before.txt`);
      await runTool(large, CHANGE_MANY(round));
      await timed("rewind", () => large.rewind(turn));
      const back = await runTool(large, LOOK);
      note("turn_after_rewind", back.startedMs);
      assert(back.output === String(count + 2), `${back.output} files after a rewind`);

      if (!slow) continue;
      for (const [name, session] of [
        ["restore", large],
        ["restore_empty", empty],
      ]) {
        for (const { name: running } of stack.containers()) await stack.killContainer(running);
        const { startedMs, output } = await runTool(session, LOOK);
        note(name, startedMs);
        if (session === large) assert(output === String(count + 2), `${output} files restored`);
      }
    }
    return { rounds, files: count, bytes, ...figuresOf(samples) };
  } finally {
    copy?.remove();
    await stack.stop();
    project.remove();
  }
}

/** How many files there are: a tool that sees all of them. */
const LOOK = "find . -type f | wc -l";

/** What a rewind is to undo: a hundred files changed, a folder gone, another new. */
const CHANGE_MANY = (round) =>
  `for i in $(seq 100); do echo ${round} > d$i/0.bin; done; rm -r d200; mkdir new; echo ${round} > new/file`;

const newest = (session) => Array.fromAsync(session.files.checkpoints({ limit: 1 }));

function assert(holds, message) {
  if (!holds) throw new Error(message);
}

function figuresOf(samples) {
  const of = Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [name, median(list)]),
  );
  const quartiles = Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [name, spread(list)]),
  );
  return {
    median_ms: {
      ...of,
      checkpoint_waited_for: of.told_unchanged - of.told_empty,
      checkpoint: of.told_one_changed - of.told_empty,
      rewound: of.rewind + of.turn_after_rewind - of.turn_hot,
      restored: of.restore - of.restore_empty,
    },
    quartiles_ms: quartiles,
  };
}
