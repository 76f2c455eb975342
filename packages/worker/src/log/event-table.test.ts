import { describe, expect, test } from "vitest";

import { sessionStorage } from "../../test/support/storage.js";
import { EventTable } from "./event-table.js";
import { PART_CHARS } from "../sql/parts.js";

const table = () => new EventTable(sessionStorage().sql);
const event = (seq: number, data: string, turn = "t") => ({
  seq,
  turn,
  kind: "message" as const,
  data,
});
const from = (own: boolean, cursor = 0, now = 0) => ({ own, cursor, now });

describe("stored events", () => {
  test("come back as they were, however large, emoji and all", () => {
    const events = table();
    const large = `{"text":"${"é😀".repeat(PART_CHARS)}"}`;
    events.insert(event(1, large), from(false));
    events.insert(event(2, "{}"), from(false));
    expect(events.range(0, 1)[0]!.data === large).toBe(true);
    expect(events.range(1, 9)).toEqual([event(2, "{}")]);
  });

  test("come in bounded pieces, at least one at a time", () => {
    const events = table();
    for (let seq = 1; seq <= 4; seq += 1) {
      events.insert(event(seq, "x".repeat(PART_CHARS * 0.4)), from(false));
    }
    events.insert(event(5, "x".repeat(PART_CHARS * 3)), from(false));
    const seqs = (after: number) => events.range(after, 9).map(({ seq }) => seq);
    expect(seqs(0)).toEqual([1, 2]);
    expect(seqs(2)).toEqual([3, 4]);
    expect(seqs(4)).toEqual([5]);
    expect(seqs(5)).toEqual([]);
  });

  test("originate here or in a runner's log", () => {
    const events = table();
    events.insert(event(1, "{}"), from(true));
    events.insert(event(4, "{}"), from(false));
    expect([events.isOwn(1), events.isOwn(2), events.isOwn(4)]).toEqual([true, false, false]);
    expect(events.nextFromLog(0)).toBe(4);
    expect(events.nextFromLog(4)).toBeUndefined();
  });

  test("are found by their message's uuid, and a turn's messages without those of others", () => {
    const events = table();
    const said = (uuid: string) => JSON.stringify({ message: { type: "assistant", uuid } });
    events.insert(event(1, said("a"), "before"), from(false));
    events.insert(event(2, said("b")), from(false));
    events.insert(event(3, said("c"), "beside"), from(false));
    events.insert(event(7, said("d")), from(false));
    expect(events.seqOfMessage("d")).toBe(7);
    expect(events.seqOfMessage("x")).toBeUndefined();
    expect([...events.messagesOf("t", 2)].map(({ uuid }) => uuid)).toEqual(["b", "d"]);
  });

  test("say where the log stands: its newest seq, and the frame it came with", () => {
    const events = table();
    expect(events.newest()).toBeUndefined();
    events.insert(event(1, "{}"), from(false, 7, 100));
    events.insert(event(4, "x".repeat(PART_CHARS * 2)), from(true, 9, 200));
    expect(events.newest()).toEqual({ seq: 4, cursor: 9, created_at: 200 });
  });

  test("come part by part when one is large", () => {
    const events = table();
    const large = `${"a".repeat(PART_CHARS)}${"b".repeat(PART_CHARS)}c`;
    events.insert(event(1, "{}"), from(false));
    events.insert(event(2, large), from(false));
    events.insert(event(3, "{}"), from(false));
    const heads = (after: number) => events.heads(after).map(({ seq, more }) => [seq, more]);
    expect([heads(0), heads(1), heads(2)]).toEqual([
      [[1, undefined]],
      [[2, true]],
      [[3, undefined]],
    ]);
    expect(events.part(2, 1)).toEqual({ text: "b".repeat(PART_CHARS), more: true });
    expect(events.part(2, 2)).toEqual({ text: "c", more: false });
    expect([events.part(2, 3), events.part(4, 0)]).toEqual([undefined, undefined]);
    expect(events.range(1, 2)[0]!.data === large).toBe(true);
  });
});
