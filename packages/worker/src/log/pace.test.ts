import { expect, test } from "vitest";

import { Pace } from "./pace.js";

/** The delays of five seconds in which pieces come at this rate, each for some readers. */
function delays(pace: Pace, perSecond: number, readers: number, from = 0): number[] {
  const step = 1_000 / perSecond;
  return Array.from({ length: perSecond * 5 }, (_, n) => pace.delay(readers, from + n * step));
}

test("a few readers get each piece at once", () => {
  expect(Math.max(...delays(new Pace(0.01), 50, 15))).toBe(0);
});

test("the more would be woken, the longer they wait, and never longer than 100 ms", () => {
  const last = (readers: number) => Math.round(delays(new Pace(0.01), 50, readers).at(-1)!);
  expect([last(40), last(100), last(1_000)]).toEqual([20, 50, 100]);
});

test("what comes after a pause is not held back", () => {
  const pace = new Pace(0.01);
  delays(pace, 50, 1_000);
  expect(pace.delay(1, 60_000)).toBe(0);
});
