import type { SessionResource } from "@claude-edge/protocol";
import { beforeEach, describe, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { readCursor, writeCursor } from "../sql/cursor.js";
import { Directory, type SessionFilter } from "./directory.js";
import { Slots } from "./slots.js";

let { sql } = accountStorage();
let directory = new Directory(sql);
beforeEach(() => {
  ({ sql } = accountStorage());
  directory = new Directory(sql);
});

const resource = (id: string, updatedAt: number, more: Partial<SessionResource> = {}) =>
  ({
    id,
    status: "idle",
    updated_at: new Date(updatedAt).toISOString(),
    ...more,
  }) as SessionResource;
const reserve = (id: string, now: number, hidden = false) =>
  directory.reserve(resource(id, now), hidden, now);
const cursorOf = ({ updated_at, id }: SessionResource) => writeCursor(Date.parse(updated_at), id);
const ids = (sessions: SessionResource[]) => sessions.map(({ id }) => id);
const listed = () => ids(directory.list(100));

/** All pages, by the cursors that callers are given. */
function pages(size: number): string[][] {
  const found = [];
  let cursor: string | undefined;
  do {
    const page = directory.list(size, cursor === undefined ? undefined : readCursor(cursor));
    found.push(ids(page));
    cursor = page.length === size ? cursorOf(page.at(-1)!) : undefined;
  } while (cursor !== undefined);
  return found;
}

describe("the list of sessions", () => {
  test("is by newest activity; among those of the same moment, by id", () => {
    reserve("old", 1_000);
    reserve("b", 3_000);
    reserve("a", 3_000);
    reserve("new", 4_000);
    expect(listed()).toEqual(["new", "b", "a", "old"]);
    directory.show(resource("old", 5_000), 0);
    expect(listed()).toEqual(["old", "new", "b", "a"]);
  });

  test("comes page by page, each session once", () => {
    for (const [index, id] of ["a", "b", "c", "d", "e", "f", "g"].entries()) {
      reserve(id, 1_000 * Math.floor(index / 3));
    }
    expect(pages(2)).toEqual([["g", "f"], ["e", "d"], ["c", "b"], ["a"]]);
    expect(pages(3)).toEqual([["g", "f", "e"], ["d", "c", "b"], ["a"]]);
    expect(pages(100)).toEqual([["g", "f", "e", "d", "c", "b", "a"]]);
  });

  test("skips none that stays where it is when another moves up between two pages", () => {
    for (const [index, id] of ["a", "b", "c", "d"].entries()) reserve(id, index);
    const first = directory.list(2);
    directory.show(resource("a", 9_000), 0);
    const next = directory.list(2, readCursor(cursorOf(first.at(-1)!)));
    expect([ids(first), ids(next)]).toEqual([["d", "c"], ["b"]]);
  });

  test("shows a session as it said last", () => {
    reserve("a", 1_000);
    directory.show(resource("a", 2_000, { title: "One", tags: ["x"] }), 0);
    directory.show(resource("a", 3_000, { title: "Two", tags: ["x"] }), 0);
    expect(directory.list(9)).toEqual([resource("a", 3_000, { title: "Two", tags: ["x"] })]);
  });

  test("has the status of its first open turn, whatever it said itself", () => {
    const slots = new Slots(sql);
    reserve("a", 1_000);
    const status = () => directory.list(9)[0]!.status;
    directory.show(resource("a", 1_000, { status: "running" }), 0);
    expect(status()).toBe("idle");
    slots.enqueue("1", "a", 1_000);
    slots.enqueue("2", "a", 1_000);
    expect(status()).toBe("running");
    slots.grant(1, 1_000);
    expect(status()).toBe("running");
    slots.setWaiting("1");
    expect(status()).toBe("waiting");
    slots.end("1");
    expect(status()).toBe("running");
    slots.end("2");
    expect(status()).toBe("idle");
  });

  test("is found by tag, status and text of the title, page by page", () => {
    const slots = new Slots(sql);
    const found = (filter: SessionFilter) => ids(directory.list(9, undefined, filter));
    for (const [index, title] of [
      "Bills of May",
      "bills of June",
      "100% done_",
      "Bills",
    ].entries()) {
      const id = `${index}`;
      reserve(id, index);
      directory.show(
        resource(id, index, { title, tags: index < 2 ? ["billing", "x"] : ["bill"] }),
        0,
      );
    }
    slots.enqueue("t", "1", 0);
    expect(found({})).toEqual(["3", "2", "1", "0"]);
    expect(found({ tag: "billing" })).toEqual(["1", "0"]);
    expect(found({ tag: "bil" })).toEqual([]);
    expect(found({ title: "BILLS" })).toEqual(["3", "1", "0"]);
    expect(found({ title: "%" })).toEqual(["2"]);
    expect(found({ status: "running" })).toEqual(["1"]);
    expect(found({ status: "idle", title: "bills", tag: "billing" })).toEqual(["0"]);
    const [first] = directory.list(1, undefined, { title: "bills" });
    const place = readCursor(cursorOf(first!));
    expect(ids(directory.list(9, place, { title: "bills" }))).toEqual(["1", "0"]);
  });

  test("does not have a fork before it says that it exists; it counts from the beginning", () => {
    reserve("fork", 1_000, true);
    expect([listed(), directory.has("fork"), directory.count]).toEqual([[], true, 1]);
    directory.show(resource("fork", 2_000), 0);
    expect(listed()).toEqual(["fork"]);
  });
});

describe("a session", () => {
  test("is reserved once: the same again changes nothing", () => {
    reserve("a", 1_000);
    directory.show(resource("a", 2_000, { title: "Mine" }), 0);
    reserve("a", 3_000, true);
    expect(directory.list(9)).toEqual([resource("a", 2_000, { title: "Mine" })]);
    expect(directory.count).toBe(1);
  });

  test("that was removed stays so, whatever it says afterwards", () => {
    reserve("a", 1_000);
    directory.remove("a");
    directory.show(resource("a", 2_000), 0);
    expect([directory.has("a"), directory.count, listed()]).toEqual([false, 0, []]);
  });

  test("is unconfirmed until it says that it exists", () => {
    reserve("a", 1_000);
    reserve("b", 2_000, true);
    reserve("c", 3_000);
    expect(directory.unconfirmed(999)).toEqual([]);
    expect(directory.unconfirmed(2_000)).toEqual(["a", "b"]);
    directory.show(resource("a", 9_000), 0);
    expect(directory.unconfirmed(9_000)).toEqual(["b", "c"]);
  });
});
