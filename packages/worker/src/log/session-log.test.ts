import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { TestSession } from "../../test/support/test-session.js";

const NOON = Date.parse("2026-11-29T12:00:00Z");

let session = new TestSession();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOON });
  session = new TestSession();
});
afterEach(() => void vi.useRealTimers());

const read = (settings: Partial<Parameters<TestSession["log"]["stream"]>[1]> = {}, after = 0) => {
  const stream = session.log.stream(after, { isBarred: () => false, ...settings });
  const reader = stream.getReader();
  /** The seqs of the next piece; undefined at the end. */
  const next = async () => {
    const { value, done } = await reader.read();
    if (done) return undefined;
    return [...new TextDecoder().decode(value).matchAll(/^id: (\d+)$/gm)].map(([, seq]) =>
      Number(seq),
    );
  };
  return { next, cancel: () => reader.cancel() };
};
const delta = (turn = "t", text = "x") => session.log.emit(turn, "delta", { text });
const own = (turn = "t") => session.store.transaction(() => session.log.emitOwn(turn, "turn", {}));
const end = (turn: string) =>
  session.store.transaction(() => {
    session.store.endTurn(turn, { status: "completed" }, own(turn), Date.now());
  });

describe("a session's log", () => {
  test("numbers events one after the other, and stores those that last", async () => {
    expect([own(), delta(), session.log.emit("t", "message", { n: 1 }), delta()]).toEqual([
      1, 2, 3, 4,
    ]);
    expect((await session.log.list(0)).map(({ seq, kind }) => `${seq} ${kind}`)).toEqual([
      "1 turn",
      "2 delta",
      "3 message",
      "4 delta",
    ]);
    expect(session.store.events.range(0, 9).map(({ seq }) => seq)).toEqual([1, 3]);
  });

  test("saves the number of an event that originates here at once, of others with their batch", () => {
    delta();
    expect(session.store.lastSeq).toBe(0);
    own();
    expect(session.store.lastSeq).toBe(2);
  });

  test("is listed in bounded pieces", async () => {
    for (let count = 0; count < 4; count += 1) delta("t", "x".repeat(100 * 1024));
    const seqs = async (after: number) => (await session.log.list(after)).map(({ seq }) => seq);
    expect(await seqs(0)).toEqual([1, 2]);
    expect(await seqs(2)).toEqual([3, 4]);
    expect(await seqs(4)).toEqual([]);
  });

  test("gives a number to no event of its own while it is being replayed", () => {
    own();
    session.log.rewind(0);
    expect(() => own()).toThrow(/being replayed/);
    expect(() => delta()).toThrow(/being replayed/);
    session.log.replayRest();
    expect(delta()).toBe(2);
    expect(() => own()).toThrow(/being replayed/);
    session.log.release();
    expect(own()).toBe(3);
  });
});

describe("a transaction that is rolled back", () => {
  /** Emits an event in a transaction that fails. */
  const undone = () =>
    expect(() =>
      session.store.transaction(() => {
        own("undone");
        throw new Error("undone");
      }),
    ).toThrow("undone");
  const turns = async () => (await session.log.list(0)).map(({ turn_id }) => turn_id);

  test("leaves no event that a reader could be shown, and no gap", async () => {
    const reader = read();
    const waiting = reader.next();
    undone();
    expect([await turns(), session.log.lastSeq]).toEqual([[], 0]);
    expect(own()).toBe(1);
    expect(await waiting).toEqual([1]);
    undone();
    expect([await turns(), session.log.lastSeq]).toEqual([["t"], 1]);
    session.restart();
    expect([await turns(), session.log.lastSeq]).toEqual([["t"], 1]);
  });

  test("within another takes only its own events back; readers get the rest when all is stored", async () => {
    const reader = read();
    const waiting = reader.next();
    session.store.transaction(() => {
      own("before");
      undone();
      own("after");
    });
    expect(await waiting).toEqual([1, 2]);
    expect(await turns()).toEqual(["before", "after"]);
    expect(session.store.events.range(0, 9).map(({ turn }) => turn)).toEqual(["before", "after"]);
  });
});

describe("readers", () => {
  test("are all woken by what is added; one that has left is not", async () => {
    const readers = [read(), read()];
    const waiting = readers.map(({ next }) => next());
    own();
    expect(await Promise.all(waiting)).toEqual([[1], [1]]);
    const last = readers[1]!.next();
    await readers[0]!.cancel();
    own();
    expect(await last).toEqual([2]);
  });

  test("of one turn get its events alone, up to its end", async () => {
    const turn = session.queue();
    const { next } = read({ turn });
    delta("other");
    delta(turn);
    expect(await next()).toEqual([1, 3]);
    const last = next();
    own("other");
    end(turn);
    own(turn);
    expect(await last).toEqual([5]);
    expect(await next()).toBeUndefined();
  });

  test("begin where they say, also past what is in memory", async () => {
    for (let count = 0; count < 3; count += 1) own();
    session.restart();
    expect(await read({}, 1).next()).toEqual([2, 3]);
    const late = read({}, 9);
    const waiting = late.next();
    session.log.skipSeqs();
    own();
    expect(await waiting).toEqual([1_000_004]);
  });

  test("get nothing more once they may not read, and end when they are woken", async () => {
    let isBarred = false;
    const { next } = read({ isBarred: () => isBarred });
    own();
    expect(await next()).toEqual([1]);
    const waiting = next();
    isBarred = true;
    own();
    expect(await waiting).toBeUndefined();

    isBarred = false;
    const other = read({ isBarred: () => isBarred }, 2).next();
    isBarred = true;
    session.log.wake();
    expect(await other).toBeUndefined();
  });

  test("are 500 at most; when one has left, there is room for another", async () => {
    const readers = Array.from({ length: 500 }, () => read());
    expect(() => read()).toThrow(expect.objectContaining({ code: "session_busy" }));
    await readers[7]!.cancel();
    read();
    expect(() => read()).toThrow(expect.objectContaining({ code: "session_busy" }));
  });

  test("end with the session", async () => {
    own();
    const waiting = read({}, 1).next();
    session.store.isDeleting = true;
    session.log.wake();
    expect(await waiting).toBeUndefined();
  });

  test("wait while the log is being replayed", async () => {
    own();
    session.log.rewind(0);
    const waiting = read().next();
    const listing = session.log.list(0);
    session.log.replayRest();
    session.log.release();
    expect(await waiting).toEqual([1]);
    expect(await listing).toHaveLength(1);
  });

  test("are counted when they run callbacks: the log knows since when none does", async () => {
    let gone = 0;
    session.log.onCallersGone = () => (gone += 1);
    expect(session.log.callersGoneAt).toBe(NOON);
    const callers = [read({ callbacks: true }), read({ callbacks: true }), read()];
    expect(session.log.callersGoneAt).toBeUndefined();
    vi.setSystemTime(NOON + 5_000);
    for (const { cancel } of callers) {
      expect(gone).toBe(0);
      await cancel();
      if (session.log.callersGoneAt !== undefined) break;
    }
    expect([gone, session.log.callersGoneAt]).toEqual([1, NOON + 5_000]);
  });
});

describe("waiting for a turn", () => {
  const isSettled = async (turn: string) => {
    const settled = session.log.whenSettled(turn).then(() => true);
    return Promise.race([settled, vi.advanceTimersByTimeAsync(1).then(() => false)]);
  };

  test("is over when it has ended, waits for an answer, or is not there", async () => {
    const turn = session.queue();
    expect(await isSettled(turn)).toBe(false);
    session.store.markRunning(turn, NOON);
    expect(await isSettled(turn)).toBe(false);
    session.store.markWaiting(turn);
    expect(await isSettled(turn)).toBe(true);
    session.store.markQueued(turn);
    const waiting = session.log.whenSettled(turn);
    end(turn);
    await waiting;
    expect(await isSettled("none")).toBe(true);
  });

  test("is over when the session is deleted", async () => {
    const turn = session.queue();
    const waiting = session.log.whenSettled(turn);
    session.store.isDeleting = true;
    session.log.wake();
    await expect(waiting).resolves.toBeUndefined();
  });
});

test("pieces are forgotten a minute after the last event, and not while there is a reader", async () => {
  own();
  delta();
  const { cancel, next } = read({}, 9);
  const waiting = next();
  const seqs = async () => (await session.log.list(0)).map(({ seq }) => seq);
  vi.setSystemTime(NOON + 60_001);
  session.log.sweep();
  expect(await seqs()).toEqual([1, 2]);
  await cancel();
  await waiting;
  vi.setSystemTime(NOON + 60_000);
  session.log.sweep();
  expect(await seqs()).toEqual([1, 2]);
  vi.setSystemTime(NOON + 60_001);
  session.log.sweep();
  expect(await seqs()).toEqual([1]);
  expect(session.log.lastSeq).toBe(2);
});
