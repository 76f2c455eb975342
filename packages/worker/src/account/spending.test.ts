import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { dayOf } from "../session/model-call-table.js";
import { Spending } from "./spending.js";

const NOON = Date.parse("2026-11-29T12:00:00Z");
const DAY_MS = 24 * 3_600_000;

let { sql } = accountStorage();
let spending = new Spending(sql);
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON });
  ({ sql } = accountStorage());
  spending = new Spending(sql);
});
afterEach(() => void vi.useRealTimers());

const tokens = {
  input_tokens: 1,
  output_tokens: 10,
  cache_read_input_tokens: 100,
  cache_creation_input_tokens: 1_000,
};
let calls = 0;
const add = (cost: number, { session = "s", call = (calls += 1), day = dayOf(Date.now()) } = {}) =>
  spending.add(session, call, day, { ...tokens, cost });
const spent = () => spending.spent(Date.now());

test("calls beyond what SQLite counts in whole numbers still add up", () => {
  for (let n = 0; n < 3; n += 1) add(4e18);
  spending = new Spending(sql);
  expect(spent().cost).toBe(12e18);
});

test("a day's calls are added up, with tokens of every kind, also after a restart", () => {
  expect(spent()).toMatchObject({ tokens: 0, cost: 0 });
  add(5);
  add(7, { session: "" });
  expect(spent()).toMatchObject({ tokens: 2_222, cost: 12 });
  spending = new Spending(sql);
  expect(spent()).toMatchObject({ tokens: 2_222, cost: 12 });
  add(1);
  expect(spent()).toMatchObject({ tokens: 3_333, cost: 13 });
});

test("a call counts once, however often it is told; the same number in another session is another", () => {
  expect([add(5, { call: 1 }), add(5, { call: 1 })]).toEqual([true, false]);
  expect(spent()).toMatchObject({ cost: 5 });
  spending = new Spending(sql);
  expect(add(5, { call: 1 })).toBe(false);
  expect(add(5, { call: 1, session: "other" })).toBe(true);
  expect(spent()).toMatchObject({ cost: 10 });
});

test("a day ends at midnight in UTC: a call counts on the day it ends", () => {
  vi.setSystemTime(Date.parse("2026-11-29T23:59:59.999Z"));
  add(5);
  expect(spent()).toMatchObject({ cost: 5 });
  vi.setSystemTime(Date.parse("2026-11-30T00:00:00.000Z"));
  expect(spent()).toMatchObject({ tokens: 0, cost: 0 });
  add(7);
  expect(spent()).toMatchObject({ cost: 7 });
});

test("what is told after midnight of the day before is not the new day's", () => {
  const day = dayOf(NOON);
  vi.setSystemTime(Date.parse("2026-11-30T00:00:00.000Z"));
  add(3);
  add(5, { day });
  expect(spent()).toMatchObject({ cost: 3 });
  spending = new Spending(sql);
  expect(spent()).toMatchObject({ cost: 3 });
});

test("days before yesterday are forgotten", () => {
  add(5);
  const rows = () => sql.exec("SELECT day FROM spending").toArray();
  vi.setSystemTime(NOON + DAY_MS);
  add(5);
  expect(rows()).toHaveLength(2);
  vi.setSystemTime(NOON + 2 * DAY_MS);
  expect(spent()).toMatchObject({ cost: 0 });
  expect(rows()).toEqual([{ day: "2026-11-30" }]);
});
