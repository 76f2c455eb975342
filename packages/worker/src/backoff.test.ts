import { expect, test } from "vitest";

import { backoff } from "./backoff.js";

test("pauses double up to five minutes, however often something has failed", () => {
  expect([0, 1, 2, 3].map((failures) => backoff(5_000, failures))).toEqual([
    5_000, 5_000, 10_000, 20_000,
  ]);
  expect([7, 8, 5_000].map((failures) => backoff(5_000, failures))).toEqual([
    300_000, 300_000, 300_000,
  ]);
});
