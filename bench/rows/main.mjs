/** How many rows the objects write, through the real workerd, runner and Agent SDK. */

import { setTimeout as sleep } from "node:timers/promises";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";

import { COUNTING_WORKER } from "./worker.mjs";

/** A turn of issue 16: a hundred lines of an agent's day. */
const TOOLS = 20;

/** Notices and cursors are written shortly after a turn's end, milliseconds. */
const SETTLED_MS = 1_500;

/** One tool an answer: without the pause they would all be called in one. */
const script = (command) =>
  Array.from(
    { length: TOOLS },
    (_, round) => `%tool Bash ${JSON.stringify({ command: command(round) })}\n%wait 0`,
  ).join("\n");

export const TURNS = {
  /** A prompt and its answer. */
  plain: "%say hello",
  /** Tools that change nothing. */
  tools: script(() => "true"),
  /** Tools that change five files each, in one directory. */
  checkpoints: script((round) => `for i in 1 2 3 4 5; do echo ${round} $i > file$i; done`),
};

/** Statements that write an event, and what it is numbered by. */
const OF_EVENTS = /^(?:INSERT INTO events|UPDATE session SET seq)/;

/** Rows by turn, each in a session that has had one before. @returns figures per turn, with rows by statement. */
export async function measureRows() {
  const { makeProject } = await import("../../tests/support/project.ts");
  const project = makeProject({ "src/worker.ts": COUNTING_WORKER });
  const stack = await startLocal({ project: project.folder, model: "scripted" });
  const take = async () => {
    await sleep(SETTLED_MS);
    return (await fetch(`${stack.url}/rows`)).json();
  };
  try {
    const edge = new ClaudeEdge({ baseURL: stack.url, token: stack.token });
    const session = await edge.sessions.create({ permissionMode: "bypassPermissions" });
    await session.send("%say warm");
    await take();
    const turns = {};
    for (const [name, prompt] of Object.entries(TURNS))
      turns[name] = await runTurn(session, prompt, take);
    return { turns, ...summaryOf(turns) };
  } finally {
    await stack.stop();
    project.remove();
  }
}

async function runTurn(session, prompt, take) {
  const counts = {};
  for await (const { kind } of session.send(prompt)) counts[kind] = (counts[kind] ?? 0) + 1;
  const { delta: _passing, ...stored } = counts;
  const statements = await take();
  const sum = (list) => list.reduce((all, { rows }) => all + rows, 0);
  return {
    events: Object.values(stored).reduce((all, count) => all + count, 0),
    checkpoints: counts.checkpoint ?? 0,
    rows: sum(statements),
    event_rows: sum(statements.filter(({ what }) => OF_EVENTS.test(what))),
    statements,
  };
}

function summaryOf({ tools, checkpoints }) {
  return {
    rows_per_event: checkpoints.event_rows / checkpoints.events,
    rows_per_checkpoint: (checkpoints.rows - tools.rows) / checkpoints.checkpoints,
    rows_per_turn: checkpoints.rows,
  };
}
