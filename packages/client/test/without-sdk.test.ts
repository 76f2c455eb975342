import { afterAll, expect, it } from "vitest";

import { ProgramWithoutSdk, type COMPILERS } from "./without-sdk.js";

const program = new ProgramWithoutSdk();
afterAll(() => program.remove());

// TypeScript 5.9 that checks declarations too is in `without-sdk.full.test.ts`: it takes 10 s of CPU over zod's.
it.each<[keyof typeof COMPILERS, boolean]>([
  ["TypeScript 7", true],
  ["TypeScript 7", false],
  ["TypeScript 5.9", true],
])("%s compiles a program that has no Agent SDK, with skipLibCheck %s", async (compiler, skip) => {
  expect(await program.compile(compiler, skip)).toBe("");
});
