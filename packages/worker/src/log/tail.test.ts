import { describe, expect, test } from "vitest";

import { Tail } from "./tail.js";

const event = (seq: number, chars = 1) => ({
  seq,
  turn: "t",
  kind: "delta" as const,
  data: "x".repeat(chars),
});
const seqs = (events: { seq: number }[]) => events.map(({ seq }) => seq);
const KIB = 1024;
const MIB = 1024 * KIB;

/** All events after a seq, piece by piece. */
function readAll(tail: Tail, after = 0): number[][] {
  const pieces = [];
  for (let position = after; ;) {
    const piece = seqs(tail.since(position));
    if (piece.length === 0) return pieces;
    pieces.push(piece);
    position = piece.at(-1)!;
  }
}

describe("the newest events of a session in memory", () => {
  test("are read from any seq on, over numbers that were skipped", () => {
    const tail = new Tail();
    tail.append([event(3), event(4), event(1_000_005)], 0);
    expect(tail.start).toBe(3);
    expect(seqs(tail.since(0))).toEqual([3, 4, 1_000_005]);
    expect(seqs(tail.since(3))).toEqual([4, 1_000_005]);
    expect(seqs(tail.since(5))).toEqual([1_000_005]);
    expect(tail.since(1_000_005)).toEqual([]);
  });

  test("are bounded: the oldest go, and one that is larger than all may be is not kept", () => {
    const tail = new Tail();
    for (let seq = 1; seq <= 9; seq += 1) tail.append([event(seq, 256 * KIB)], 0);
    expect(tail.start).toBe(6);
    expect(readAll(tail).flat()).toEqual([6, 7, 8, 9]);
    tail.append([event(10, 20 * MIB)], 0);
    expect(readAll(tail).flat()).toEqual([]);
    tail.append([event(11)], 0);
    expect([tail.start, ...readAll(tail).flat()]).toEqual([11, 11]);
  });

  test("are bounded in all sessions of an isolate: those go that nothing was added to for longest", () => {
    const tails = Array.from({ length: 40 }, () => new Tail());
    for (const tail of tails) tail.append([event(1, MIB)], 0);
    const held = () => tails.flatMap((tail, n) => (tail.since(0).length > 0 ? [n] : []));
    expect(held()).toEqual([...tails.keys()].slice(-16));
    for (const tail of tails) tail.clear();
    tails[0]!.append([event(2, MIB)], 0);
    expect(held()).toEqual([0]);
    tails[0]!.clear();
  });

  test("of a large one has its first part, then the others", () => {
    const tail = new Tail();
    const large = { ...event(2), data: `${"a".repeat(256 * KIB)}${"b".repeat(256 * KIB)}c` };
    tail.append([event(1), large, event(3)], 0);
    expect(readAll(tail)).toEqual([[1], [2], [3]]);
    const [head] = tail.since(1);
    expect([head?.more, head?.data.length, head?.data.at(-1)]).toEqual([true, 256 * KIB, "a"]);
    expect(tail.part(2, 1)).toEqual({ text: "b".repeat(256 * KIB), more: true });
    expect(tail.part(2, 2)).toEqual({ text: "c", more: false });
    expect([tail.part(2, 3), tail.part(4, 1), tail.whole(2)]).toEqual([
      undefined,
      undefined,
      large,
    ]);
  });

  test("come to a late reader in pieces of 256 K characters, at least one event each", () => {
    const tail = new Tail();
    const sizes = [100, 100, 100, 155, 1, 256, 1].map((size) => size * KIB);
    tail.append(
      sizes.map((size, index) => event(index + 1, size)),
      0,
    );
    expect(readAll(tail)).toEqual([[1, 2], [3, 4, 5], [6], [7]]);
    expect(readAll(tail, 1)).toEqual([[2, 3], [4, 5], [6], [7]]);
  });

  test("are forgotten when none has been added for a minute", () => {
    const tail = new Tail();
    tail.append([event(1)], 1_000);
    expect(tail.isStale(61_000)).toBe(false);
    expect(tail.isStale(61_001)).toBe(true);
    tail.append([event(2)], 61_000);
    expect(tail.isStale(61_001)).toBe(false);
    tail.clear();
    expect(tail.since(0)).toEqual([]);
    expect(tail.start).toBe(Number.MAX_SAFE_INTEGER);
  });
});
