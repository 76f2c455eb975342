import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { costOfTurn } from "./formula.mjs";
import { costTable } from "./report.mjs";

const CASE = { instance: "standard-1", lingerSeconds: 300, turnsPerWake: 1 };

test("a turn alone pays for its container's memory while it runs and lingers", () => {
  // 4 GiB for 420 s.
  expect(costOfTurn(CASE).memory).toBeCloseTo(0.0042, 6);
});

test("turns of one wake share the linger and the start, and not their rows", () => {
  const [alone, together] = [costOfTurn(CASE), costOfTurn({ ...CASE, turnsPerWake: 10 })];
  expect(together.memory).toBeCloseTo(0.0015, 6);
  expect(together.cpu).toBeLessThan(alone.cpu);
  expect(together.rows).toBe(alone.rows);
});

test("the total is the sum of its items", () => {
  const { total, ...items } = costOfTurn(CASE);
  expect(Object.values(items).reduce((sum, item) => sum + item, 0)).toBe(total);
});

test("docs/production.md has the table that the bench prints", () => {
  const page = readFileSync(new URL("../../docs/production.md", import.meta.url), "utf8");
  const lines = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  for (const row of costTable()) expect(lines).toContainEqual(["", ...row, ""]);
});
