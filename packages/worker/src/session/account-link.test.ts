import type { LogEntry } from "@claude-edge/protocol/internal";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";
import type { NumberedNotice } from "./account-port.js";

let session = new TestSession();
let logged: LogEntry[] = [];
beforeEach(() => {
  session = new TestSession();
  logged = captureLog();
});
afterEach(() => void vi.restoreAllMocks());

const add = (turn: string) => session.store.outbox.add({ kind: "waiting", turn });
const told = () => session.account.told.map((notice) => "turn" in notice && notice.turn);
const deliver = () => session.parts.link.deliver();
const isEmpty = () => session.store.outbox.isEmpty;

test("what is added is delivered by itself, once the transaction has ended", async () => {
  session.store.transaction(() => {
    add("a");
    add("b");
  });
  expect(told()).toEqual([]);
  await eventually(() => expect(isEmpty()).toBe(true));
  expect(told()).toEqual(["a", "b"]);
  expect(session.account.batches).toEqual([
    { session: session.id, notices: [expect.objectContaining({ id: 1 }), expect.anything()] },
  ]);
});

test("what a transaction did not come to is not told", async () => {
  const failing = () =>
    session.store.transaction(() => {
      add("a");
      throw new Error("undone");
    });
  expect(failing).toThrow("undone");
  await deliver();
  expect(session.account.batches).toEqual([]);
});

test("what is added during a delivery is delivered after it, before that resolves", async () => {
  const more = ["b", "c", "d"];
  session.account.onNotify = async () => {
    const next = more.shift();
    if (next) add(next);
    await new Promise((resolve) => setTimeout(resolve, 1));
  };
  add("a");
  await Promise.all([deliver(), deliver()]);
  expect(told()).toEqual(["a", "b", "c", "d"]);
  expect(isEmpty()).toBe(true);
});

test("many are delivered in order, batch by batch", async () => {
  const turns = Array.from({ length: 450 }, (_, n) => String(n));
  for (const turn of turns) add(turn);
  await deliver();
  expect(told()).toEqual(turns);
  expect(session.account.batches.map(({ notices }) => notices.length)).toEqual([200, 200, 50]);
});

test("the same is sent again when the reply is lost, under the same numbers", async () => {
  const sent: unknown[] = [];
  vi.spyOn(session.account, "notify").mockImplementation(async (_session, notices) => {
    sent.push(notices);
    if (sent.length === 1) throw new Error("the reply was lost");
  });
  add("a");
  await deliver();
  expect(sent).toHaveLength(2);
  expect(sent[1]).toEqual(sent[0]);
  expect(isEmpty()).toBe(true);
});

test("an account that fails is tried three times; the next delivery delivers all", async () => {
  let tries = 0;
  session.account.onNotify = () => {
    tries += 1;
    throw new Error("unreachable");
  };
  add("a");
  await deliver();
  expect([tries, isEmpty()]).toEqual([3, false]);
  // The alarm tries again.
  await session.parts.arm();
  expect(await session.storage.getAlarm()).toBeLessThanOrEqual(Date.now() + 5_000);

  expect(session.parts.link.retryMs).toBe(5_000);
  await deliver();
  expect(session.parts.link.retryMs).toBe(10_000);

  session.account.onNotify = () => {};
  add("b");
  await deliver();
  expect(session.parts.link.retryMs).toBe(5_000);
  expect(told()).toEqual(["a", "b"]);
  expect(isEmpty()).toBe(true);
});

/** The account refuses the turn `poison` with all of its transaction, and takes what comes before. */
function refusePoison(): void {
  vi.spyOn(session.account, "notify").mockImplementation(async (id, notices) => {
    const isPoison = ({ notice }: NumberedNotice) => "turn" in notice && notice.turn === "poison";
    const poison = notices.find(isPoison);
    const taken = notices.filter((notice) => !poison || notice.id < poison.id);
    if (taken.length > 0) session.account.batches.push({ session: id, notices: taken });
    if (!poison) return undefined;
    const index = notices.filter((notice) => notice.id === poison.id).findIndex(isPoison);
    return { id: poison.id, index, message: "no such thing" };
  });
}

test("a notice that the account refuses three times is put aside and logged; the others are delivered", async () => {
  refusePoison();
  add("a");
  session.store.transaction(() => {
    for (const turn of ["b", "poison", "c"]) add(turn);
  });
  for (const turn of ["poison", "d"]) add(turn);
  await deliver();
  expect(told()).toEqual(["a", "b", "c", "d"]);
  expect(session.account.notify).toHaveBeenCalledTimes(7);
  expect([isEmpty(), session.parts.link.isStuck]).toEqual([true, false]);
  const put = { message: "notice put aside", session: session.id, notice: "waiting", times: 3 };
  expect(logged).toMatchObject([put, put]);
  // A notice holds the session's title, which is the beginning of a prompt.
  expect(JSON.stringify(logged)).not.toContain("poison");
});

test("a notice that an older account does not know waits for a newer one, at the alarm's pauses, ten times", async () => {
  let isOld = true;
  vi.spyOn(session.account, "notify").mockImplementation(async (id, notices) => {
    if (isOld) return { id: notices[0]!.id, index: 0, message: "no such notice", isSkew: true };
    session.account.batches.push({ session: id, notices });
    return undefined;
  });
  add("a");
  for (let n = 1; n < 10; n += 1) {
    await deliver();
    expect(session.account.notify).toHaveBeenCalledTimes(n);
    expect(session.parts.link.isStuck).toBe(true);
  }
  isOld = false;
  await deliver();
  expect(told()).toEqual(["a"]);

  isOld = true;
  add("b");
  for (let n = 0; n < 10; n += 1) await deliver();
  expect([isEmpty(), session.parts.link.isStuck]).toEqual([true, false]);
  expect(logged).toContainEqual(expect.objectContaining({ times: 10 }));
});

test("what a restart leaves undelivered an alarm delivers, however far off the next one was", async () => {
  session.account.onNotify = () => new Promise(() => {});
  for (const later of [undefined, Date.now() + 86_400_000]) {
    if (later) await session.storage.setAlarm(later);
    else await session.storage.deleteAlarm();
    session.restart();
    add("a");
    await eventually(async () =>
      expect((await session.storage.getAlarm()) ?? Infinity).toBeLessThan(Date.now() + 31_000),
    );
  }
});

test("a session that is gone meanwhile has nothing more to tell", async () => {
  const [asked, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  session.account.onNotify = () => {
    asked.resolve();
    return taken.promise;
  };
  add("a");
  const delivery = deliver();
  await asked.promise;
  await session.store.clear();
  taken.resolve();
  await delivery;
  expect(told()).toEqual(["a"]);
});

test("the last notices of a session that is being deleted are delivered to the end, or it says so", async () => {
  session.store.isDeleting = true;
  for (const turn of ["a", "b"]) add(turn);
  await deliver();
  expect(told()).toEqual([]);
  session.account.onNotify = () => {
    throw new Error("unreachable");
  };
  await expect(session.parts.link.deliverLast()).rejects.toThrow("unreachable");
  expect(isEmpty()).toBe(false);
  session.account.onNotify = () => {};
  await session.parts.link.deliverLast();
  expect(told()).toEqual(["a", "b"]);
  expect(isEmpty()).toBe(true);
});

test("nor does a refused notice keep a session from being deleted", async () => {
  refusePoison();
  session.store.isDeleting = true;
  for (const turn of ["a", "poison", "b"]) add(turn);
  await session.parts.link.deliverLast();
  expect(told()).toEqual(["a", "b"]);
  expect(isEmpty()).toBe(true);
});
