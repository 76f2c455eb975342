import { relative } from "node:path";

import type { Reporter, TestModule, Vitest } from "vitest/node";

const COUNT = 10;

/** Ends a run with the files that took longest, so that a slow one is seen when it is added. */
export default class SlowestFiles implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const root = this.#vitest!.config.root;
    const rows = modules
      .map((module) => {
        const { duration, collectDuration, setupDuration } = module.diagnostic();
        return {
          file: relative(root, module.moduleId),
          ms: duration + collectDuration + setupDuration,
        };
      })
      .toSorted((left, right) => right.ms - left.ms)
      .slice(0, COUNT)
      .map(({ file, ms }) => `${(ms / 1_000).toFixed(1).padStart(8)} s  ${file}`);
    this.#vitest!.logger.log(`\nThe slowest files:\n${rows.join("\n")}`);
  }
}
