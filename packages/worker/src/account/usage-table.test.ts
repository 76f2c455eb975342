import type { UsageReport } from "@claude-edge/protocol";
import { beforeEach, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { dayOf, PICO } from "../session/model-call-table.js";
import { UsageTable, type UsageQuery } from "./usage-table.js";

const DAYS = ["2026-11-28", "2026-11-29", "2026-11-30"].map((day) =>
  Date.parse(`${day}T23:59:59Z`),
);
const [first, second, third] = DAYS as [number, number, number];

const NOTHING = {
  turns: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cost_usd: 0,
};

let { sql } = accountStorage();
let table = new UsageTable(sql);
beforeEach(() => {
  ({ sql } = accountStorage());
  table = new UsageTable(sql);
});

const used = (cost_usd: number, tokens = 1) => ({
  input_tokens: tokens,
  output_tokens: tokens * 2,
  cache_read_input_tokens: tokens * 3,
  cache_creation_input_tokens: tokens * 4,
  cost_usd,
});

/** What a turn used of a model, for so many dollars. */
function add(id: string, session: string, now: number, model: string, dollars: number): void {
  const { cost_usd, ...tokens } = used(dollars);
  table.add(id, session, model, dayOf(now), { ...tokens, cost: Math.round(cost_usd * PICO) });
}

/** A turn that used these models, each for so many dollars. */
function turn(id: string, session: string, now: number, costs: Record<string, number>): void {
  for (const [model, cost] of Object.entries(costs)) add(id, session, now, model, cost);
  table.addTurn(id, session, now);
}

const report = (query: UsageQuery = {}): UsageReport => table.report("ada", query);
const keys = ({ groups = [] }: UsageReport) =>
  groups.map(({ key, turns, cost_usd }) => [key, turns, cost_usd]);

test("nothing, with and without groups", () => {
  expect(report()).toEqual({ account: "ada", total: NOTHING });
  expect(report({ group: "day", to: "2026-01-01" })).toEqual({
    account: "ada",
    to: "2026-01-01",
    total: NOTHING,
    group: "day",
    groups: [],
  });
});

test("a turn counts once, whatever it used, and also one that used nothing", () => {
  turn("1", "s", first, { haiku: 0.25, opus: 1 });
  turn("2", "s", first, {});
  table.addTurn("2", "s", second);
  expect(report().total).toEqual({ turns: 2, ...used(1.25, 2) });
});

test("by model: a turn that used two counts for both; one that used none is in no group", () => {
  turn("1", "s", first, { haiku: 0.25, opus: 1 });
  turn("2", "s", first, { haiku: 0.5 });
  turn("3", "s", first, {});
  expect(keys(report({ group: "model" }))).toEqual([
    ["opus", 1, 1],
    ["haiku", 2, 0.75],
  ]);
});

test("by session: those that cost most first; by day: in their order", () => {
  turn("1", "cheap", second, { haiku: 0.25 });
  turn("2", "dear", first, { opus: 1 });
  turn("3", "dear", third, { opus: 1 });
  expect(keys(report({ group: "session" }))).toEqual([
    ["dear", 2, 2],
    ["cheap", 1, 0.25],
  ]);
  expect(keys(report({ group: "day" }))).toEqual([
    ["2026-11-28", 1, 1],
    ["2026-11-29", 1, 0.25],
    ["2026-11-30", 1, 1],
  ]);
});

test("a time includes its first and its last day, and either may be left out", () => {
  for (const [index, now] of DAYS.entries()) turn(String(index), "s", now, { opus: 2 ** index });
  const cost = (query: UsageQuery) => report(query).total.cost_usd;
  expect(cost({ from: "2026-11-29" })).toBe(6);
  expect(cost({ to: "2026-11-29" })).toBe(3);
  expect(cost({ from: "2026-11-29", to: "2026-11-29" })).toBe(2);
  expect(cost({ from: "2000-01-01", to: "2999-12-31" })).toBe(7);
  expect(report({ from: "2999-12-31" }).total).toEqual(NOTHING);
  const { groups } = report({ from: "2026-11-30", group: "session" });
  expect(groups).toEqual([{ key: "s", turns: 1, ...used(4) }]);
});

test("what is used for a turn's sake after its end is added to it, on its own day", () => {
  turn("1", "s", first, { opus: 1 });
  add("1", "s", first, "opus", 2);
  add("1", "s", second, "haiku", 4);
  expect(keys(report({ group: "day" }))).toEqual([
    ["2026-11-28", 1, 3],
    ["2026-11-29", 0, 4],
  ]);
  expect(report().total.turns).toBe(1);
});

test("a turn is known once it has ended", () => {
  expect(table.hasTurn("1")).toBe(false);
  turn("1", "s", first, {});
  expect([table.hasTurn("1"), table.hasTurn("2")]).toEqual([true, false]);
});

test("what belongs to no turn counts, but not as one", () => {
  for (let n = 0; n < 2; n += 1) add("", "", first, "opus", 1 / PICO);
  expect(report().total).toEqual({ turns: 0, ...used(2e-12, 2) });
});

test("what a session used outside of its turns is its own; what no session used is in no session's figures", () => {
  add("", "a", first, "opus", 1);
  add("", "b", first, "opus", 2);
  add("", "", first, "opus", 4);
  expect(report().total.cost_usd).toBe(7);
  expect(keys(report({ group: "session" }))).toEqual([
    ["b", 0, 2],
    ["a", 0, 1],
  ]);
  expect(keys(report({ group: "model" }))).toEqual([["opus", 0, 7]]);
  expect(keys(report({ group: "day" }))).toEqual([["2026-11-28", 0, 7]]);
});

test("figures beyond what SQLite counts in whole numbers can still be reported", () => {
  for (let n = 0; n < 1_100; n += 1) turn(String(n), "s", first, { opus: 9_000 });
  expect(report({ group: "session" }).groups).toMatchObject([{ cost_usd: 9_900_000 }]);
});

test("sums are exact where those of floating point dollars drift", () => {
  for (let n = 0; n < 100; n += 1) turn(String(n), "s", first, { opus: 0.1 });
  expect(Array.from({ length: 100 }).reduce((sum: number) => sum + 0.1, 0)).not.toBe(10);
  expect(report().total.cost_usd).toBe(10);
  // A picodollar.
  turn("part", "s", second, { opus: 0.000_000_000_001 });
  expect(report({ from: "2026-11-29" }).total.cost_usd).toBe(1e-12);
});

test("more groups than an answer holds want a shorter time", () => {
  sql.exec(
    `WITH RECURSIVE turns (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM turns WHERE n < 10000)
      INSERT INTO usage (turn_id, model, day, session_id) SELECT n, '', '2026-11-28', 's' || n FROM turns`,
  );
  expect(report({ group: "session" }).groups).toHaveLength(10_000);
  turn("more", "more", second, {});
  expect(() => report({ group: "session" })).toThrow(/name a shorter time/);
  expect(report({ group: "session", to: "2026-11-28" }).groups).toHaveLength(10_000);
});
