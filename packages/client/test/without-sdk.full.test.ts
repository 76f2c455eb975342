import { afterAll, expect, it } from "vitest";

import { ProgramWithoutSdk } from "./without-sdk.js";

const program = new ProgramWithoutSdk();
afterAll(() => program.remove());

it(
  "TypeScript 5.9 finds the declarations whole without the Agent SDK",
  { timeout: 120_000 },
  async () => {
    expect(await program.compile("TypeScript 5.9", false)).toBe("");
  },
);
