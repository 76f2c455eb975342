import { beforeEach, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { FeedTable } from "./feed-table.js";

const DAY_MS = 24 * 3_600_000;
const NOW = 1_000 * DAY_MS;

let storage = accountStorage();
let table = new FeedTable(storage.sql);
beforeEach(() => {
  storage = accountStorage();
  table = new FeedTable(storage.sql);
});

const turn = (session_id: string, turn_id: string) =>
  ({ kind: "turn.running", session_id, turn_id }) as const;

test("entries have growing numbers from their time on, also when the clock stands or goes back", () => {
  table.add(turn("a", "1"), NOW);
  table.add(turn("a", "2"), NOW);
  table.add(turn("a", "3"), NOW - 5_000);
  table.add(turn("a", "4"), NOW + 10);
  const { entries, position } = table.read(0);
  expect(entries.map(({ seq }) => seq - NOW)).toEqual([0, 1, 2, 10]);
  expect(entries[2]).toEqual({
    seq: NOW + 2,
    at: NOW - 5_000,
    kind: "turn.running",
    session_id: "a",
    turn_id: "3",
  });
  expect(position).toBe(NOW + 10);
});

test("a reader sees its session, or requests alone, and what it skips is behind it", () => {
  table.add(turn("a", "1"), NOW);
  table.add({ kind: "request.created", session_id: "b", request_id: "r" }, NOW);
  table.add({ kind: "budget.spent" }, NOW);
  const kinds = (filter: Parameters<FeedTable["read"]>[1]) =>
    table.read(0, filter).entries.map(({ kind }) => kind);
  expect(kinds({})).toEqual(["turn.running", "request.created", "budget.spent"]);
  expect(kinds({ session: "a" })).toEqual(["turn.running"]);
  expect(kinds({ requestsOnly: true })).toEqual(["request.created"]);
  expect(kinds({ session: "a", requestsOnly: true })).toEqual([]);
  expect(table.read(0, { session: "none" }).position).toBe(NOW + 2);
});

test("a cursor is good for a day, and one of nowhere is not", () => {
  expect(table.isComplete(table.position(NOW), NOW)).toBe(true);
  expect(table.isComplete(NOW + 1, NOW)).toBe(false);
  table.add(turn("a", "1"), NOW);
  const cursor = table.position(NOW);
  for (let count = 0; count < 99; count += 1) table.add(turn("a", "2"), NOW + DAY_MS - 1);
  expect(table.isComplete(cursor, NOW + DAY_MS - 1)).toBe(true);
  expect(table.isComplete(0, NOW + DAY_MS - 1)).toBe(true);
  for (let count = 0; count < 100; count += 1) table.add(turn("a", "3"), NOW + 3 * DAY_MS);
  expect(table.isComplete(cursor, NOW + 3 * DAY_MS)).toBe(false);
  expect(table.isComplete(0, NOW + 3 * DAY_MS)).toBe(false);
  expect(table.read(0).entries.every(({ turn_id }) => turn_id === "3")).toBe(true);
});

test("a bounded number is kept, and what is gone makes a cursor too old", () => {
  table = new FeedTable(storage.sql, 50);
  table.add(turn("a", "first"), NOW);
  const first = table.position(NOW);
  for (let count = 0; count < 299; count += 1) table.add(turn("a", "1"), NOW);
  const { entries } = table.read(0);
  expect(entries).toHaveLength(50);
  expect(table.isComplete(first, NOW)).toBe(false);
  expect(table.isComplete(entries[0]!.seq, NOW)).toBe(true);
});
