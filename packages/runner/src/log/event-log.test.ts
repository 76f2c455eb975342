import type { LogFrame } from "@claude-edge/protocol/runner";
import { describe, expect, test } from "vitest";

import { EventLog, type NewFrame } from "./event-log.js";

const message = (text: string, type = "assistant"): NewFrame => ({
  kind: "message",
  turn: "t",
  message: { type, text },
});
const delta = (text: string) => message(text, "stream_event");

const framesOf = ({ text }: { text: string }) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogFrame & { message: { text: string } });
const cursorsOf = (read: { text: string }) => framesOf(read).map(({ cursor }) => cursor);

describe("the log of a session", () => {
  test("numbers its frames from 1 and reads on from any cursor", () => {
    const log = new EventLog("boot", 2_000_000);
    expect(log.head).toEqual({ kind: "head", boot: "boot", cursor: 0 });
    expect(log.read(0)).toEqual({ text: "", cursor: 0 });
    for (const text of ["a", "b", "c"]) log.append(message(text));
    expect(log.head.cursor).toBe(3);
    expect(framesOf(log.read(0)).map(({ cursor, message: { text } }) => [cursor, text])).toEqual([
      [1, "a"],
      [2, "b"],
      [3, "c"],
    ]);
    expect(cursorsOf(log.read(1))).toEqual([2, 3]);
    expect(log.read(2).cursor).toBe(3);
    expect(log.read(3)).toEqual({ text: "", cursor: 3 });
    // A reader that knows more than there is, or than there can be.
    expect(log.read(9)).toEqual({ text: "", cursor: 9 });
    expect(cursorsOf(log.read(-5))).toEqual([1, 2, 3]);
  });

  test("forgets what is acknowledged, and only that", () => {
    const log = new EventLog("boot", 2_000_000);
    for (const text of ["a", "b", "c"]) log.append(message(text));
    log.acknowledge(2);
    expect(cursorsOf(log.read(0))).toEqual([3]);
    expect(cursorsOf(log.read(2))).toEqual([3]);
    log.acknowledge(1);
    expect(cursorsOf(log.read(0))).toEqual([3]);
    log.acknowledge(9);
    expect(log.read(0)).toEqual({ text: "", cursor: 0 });
    log.append(message("d"));
    expect(cursorsOf(log.read(0))).toEqual([4]);
  });

  test("is read in bounded pieces, a large frame whole", () => {
    const log = new EventLog("boot", 2_000_000);
    log.append(message("x".repeat(200_000)));
    log.append(message("x".repeat(200_000)));
    log.append(message("x".repeat(600_000)));
    log.append(message("d"));
    let cursor = 0;
    const pieces: number[][] = [];
    while (cursor < 4) {
      const read = log.read(cursor);
      pieces.push(cursorsOf(read));
      cursor = read.cursor;
    }
    expect(pieces).toEqual([[1], [2], [3], [4]]);
  });

  test("drops the oldest deltas when it is not read, and no message", () => {
    const log = new EventLog("boot", 2_000_000);
    const large = "x".repeat(300_000);
    log.append(message("first"));
    for (let index = 0; index < 12; index += 1) log.append(delta(large));
    log.append(message("middle"));
    log.append(delta(large));
    log.append(delta("last"));
    const found: number[] = [];
    for (let cursor = 0; cursor < log.head.cursor;) {
      const read = log.read(cursor);
      found.push(...cursorsOf(read));
      cursor = read.cursor;
    }
    expect(found[0]).toBe(1);
    expect(found).toContain(14);
    expect(found.at(-1)).toBe(16);
    expect(found.length).toBeLessThan(12);
    expect(found).not.toContain(2);
    expect(found).toEqual(found.toSorted((one, two) => one - two));
    // Cursors are no longer dense: each is still found.
    for (const [index, cursor] of found.entries()) {
      expect(log.read(cursor).cursor).toBe(found[index + 1] ?? cursor);
    }
  });

  test("wakes its readers at each frame and at its end, until they leave", () => {
    const log = new EventLog("boot", 2_000_000);
    let woken = 0;
    const leave = log.subscribe(() => (woken += 1));
    log.append(message("a"));
    log.append(message("b"));
    leave();
    log.append(message("c"));
    expect(woken).toBe(2);
    log.subscribe(() => (woken += 1));
    log.end();
    expect([woken, log.isEnded]).toEqual([3, true]);
  });
});
