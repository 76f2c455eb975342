import { describe, expect, it } from "vitest";

import { median, slopeOf, trendOf, type Sample } from "./flat.ts";

const HOUR_MS = 3_600_000;
const EVERY_MS = 15_000;

const samples = (megabytes: (index: number) => number): Sample[] =>
  Array.from({ length: HOUR_MS / EVERY_MS }, (_, index) => ({
    at: index * EVERY_MS,
    megabytes: megabytes(index),
  }));

describe("flat memory", () => {
  it("takes the middle of an even and an odd number of figures", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it("finds the slope of a leak under a heap that saws", () => {
    // 0.1 MB with each sample: 24 MB an hour.
    const slope = slopeOf(samples((index) => 100 + index * 0.1 + (index % 7) * 3));
    expect(slope).toBeGreaterThan(22);
    expect(slope).toBeLessThan(26);
  });

  it("is not tilted by one large heap at the end", () => {
    const trend = trendOf(
      samples((index) => (index > 235 ? 400 : 100 + (index % 5))),
      0,
      HOUR_MS,
    );
    expect(trend.isFlat).toBe(true);
    expect(trend.secondHalf).toBeLessThan(105);
  });

  it("does not count what grew in the first half", () => {
    const trend = trendOf(
      samples((index) => Math.min(50 + index, 170)),
      0,
      HOUR_MS,
    );
    expect(trend).toMatchObject({ secondHalf: 170, isFlat: true });
  });

  it("calls a leak of 48 MB an hour what it is", () => {
    const trend = trendOf(
      samples((index) => 100 + index * 0.2),
      0,
      HOUR_MS,
    );
    expect(trend.growth).toBeCloseTo(24, 0);
    expect(trend.isFlat).toBe(false);
  });
});
