import type { TurnEvent, WaitingFor } from "@claude-edge/protocol/wire";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { WaitingNote } from "./waiting-note.js";

const since = "2026-01-01T00:00:00.000Z";
const BLOCKER = { session_id: "s1", turn_id: "t1", since };

const turn = (status: TurnEvent["status"], waiting_for?: WaitingFor): TurnEvent => ({
  kind: "turn",
  seq: 1,
  at: 1,
  turn_id: "own",
  session_id: "s2",
  status,
  ...(waiting_for ? { waiting_for } : {}),
});

const own = new Set(["own"]);
let told: unknown[][] = [];
const logger = { debug() {}, warn: (...call: unknown[]) => void told.push(call) };
const note = (account?: string) => new WaitingNote({ logger, account });

beforeEach(() => {
  told = [];
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

test("a turn that waits for long says for which, since when, and how to stop it", () => {
  note().onTurn(turn("queued", BLOCKER), own);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([
    [expect.stringMatching(/turn t1 of session s1.*2026-01-01.*sessions interrupt s1/), BLOCKER],
  ]);
});

test("in an account that the program names the command names it too", () => {
  note("ada").onTurn(turn("queued", BLOCKER), own);
  vi.advanceTimersByTime(2_000);
  expect(told[0]![0]).toContain("`claude-edge sessions interrupt s1 --account ada`");
});

test("without the right to know sessions it says since when alone", () => {
  note().onTurn(turn("queued", { since }), own);
  vi.advanceTimersByTime(2_000);
  expect(told).toEqual([[`Waiting for another turn of the account, since ${since}.`, { since }]]);
});

test("a turn that waits for a container says so", () => {
  const wait = { reason: "waiting_for_capacity", since, cause: "no_instance" } as const;
  vi.setSystemTime(Date.parse(since) + 10_000);
  note().onTurn({ ...turn("queued"), ...wait }, own);
  vi.advanceTimersByTime(2_000);
  expect(told).toEqual([["Waiting for a container: no instance is free (12 s so far).", wait]]);
});

test.each<[string, (waiting: WaitingNote) => void]>([
  ["that begins soon", (waiting) => waiting.onTurn(turn("running"), own)],
  ["that ends", (waiting) => waiting.onTurn(turn("interrupted"), own)],
  ["whose query is over", (waiting) => waiting.drop()],
])("a turn %s says nothing", (_what, then) => {
  const waiting = note();
  waiting.onTurn(turn("queued", BLOCKER), own);
  then(waiting);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
});

test("nor one that can begin at once, or waits for another of its own query", () => {
  const waiting = note();
  waiting.onTurn(turn("queued"), own);
  waiting.onTurn(turn("queued", BLOCKER), new Set(["own", "t1"]));
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
});
