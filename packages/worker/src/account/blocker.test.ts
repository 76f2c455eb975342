import { describe, expect, test } from "vitest";

import { blockerOf, waitingFor } from "./blocker.js";

type Open = Parameters<typeof blockerOf>[0][number];

const turn = (
  id: string,
  session_id: string,
  status: Open["status"],
  started_at?: number,
): Open => ({
  id,
  session_id,
  status,
  created_at: 1_000,
  started_at: started_at ?? null,
});

describe("the turn that the next one of a session waits for", () => {
  test.each<[what: string, open: Open[], atOnce: number, blocker: string | undefined]>([
    ["none, when nothing is open", [], 1, undefined],
    ["one of another session, at the account's limit", [turn("a", "other", "running")], 1, "a"],
    ["none, below the limit", [turn("a", "other", "running")], 2, undefined],
    ["the oldest of them", [turn("a", "other", "running"), turn("b", "third", "running")], 2, "a"],
    ["the session's own, whatever the limit", [turn("a", "mine", "running")], 9, "a"],
    ["the session's own that waits for an answer", [turn("a", "mine", "waiting")], 9, "a"],
    [
      "not another session's that waits for an answer",
      [turn("a", "other", "waiting")],
      1,
      undefined,
    ],
    [
      "what the session's queued ones wait for",
      [turn("a", "other", "running"), turn("b", "mine", "queued")],
      1,
      "a",
    ],
    [
      "the session's own before the account's",
      [turn("a", "other", "running"), turn("b", "mine", "running")],
      1,
      "b",
    ],
  ])("is %s", (_what, open, atOnce, blocker) => {
    expect(blockerOf(open, "mine", atOnce)?.id).toBe(blocker);
  });
});

describe("what is told of it", () => {
  const blocker = turn("a", "other", "running", 5_000);
  const since = "1970-01-01T00:00:05.000Z";

  test("is which one, and since when it runs", () => {
    expect(waitingFor(blocker, "mine", true)).toEqual({ session_id: "other", turn_id: "a", since });
    expect(waitingFor(turn("a", "mine", "waiting"), "mine", false)).toEqual({
      session_id: "mine",
      turn_id: "a",
      since: "1970-01-01T00:00:01.000Z",
    });
  });

  test("is no other session's id to a token that may not list sessions", () => {
    expect(waitingFor(blocker, "mine", false)).toEqual({ since });
  });
});
