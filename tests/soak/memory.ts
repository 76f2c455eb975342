import { readFileSync } from "node:fs";

import type { LocalStack } from "@claude-edge/local";
import { findMarked } from "@claude-edge/runner/processes";

import type { Sample } from "./flat.ts";

/** What all processes of this program's stacks have in their environment. */
const stackMark = () => ({ CLAUDE_EDGE_STACK: process.env.CLAUDE_EDGE_STACK ?? "" });

const read = (pid: number, name: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    // It has ended.
    return "";
  }
};

/** The anonymous part of its PSS, MB: how much of shared code counts depends on how many processes share it. */
function memoryOf(pid: number): number | undefined {
  const kilobytes = /^Pss_Anon:\s+(\d+) kB/m.exec(read(pid, "smaps_rollup"))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

/** Processes of the stack. esbuild's stays for as long as this program, which builds the Worker with it. */
export const stackProcesses = (): number[] =>
  findMarked(stackMark()).filter((pid) => !read(pid, "cmdline").includes("esbuild"));

/** Processes of the stack that belong to a container. */
export const containerProcesses = (): number[] =>
  findMarked(stackMark()).filter((pid) => read(pid, "environ").includes("CLAUDE_EDGE_CONTAINER="));

/** Memory of workerd and of each runner, since the program began. */
export class MemoryWatch {
  /** Of the workerd that holds the objects. */
  readonly workerd: Sample[] = [];
  /** By the process id of each container's runner. */
  readonly runners = new Map<number, Sample[]>();
  /** Of all processes of the stack. */
  readonly all: Sample[] = [];
  readonly #stack: LocalStack;

  constructor(stack: LocalStack) {
    this.#stack = stack;
  }

  sample(): void {
    const at = Date.now();
    const pids = findMarked(stackMark());
    const memory = new Map(pids.map((pid) => [pid, memoryOf(pid) ?? 0]));
    // wrangler has a second one in front, which is small.
    const workerds = pids.filter((pid) => read(pid, "cmdline").includes("workerd"));
    const largest = Math.max(0, ...workerds.map((pid) => memory.get(pid)!));
    if (largest > 0) this.workerd.push({ at, megabytes: largest });
    for (const { pid } of this.#stack.containers()) {
      const megabytes = memoryOf(pid);
      if (megabytes === undefined) continue;
      const samples = this.runners.get(pid) ?? [];
      samples.push({ at, megabytes });
      this.runners.set(pid, samples);
    }
    this.all.push({ at, megabytes: [...memory.values()].reduce((sum, value) => sum + value, 0) });
  }
}
