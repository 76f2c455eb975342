import { existsSync, readFileSync } from "node:fs";

/** Where tools write each time they run, outside every container. */
export class Ledger {
  readonly path: string;
  readonly #finished = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  /**
   * The command of a tool that has run: it writes into the ledger and into a file of its workspace. The answer is not in
   * the command, so that a prompt that is shown again does not stand for it.
   */
  command(tool: string, seconds: number): string {
    return `echo ${tool} >> ${this.path}; echo ${tool} >> log.txt; sleep ${seconds}; echo ${tool}-$((6 * 7))`;
  }

  /** A reader has seen a tool's answer. */
  finish(tool: string): void {
    this.#finished.add(tool);
  }

  /** What does not hold: a tool that ran twice, or not at all though its answer was seen. */
  problems(): string[] {
    const runs = existsSync(this.path) ? readFileSync(this.path, "utf8").trim().split("\n") : [];
    const ran = new Set<string>();
    const problems: string[] = [];
    for (const run of runs) {
      if (ran.has(run)) problems.push(`${run} ran twice`);
      ran.add(run);
    }
    for (const tool of this.#finished) {
      if (!ran.has(tool)) problems.push(`${tool} has an answer and never ran`);
    }
    return problems;
  }
}

/** What a tool of the ledger answers. */
export const answerOf = (tool: string): string => `${tool}-42`;
