import { beforeEach, describe, expect, test } from "vitest";

import { sessionStorage } from "../../test/support/storage.js";
import { CheckpointTable, type NewCheckpoint } from "./checkpoint-table.js";
import { EMPTY } from "./tree.js";

const NOON = Date.parse("2026-11-29T12:00:00Z");

let table = new CheckpointTable(sessionStorage().sql);
beforeEach(() => {
  table = new CheckpointTable(sessionStorage().sql);
});

const insert = (seq: number, root: string, more: Partial<NewCheckpoint> = {}) => {
  const sums = { files: 1, bytes: 2, changed: 3 };
  return table.insert(seq, { turn: "t", reason: "tool", root, ...sums, ...more }, NOON);
};

describe("states of the files", () => {
  test("hold from their seq on, up to the next; before the first there is nothing", () => {
    expect(table.stateAt()).toEqual({ checkpoint: 0, root: EMPTY });
    insert(4, "a");
    insert(9, "b");
    expect([3, 4, 8, 9, 99].map((seq) => table.stateAt(seq).root)).toEqual([
      EMPTY,
      "a",
      "a",
      "b",
      "b",
    ]);
    expect(table.stateAt()).toEqual({ checkpoint: 9, root: "b" });
  });

  test("are found by their number; 0 is there in any case, also for what a fork began with", () => {
    insert(4, "a");
    expect([table.get(0), table.get(4), table.get(5)]).toEqual([
      { checkpoint: 0, root: EMPTY },
      { checkpoint: 4, root: "a" },
      undefined,
    ]);
    insert(0, "fork", { turn: "", reason: "fork" });
    expect(table.get(0)).toEqual({ checkpoint: 0, root: "fork" });
    expect(table.stateAt(3)).toEqual({ checkpoint: 0, root: "fork" });
  });

  test("are given as callers see them, newest first and page by page", () => {
    const skipped = [{ path: "x", reason: "too_large" }] as never;
    const first = insert(4, "a", { skipped });
    expect(first).toEqual({
      checkpoint: 4,
      turn_id: "t",
      reason: "tool",
      files: 1,
      bytes: 2,
      changed: 3,
      skipped,
      created_at: new Date(NOON).toISOString(),
    });
    const second = insert(9, "b", { turn: "", skipped: [] });
    expect(second).not.toHaveProperty("turn_id");
    expect(second).not.toHaveProperty("skipped");
    insert(12, "a");
    expect(table.list(2, undefined).map(({ checkpoint }) => checkpoint)).toEqual([12, 9]);
    expect(table.list(2, 9)).toEqual([first]);
    expect([table.after(-1), table.after(4)]).toEqual([
      { seq: 4, root: "a" },
      { seq: 9, root: "b" },
    ]);
    table.remove(9);
    expect([table.after(4)?.seq, table.after(12), table.count]).toEqual([12, undefined, 2]);
  });
});
