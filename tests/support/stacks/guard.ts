import { relative } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, expect } from "vitest";

import { OWN_STACKS } from "./own-stacks.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** `startLocal` sets it in the process that calls it: `packages/local/src/mark.ts`. */
const MARK = "CLAUDE_EDGE_STACK";

const before = process.env[MARK];

// The budget of `npm test` is held here: a stack of its own makes a file 3 s of CPU slower.
afterAll(() => {
  const file = relative(ROOT, expect.getState().testPath!);
  if (process.env[MARK] === before || file in OWN_STACKS) return;
  throw new Error(`${file} starts a stack of its own and is not listed in own-stacks.ts`);
});
