import { expect, test } from "vitest";

import { RequestRate } from "./request-rate.js";

/** Takes one: 0 when it is let through, else the seconds it is told to wait. */
function take(rate: RequestRate, perMinute: number | null, now: number): number {
  try {
    rate.take(perMinute, now);
    return 0;
  } catch (error) {
    return (error as { details: { retry_after_s: number } }).details.retry_after_s;
  }
}

const NOW = 1_800_000_000_000;

test("a minute's requests may come at once, and then one for each part of a minute", () => {
  const rate = new RequestRate();
  const at = (ms: number) => take(rate, 3, NOW + ms);
  expect([at(0), at(0), at(0)]).toEqual([0, 0, 0]);
  expect([at(0), at(0)]).toEqual([20, 20]);
  expect(at(10_000)).toBe(10);
  expect(at(19_999)).toBe(1);
  expect([at(20_000), at(20_000)]).toEqual([0, 20]);
  // A pause of an hour is worth no more than a minute.
  expect(Array.from({ length: 4 }, () => at(3_600_000))).toEqual([0, 0, 0, 20]);
});

test("without a limit nothing is held back", () => {
  const rate = new RequestRate();
  for (let n = 0; n < 1_000; n += 1) expect(take(rate, null, NOW)).toBe(0);
});

test("none at all", () => {
  const rate = new RequestRate();
  expect(() => rate.take(0, NOW)).toThrow(
    expect.objectContaining({
      code: "rate_limited",
      details: { limit: "requests_per_minute", allowed: 0, retry_after_s: 60 },
    }),
  );
  expect([take(rate, 0, NOW), take(rate, 0, NOW + 3_600_000)]).toEqual([60, 60]);
});

test("a limit that rises lets the next ones in within its own time", () => {
  const rate = new RequestRate();
  expect([take(rate, 1, NOW), take(rate, 1, NOW)]).toEqual([0, 60]);
  expect(take(rate, 1_000, NOW)).toBe(1);
  expect(take(rate, 1_000, NOW + 60)).toBe(0);
});
