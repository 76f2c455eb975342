import type { EdgeEvent } from "@claude-edge/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { WaitingNote } from "./waiting.js";

const since = "2026-01-01T00:00:00.000Z";
const queued = (waiting_for?: object) =>
  ({
    kind: "turn",
    seq: 1,
    turn_id: "own",
    session_id: "s",
    status: "queued",
    waiting_for,
  }) as EdgeEvent;
const running = { ...queued(), status: "running" } as EdgeEvent;
const BLOCKER = { session_id: "11111111-aaaa", turn_id: "22222222-bbbb", since };

let told = "";
const note = (flags: object = {}) => new WaitingNote((text) => (told += text), flags);

beforeEach(() => {
  told = "";
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

test("names the turn that is waited for, since when, and how to stop it, in one line", () => {
  note().onEvent(queued(BLOCKER));
  vi.advanceTimersByTime(1_999);
  expect(told).toBe("");
  vi.advanceTimersByTime(1);
  expect(told).toBe(
    `note: waiting for turn 22222222 of session 11111111, which began at ${since}; to stop it: claude-edge sessions interrupt 11111111\n`,
  );
});

test("names the deployment and the account as they were named to the command that waits", () => {
  note({ account: "ada", title: "Mine" }).onEvent(queued(BLOCKER));
  vi.advanceTimersByTime(2_000);
  expect(told).toContain("to stop it: claude-edge sessions interrupt 11111111 --account ada\n");
});

test("names none that the token may not know", () => {
  note().onEvent(queued({ since }));
  vi.advanceTimersByTime(2_000);
  expect(told).toBe(`note: waiting for another turn of the account, since ${since}\n`);
});

test("says that a container is waited for, why, and for how long", () => {
  vi.setSystemTime(Date.parse(since) + 10_000);
  const wait = { reason: "waiting_for_capacity", since, cause: "no_instance" };
  note().onEvent({ ...queued(), ...wait } as EdgeEvent);
  vi.advanceTimersByTime(2_000);
  expect(told).toBe("note: waiting for a container: no instance is free (12 s so far)\n");
});

test("is silent when the turn begins in time, need not wait, or is left", () => {
  const begun = note();
  begun.onEvent(queued(BLOCKER));
  begun.onEvent(running);
  note().onEvent(queued());
  const left = note();
  left.onEvent(queued(BLOCKER));
  left.close();
  vi.advanceTimersByTime(10_000);
  expect(told).toBe("");
});
