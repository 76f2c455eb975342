import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/**
 * The processes whose environment holds `name=value`, whatever group or session they put themselves into: a shell
 * command's children survive their parent, so neither a process group nor a parent id finds them all.
 */
export function findMarked(name: string, value: string): number[] {
  const mark = `${name}=${value}`;
  return process.platform === "linux" ? scanProc(mark) : scanPs(mark);
}

/** Kills them, with SIGKILL, until none is left; the caller itself is spared. Gives how many it killed. */
export function killMarked(name: string, value: string): number {
  let killed = 0;
  // A process may fork while it is looked for: look again until a pass finds none.
  for (let pass = 0; pass < 5; pass += 1) {
    const pids = findMarked(name, value).filter((pid) => pid !== process.pid);
    if (pids.length === 0) break;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
        killed += 1;
      } catch {
        // Gone already.
      }
    }
  }
  return killed;
}

function scanProc(mark: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        // A zombie's environment reads as empty, so it does not count.
        return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function scanPs(mark: string): number[] {
  const lines = execFileSync("ps", ["axeww", "-o", "pid=,command="], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  }).split("\n");
  return lines
    .filter((line) => line.split(/\s+/).includes(mark))
    .map((line) => Number.parseInt(line, 10));
}
