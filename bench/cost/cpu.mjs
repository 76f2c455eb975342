/** CPU seconds of a container: its start with the first answer, and a long turn. Linux only: they are read from /proc. */
import { readdirSync, readFileSync } from "node:fs";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";

import { TURNS } from "../rows/main.mjs";

/** Linux counts in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** What a process, and those of its children that have ended, have used. */
function cpuOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(11, 15).reduce((sum, value) => sum + Number(value), 0);
    return ticks / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

function descendantsOf(pid) {
  let children = [];
  try {
    children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
    );
  } catch {
    // It has ended.
  }
  return [pid, ...children.flatMap(descendantsOf)];
}

export async function measureCpu() {
  const { NO_BUDGET, TEMPLATE } = await import("../../tests/support/project.ts");
  const stack = await startLocal({
    project: TEMPLATE,
    model: "scripted",
    vars: NO_BUDGET,
    // A spare would be counted with the turn beside which it starts.
    containerEnv: { CLAUDE_EDGE_SPARES: "0" },
  });
  const used = () =>
    stack
      .containers()
      .flatMap(({ pid }) => descendantsOf(pid))
      .reduce((sum, pid) => sum + cpuOf(pid), 0);
  try {
    const edge = new ClaudeEdge({ baseURL: stack.url, token: stack.token });
    const session = await edge.sessions.create({ permissionMode: "bypassPermissions" });
    await session.send("%say Hello.");
    const start = used();
    await session.send(TURNS.checkpoints);
    return { start, turn: used() - start };
  } finally {
    await stack.stop();
  }
}
