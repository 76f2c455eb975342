/** What the processes of a stack hold: read from /proc, so on Linux only. */
import { readFileSync } from "node:fs";

import { findMarked } from "@claude-edge/runner/processes";

const megabytes = (kilobytes) => Math.round(kilobytes / 1024);

/** Memory of one process: what it shares with others counted in part (pss), and what is its own (anonymous). */
function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  return { pss: megabytes(field("Pss")), anonymous: megabytes(field("Anonymous")) };
}

const isClaude = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("claude-agent-sdk");

/** The runner of a container, and the claude processes under it. */
export function memoryOfContainer({ pid }) {
  const mark = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .find((pair) => pair.startsWith("CLAUDE_EDGE_CONTAINER="));
  const pids = findMarked({ CLAUDE_EDGE_CONTAINER: mark.split("=")[1] });
  const claudes = pids.filter((other) => other !== pid && isClaude(other)).map(memoryOf);
  return { runner: memoryOf(pid), claudes };
}
