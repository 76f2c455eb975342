import { describe, expect, test } from "vitest";

import type { NewFrame } from "./event-log.js";
import { SessionLogs } from "./session-logs.js";

/** Logs that may hold 128 of these. */
const UNIT = 10_000;
const small = () => new SessionLogs(128 * UNIT);
const message = (text: string, type = "assistant"): NewFrame => ({
  kind: "message",
  turn: "t",
  message: { type, text },
});

describe("the logs of a runner", () => {
  test("count on their own, and share the boot", () => {
    const logs = new SessionLogs();
    const [one, other] = [logs.open("one"), logs.open("other")];
    for (const text of ["a", "b", "c"]) one.append(message(text));
    other.append(message("d"));
    expect([logs.cursorOf("one"), logs.cursorOf("other"), logs.cursorOf("none")]).toEqual([
      3, 1, 0,
    ]);
    one.acknowledge(3);
    expect(other.read(0).cursor).toBe(1);
    expect(logs.open("one")).toBe(one);
    expect([one.head.boot, other.head.boot]).toEqual([logs.boot, logs.boot]);
  });

  test("of an unknown session lasts as long as it has readers", () => {
    const logs = new SessionLogs();
    const [first, second] = [logs.subscribe("s", () => {}), logs.subscribe("s", () => {})];
    expect(second.log).toBe(first.log);
    first.unsubscribe();
    expect(logs.get("s")).toBe(first.log);
    second.unsubscribe();
    expect(logs.get("s")).toBeUndefined();
  });

  test("is that of the session which a reader has waited for, and is kept after the reader has left", () => {
    const logs = new SessionLogs();
    let woken = 0;
    const reader = logs.subscribe("s", () => (woken += 1));
    logs.open("s").append(message("a"));
    expect([woken, reader.log.read(0).cursor]).toEqual([1, 1]);
    reader.log.acknowledge(1);
    reader.unsubscribe();
    expect(logs.cursorOf("s")).toBe(1);
  });

  test("of a session that never began is dropped, unless it has readers", () => {
    const logs = new SessionLogs();
    logs.open("s");
    const reader = logs.subscribe("s", () => {});
    logs.release("s");
    expect(logs.get("s")).toBe(reader.log);
    reader.unsubscribe();
    expect(logs.get("s")).toBeUndefined();
    logs.open("s");
    logs.release("s");
    expect(logs.get("s")).toBeUndefined();
  });

  test("that is removed ends for its readers, who get the rest of it; the next one starts over", () => {
    const logs = new SessionLogs();
    const log = logs.open("s");
    let woken = 0;
    const reader = logs.subscribe("s", () => (woken += 1));
    log.append(message("a"));
    logs.remove("s");
    expect([woken, reader.log.isEnded, reader.log.read(0).cursor]).toEqual([2, true, 1]);
    const next = logs.open("s");
    reader.unsubscribe();
    expect(logs.get("s")).toBe(next);
    expect(next.head.cursor).toBe(0);
    // What is left of the old one no longer counts.
    log.acknowledge(1);
    next.append(message("b"));
    expect(next.head.cursor).toBe(1);
  });

  test("share a limit: past it the largest lose their oldest deltas, and none a message", () => {
    const logs = small();
    const large = "x".repeat(10 * UNIT);
    const held = () => ["a", "b", "c"].map((id) => Math.round(logs.get(id)!.chars / UNIT));
    logs.open("a").append(message(large));
    for (let index = 0; index < 5; index += 1)
      logs.open("b").append(message(large, "stream_event"));
    for (let index = 0; index < 6; index += 1)
      logs.open("c").append(message(large, "stream_event"));
    expect(held()).toEqual([10, 50, 60]);
    logs.get("a")!.append(message(large));
    // 130 units come down to 96: three deltas of the largest and, if need be, of the next.
    logs.get("a")!.append(message("last"));
    expect(held()).toEqual([20, 50, 20]);
    const first = (id: string) => /"cursor":(\d+)/.exec(logs.get(id)!.read(0).text)![1];
    expect(["a", "b", "c"].map(first)).toEqual(["1", "1", "5"]);
  });

  test("gain room when a session is removed", () => {
    const logs = small();
    const large = "x".repeat(40 * UNIT);
    for (const id of ["a", "b", "c"]) logs.open(id).append(message(large, "stream_event"));
    logs.remove("a");
    logs.open("d").append(message(large, "stream_event"));
    expect(["b", "c", "d"].map((id) => logs.get(id)!.read(0).cursor)).toEqual([1, 1, 1]);
  });
});
