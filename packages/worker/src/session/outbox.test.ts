import type { SessionResource } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { sessionStorage } from "../../test/support/storage.js";
import { Outbox } from "./outbox.js";

const { sql } = sessionStorage();
const notice = (turn: string) => ({ kind: "waiting", turn }) as const;

test("notices come in order, in batches, until they are delivered; numbers are not given again", () => {
  const outbox = new Outbox(sql);
  let added = 0;
  outbox.onAdded = () => (added += 1);
  expect([outbox.isEmpty, outbox.next()]).toEqual([true, []]);
  for (let n = 1; n <= 450; n += 1) outbox.add(notice(String(n)));
  expect(added).toBe(450);

  const first = outbox.next();
  expect(first).toHaveLength(200);
  expect(first[0]).toEqual({ id: 1, notice: notice("1") });
  expect(new Outbox(sql).next()).toEqual(first);
  outbox.delivered(first.at(-1)!.id);
  expect(outbox.next()[0]).toEqual({ id: 201, notice: notice("201") });
  outbox.delivered(450);
  expect(outbox.isEmpty).toBe(true);
  outbox.add(notice("more"));
  expect(outbox.next()).toEqual([{ id: 451, notice: notice("more") }]);
});

test("a batch of large notices is no larger than a call may be, and has one at least", () => {
  const outbox = new Outbox(sessionStorage().sql);
  for (const size of [3_000_000, 900_000, 900_000, 900_000]) outbox.add(notice("x".repeat(size)));
  const sizes = [];
  for (let batch = outbox.next(); batch.length > 0; batch = outbox.next()) {
    sizes.push(batch.length);
    outbox.delivered(batch.at(-1)!.id);
  }
  expect(sizes).toEqual([1, 2, 1]);
});

describe("the notices of a transaction", () => {
  const listed = (title: string) =>
    ({ kind: "session", resource: { title } as SessionResource, storedBytes: 0 }) as const;

  test("share a row and its number; of how the session is listed the last counts", () => {
    const outbox = new Outbox(sessionStorage().sql);
    outbox.collect(() => {
      outbox.add(listed("one"));
      outbox.add(notice("a"));
      outbox.collect(() => outbox.add(listed("two")));
    });
    outbox.collect(() => {});
    outbox.add(notice("b"));
    expect(outbox.next()).toEqual([
      { id: 1, notice: notice("a") },
      { id: 1, notice: listed("two") },
      { id: 2, notice: notice("b") },
    ]);
    outbox.delivered(1);
    expect(outbox.next()).toEqual([{ id: 2, notice: notice("b") }]);
  });

  test("are not there when it fails, nor those of one within it", () => {
    const outbox = new Outbox(sessionStorage().sql);
    const fail = (turn: string) => () =>
      outbox.collect(() => {
        outbox.add(notice(turn));
        throw new Error("undone");
      });
    expect(fail("a")).toThrow("undone");
    outbox.collect(() => {
      outbox.add(notice("b"));
      expect(fail("c")).toThrow("undone");
    });
    expect(outbox.next()).toEqual([{ id: 1, notice: notice("b") }]);
  });

  test("are in several rows when they are too large for one", () => {
    const outbox = new Outbox(sessionStorage().sql);
    outbox.collect(() => {
      for (let n = 0; n < 250; n += 1) outbox.add(notice(String(n)));
      outbox.add(notice("x".repeat(900_000)));
      outbox.add(notice("last"));
    });
    const ids = outbox.next().map(({ id }) => id);
    expect([ids.length, ids[99], ids[100], ids.at(-2), ids.at(-1)]).toEqual([252, 1, 2, 3, 4]);
  });
});
