import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Marks a container's processes, however deep, where containers are local processes. */
export const CONTAINER_MARK = "CLAUDE_EDGE_CONTAINER";

/**
 * The processes whose environment holds all of these variables, whatever group or session they put themselves into: a
 * shell command's children survive their parent, so neither a process group nor a parent id finds them all.
 */
export function findMarked(marks: Record<string, string>): number[] {
  const pairs = Object.entries(marks).map(([name, value]) => `${name}=${value}`);
  return process.platform === "linux" ? scanProc(pairs) : scanPs(pairs);
}

/** A killed process is gone when the kernel has come to it: on a busy machine that takes some milliseconds. */
const PASS_MS = 5;
const PATIENCE_MS = 2_000;

/** Kills them, with SIGKILL; resolves when none is left. The caller itself is spared. */
export async function killMarked(marks: Record<string, string>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  // A process may fork while it is looked for: look again until a pass finds none.
  for (;;) {
    const pids = findMarked(marks).filter((pid) => pid !== process.pid);
    if (pids.length === 0 || Date.now() > deadline) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    }
    await sleep(PASS_MS);
  }
}

function scanProc(pairs: string[]): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        // A zombie's environment reads as empty, so it does not count.
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
        return pairs.every((pair) => environment.includes(pair));
      } catch {
        return false;
      }
    })
    .map(Number);
}

function scanPs(pairs: string[]): number[] {
  const lines = execFileSync("ps", ["axeww", "-o", "pid=,command="], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  }).split("\n");
  return lines
    .filter((line) => {
      const words = line.split(/\s+/);
      return pairs.every((pair) => words.includes(pair));
    })
    .map((line) => Number.parseInt(line, 10));
}
