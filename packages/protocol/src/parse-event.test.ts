import { describe, expect, test } from "vitest";

import { TURN_STATUSES } from "./turn-status.js";
import { InvalidEventError, parseEvent, toEvent } from "./parse-event.js";

const BASE = { seq: 1, turn_id: "t" };
const REQUEST = { id: "r", session_id: "s", kind: "permission", status: "pending", payload: {} };
const { payload: _payload, ...RESOLVED } = REQUEST;
const WHOLE: Record<string, object> = {
  message: { ...BASE, message: { type: "unheard-of", more: 1 } },
  delta: { ...BASE, message: { type: "stream_event" } },
  turn: { ...BASE, session_id: "s", status: "running" },
  request: { ...BASE, request: REQUEST },
  "request.resolved": { ...BASE, request: RESOLVED },
  checkpoint: BASE,
  rewind: BASE,
};
const read = (kind: string, data: unknown) => parseEvent(kind, JSON.stringify(data));

describe("an event", () => {
  test.each(Object.entries(WHOLE))("of kind %s is read as it is", (kind, data) => {
    expect(read(kind, data)).toEqual({ ...data, kind });
    expect(toEvent({ ...data, kind })).toEqual({ ...data, kind });
  });

  test.each(TURN_STATUSES)("may tell of a turn that is %s", (status) => {
    expect(read("turn", { ...WHOLE.turn, status })).toMatchObject({ status });
  });

  test("has the kind that it came as, whatever its data says", () => {
    expect(read("checkpoint", { ...BASE, kind: "turn" })).toMatchObject({ kind: "checkpoint" });
  });

  test("keeps what a newer deployment adds", () => {
    expect(read("turn", { ...WHOLE.turn, mood: "good" })).toMatchObject({ mood: "good" });
  });

  test.each(["unheard-of", "toString", "__proto__", ""])("of kind %j is passed over", (kind) => {
    expect(parseEvent(kind, "{")).toBeUndefined();
    expect(toEvent({ kind })).toBeUndefined();
  });

  test("that is not JSON is an error", () => {
    expect(() => parseEvent("delta", '{"seq":1,')).toThrow(InvalidEventError);
  });

  test.each([
    ["message", null],
    ["message", []],
    ["message", { ...BASE, message: null }],
    ["message", { ...BASE, message: { type: 5 } }],
    ["message", { turn_id: "t", message: { type: "x" } }],
    ["message", { seq: "1", turn_id: "t", message: { type: "x" } }],
    ["delta", null],
    ["delta", { ...BASE }],
    ["delta", { turn_id: "t", message: { type: "x" } }],
    ["turn", { ...BASE, session_id: "s", status: "dreaming" }],
    ["turn", { ...BASE, status: "running" }],
    ["request", { ...BASE, request: RESOLVED }],
    ["request.resolved", { ...BASE, request: { id: "r" } }],
    ["checkpoint", { seq: 1 }],
    ["rewind", "x"],
  ])("%s with %j is an error", (kind, data) => {
    expect(() => read(kind, data)).toThrow(InvalidEventError);
  });
});
