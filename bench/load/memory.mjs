/** What workerd takes: read from /proc, so on Linux only. */
import { readdirSync, readFileSync } from "node:fs";

const read = (pid, name) => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
};

/** Fields of /proc/<pid>/stat after the name, which may hold spaces: the third is the first here. */
const statOf = (pid) =>
  read(pid, "stat")
    .replace(/^.*\) /s, "")
    .split(" ");

/** Processes of this one, however deep, whose program is workerd. */
function workerds() {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = new Map(pids.map((pid) => [pid, statOf(pid)[1]]));
  const isOurs = (pid) => {
    for (let at = pid; at !== undefined && at !== "0"; at = parents.get(at)) {
      if (at === String(process.pid)) return true;
    }
    return false;
  };
  return pids.filter((pid) => read(pid, "cmdline").includes("workerd") && isOurs(pid));
}

/** Clock ticks a second, as Linux gives them to programs. */
const TICKS = 100;

/** The largest workerd's memory, which has the objects, and what all of them used of the processors. */
export function memoryOfWorkerd() {
  const all = workerds().map((pid) => {
    const [resident = "0"] = /VmRSS:\s+(\d+)/.exec(read(pid, "status"))?.slice(1) ?? [];
    const stat = statOf(pid);
    const cpuSeconds = (Number(stat[11]) + Number(stat[12])) / TICKS;
    return { megabytes: Math.round(Number(resident) / 1024), cpuSeconds };
  });
  return {
    megabytes: Math.max(0, ...all.map(({ megabytes }) => megabytes)),
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    all,
  };
}
