/**
 * Outlives the process that started it by a moment: when its standard input closes, however that came about, it kills
 * what that process left behind and removes its files. Arguments: the mark's value, then the paths to remove.
 */
import { rmSync } from "node:fs";

import { killMarked } from "@claude-edge/runner/processes";

import { STACK_MARK } from "./mark.js";

const [, , mark = "", ...paths] = process.argv;

process.stdin.resume().on("close", async () => {
  await killMarked({ [STACK_MARK]: mark });
  for (const path of paths) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
});
