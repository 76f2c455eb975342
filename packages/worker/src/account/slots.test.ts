import { beforeEach, describe, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { Slots } from "./slots.js";

let slots = new Slots(accountStorage().sql);
beforeEach(() => {
  slots = new Slots(accountStorage().sql);
});

/** Puts turns into the queue, in this order; a turn's name begins with its session's. */
const enqueue = (...turns: string[]) => {
  for (const turn of turns) slots.enqueue(turn, turn[0]!, 1_000);
};
const running = () =>
  slots
    .open()
    .filter(({ status }) => status === "running")
    .map(({ id }) => id);
/** Gives out slots; gives the turns that have one. */
const grant = (atOnce: number, now = 2_000) => {
  slots.grant(atOnce, now);
  return running();
};

describe("slots", () => {
  test("go out in the order the turns came, over all sessions", () => {
    enqueue("c1", "a1", "b1");
    expect(grant(2)).toEqual(["c1", "a1"]);
    expect(grant(2)).toEqual(["c1", "a1"]);
    slots.end("c1");
    expect(grant(2)).toEqual(["a1", "b1"]);
  });

  test("are one at a time for a session; those of other sessions do not wait for it", () => {
    enqueue("a1", "a2", "b1", "a3", "b2");
    expect(grant(9)).toEqual(["a1", "b1"]);
    slots.end("a1");
    expect(grant(9)).toEqual(["a2", "b1"]);
    slots.end("b1");
    slots.end("a2");
    expect(grant(9)).toEqual(["a3", "b2"]);
  });

  test("go to the most urgent turn of a session, at the place of its first", () => {
    slots.enqueue("a1", "a", 1_000);
    slots.enqueue("b1", "b", 1_000);
    slots.enqueue("c1", "c", 1_000);
    slots.enqueue("b2", "b", 1_000, "next");
    slots.enqueue("b3", "b", 1_000, "now");
    const order = [];
    for (let next = grant(1); next.length > 0; next = grant(1)) {
      order.push(...next);
      slots.end(next[0]!);
    }
    expect(order).toEqual(["a1", "b3", "b2", "b1", "c1"]);
  });

  test("go to a turn that was answered before urgent ones of its session", () => {
    enqueue("a1");
    grant(1);
    slots.setWaiting("a1");
    slots.enqueue("a2", "a", 1_000, "now");
    slots.requeue("a1");
    expect(grant(1)).toEqual(["a1"]);
  });

  test("are not taken by turns that wait for an answer; their session's next turn waits for them", () => {
    enqueue("a1", "a2", "b1");
    expect(grant(1)).toEqual(["a1"]);
    slots.setWaiting("a1");
    expect(grant(1)).toEqual(["b1"]);
    expect(grant(9)).toEqual(["b1"]);
    slots.end("a1");
    expect(grant(9)).toEqual(["a2", "b1"]);
  });

  test("go to an answered turn at its old place, before what came later", () => {
    enqueue("a1", "b1", "c1", "a2");
    grant(1);
    slots.setWaiting("a1");
    expect(grant(1)).toEqual(["b1"]);
    slots.requeue("a1");
    slots.end("b1");
    expect(grant(1)).toEqual(["a1"]);
    slots.end("a1");
    expect(grant(1)).toEqual(["c1"]);
  });

  test("that are fewer now take none away", () => {
    enqueue("a1", "b1", "c1");
    expect(grant(2)).toEqual(["a1", "b1"]);
    expect(grant(1)).toEqual(["a1", "b1"]);
    slots.end("a1");
    expect(grant(1)).toEqual(["b1"]);
  });
});

describe("a turn", () => {
  test("is in the queue once, at its place", () => {
    enqueue("a1", "b1", "a1");
    expect(slots.open().map(({ id }) => id)).toEqual(["a1", "b1"]);
    expect(slots.get("a1")).toMatchObject({ session_id: "a", status: "queued", created_at: 1_000 });
    expect(slots.get("none")).toBeUndefined();
    slots.enqueue("a1", "other", 9_000);
    expect(slots.get("a1")).toMatchObject({ session_id: "a", created_at: 1_000 });
  });

  test("is requeued from waiting alone: one that runs keeps its slot", () => {
    enqueue("a1");
    grant(1);
    slots.requeue("a1");
    expect(running()).toEqual(["a1"]);
  });

  test("began when it first had a slot", () => {
    enqueue("a1");
    expect(slots.get("a1")!.started_at).toBeNull();
    grant(1, 2_000);
    slots.setWaiting("a1");
    slots.requeue("a1");
    grant(1, 5_000);
    expect(slots.get("a1")).toMatchObject({ started_at: 2_000, confirmed_at: 5_000 });
  });

  test("is untold of its slot until its session was told, and of each anew", () => {
    const untold = () => slots.untold().map(({ id }) => id);
    enqueue("a1", "b1", "c1");
    expect(untold()).toEqual([]);
    grant(2);
    expect(untold()).toEqual(["a1", "b1"]);
    slots.setTold("a1");
    grant(2);
    expect(untold()).toEqual(["b1"]);
    slots.setWaiting("a1");
    slots.requeue("a1");
    slots.end("b1");
    grant(2);
    expect(untold()).toEqual(["a1", "c1"]);
  });

  test("is confirmed by its session", () => {
    enqueue("a1", "b1");
    slots.confirm("a1", 7_000);
    expect(slots.open().map(({ confirmed_at }) => confirmed_at)).toEqual([7_000, 1_000]);
  });

  test("is gone when it ends; with its session, all of it are", () => {
    enqueue("a1", "a2", "b1", "b2");
    grant(9);
    slots.end("a1");
    slots.end("none");
    expect([slots.count("running"), slots.count("queued"), slots.count("waiting")]).toEqual([
      1, 2, 0,
    ]);
    slots.endAllOf("b");
    expect(slots.open().map(({ id }) => id)).toEqual(["a2"]);
  });

  test("keeps its place over a restart, also after later ones have ended", () => {
    enqueue("a1", "b1");
    slots.end("b1");
    enqueue("c1");
    expect(slots.open().map(({ id }) => id)).toEqual(["a1", "c1"]);
  });
});
