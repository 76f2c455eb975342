import { describe, expect, test } from "vitest";

import type { Env } from "./env.js";
import {
  accountOf,
  backgroundMs,
  callerGraceMs,
  capacityPatienceMs,
  containerName,
  containersOf,
  drainMs,
  holdMs,
  homeOf,
  isShared,
  MAX_INACTIVE_MS,
  retentionMs,
  SLEEP_GRACE_MS,
  sleepAfterMs,
  objectBytes,
  sqliteFilesBytes,
  standInOf,
  startTimeoutMs,
  wantsSnapshots,
} from "./settings.js";

const of = (variables: Partial<Env>) => variables as Env;
const MINUTE = 60_000;

describe("durations", () => {
  const sleepAfter = (CLAUDE_EDGE_SLEEP_AFTER: string) =>
    sleepAfterMs(of({ CLAUDE_EDGE_SLEEP_AFTER }));

  test.each([
    ["90s", 90_000],
    ["20m", 20 * MINUTE],
    ["2h", 120 * MINUTE],
  ])("%s", (text, ms) => {
    expect(sleepAfter(text)).toBe(ms);
  });

  test.each(["", "soon", "20", "m", "-5m", "1.5h", "20 m", "20M", "5d", "20m\n1s"])(
    "%j cannot be read: what holds without it does",
    (text) => {
      expect(sleepAfter(text)).toBe(20 * MINUTE);
    },
  );

  test("are held within what the platform allows", () => {
    expect(sleepAfter("0s")).toBe(1_000);
    expect(sleepAfter("6h")).toBe(MAX_INACTIVE_MS - SLEEP_GRACE_MS);
    expect(holdMs(of({ CLAUDE_EDGE_HOLD: "100h" }))).toBe(MAX_INACTIVE_MS - SLEEP_GRACE_MS);
    expect(holdMs(of({ CLAUDE_EDGE_HOLD: "0s" }))).toBe(0);
    expect(drainMs(of({ CLAUDE_EDGE_DRAIN: "0s" }))).toBe(0);
    expect(drainMs(of({ CLAUDE_EDGE_DRAIN: "15m" }))).toBe(14 * MINUTE);
    expect(backgroundMs(of({ CLAUDE_EDGE_BACKGROUND: "0s" }))).toBe(0);
    expect(backgroundMs(of({ CLAUDE_EDGE_BACKGROUND: "100h" }))).toBe(24 * 60 * MINUTE);
    expect(startTimeoutMs(of({ CLAUDE_EDGE_START_TIMEOUT: "0s" }))).toBe(1_000);
    expect(startTimeoutMs(of({ CLAUDE_EDGE_START_TIMEOUT: "3s" }))).toBe(3_000);
    expect(callerGraceMs(of({ CLAUDE_EDGE_CALLER_GRACE: "1s" }))).toBe(1_000);
  });

  test("without any", () => {
    const none = of({});
    expect(backgroundMs(none)).toBe(60 * MINUTE);
    expect(sleepAfterMs(none)).toBe(20 * MINUTE);
    expect(startTimeoutMs(none)).toBe(90_000);
    expect(capacityPatienceMs(none)).toBe(10 * MINUTE);
    expect(holdMs(none)).toBe(2 * MINUTE);
    expect(drainMs(none)).toBe(14 * MINUTE);
    expect(callerGraceMs(none)).toBe(30_000);
  });
});

test("a container has a stand-in of its own, which is erased with its account", () => {
  for (const name of ["ada", "ada/messages", "ada/b8f2"]) {
    expect(homeOf(standInOf(name))).toBe(name);
    expect(homeOf(name)).toBe(name);
  }
  expect(containersOf("ada")).toEqual(expect.arrayContaining(["ada", standInOf("ada")]));
});

describe("how long sessions are kept", () => {
  const keeps = (CLAUDE_EDGE_RETENTION: string) => retentionMs(of({ CLAUDE_EDGE_RETENTION }));

  test.each([
    ["30d", 30 * 24 * 60 * MINUTE],
    ["12h", 12 * 60 * MINUTE],
    ["45m", 45 * MINUTE],
    ["90s", 90_000],
    [" 1d ", 24 * 60 * MINUTE],
    ["36500d", 36_500 * 24 * 60 * MINUTE],
  ])("%j", (text, ms) => {
    expect(keeps(text)).toBe(ms);
  });

  test("is for ever without it", () => {
    expect(retentionMs(of({}))).toBeUndefined();
    expect([keeps(""), keeps("  ")]).toEqual([undefined, undefined]);
  });

  test.each([
    "30",
    "0d",
    "-1d",
    "1.5d",
    "30 d",
    "30D",
    "1y",
    "never",
    "36501d",
    "9".repeat(400) + "d",
  ])("%j is refused: it would be guessed", (text) => {
    const invalid = expect.objectContaining({ code: "setting_invalid" });
    expect(() => keeps(text)).toThrow(invalid);
  });
});

test("the room for files where there is no R2", () => {
  const bytes = (given?: string | number) =>
    sqliteFilesBytes(of(given === undefined ? {} : { CLAUDE_EDGE_SQLITE_FILES_MIB: given }));
  expect(bytes()).toBe(1024 ** 3);
  expect(bytes("2")).toBe(2 * 1024 ** 2);
  expect(bytes(0.5)).toBe(512 * 1024);
  for (const bad of ["", "much", 0, -1]) expect(bytes(bad)).toBe(1024 ** 3);
});

test("what an object may store: no more than the platform lets it", () => {
  const bytes = (given?: string | number) =>
    objectBytes(of(given === undefined ? {} : { CLAUDE_EDGE_OBJECT_MIB: given }));
  expect(bytes()).toBe(10_000_000_000);
  expect(bytes("2")).toBe(2 * 1024 ** 2);
  for (const bad of ["", "much", 0, -1, 20_000]) expect(bytes(bad)).toBe(10_000_000_000);
});

test("snapshots are wanted by one word", () => {
  const wants = (CLAUDE_EDGE_SNAPSHOTS: string) => wantsSnapshots(of({ CLAUDE_EDGE_SNAPSHOTS }));
  expect(["true", "True", "1", "false", ""].map(wants)).toEqual([true, false, false, false, false]);
});

describe("containers", () => {
  test("one for an account, unless each session has its own", () => {
    expect(isShared(of({}))).toBe(true);
    expect(isShared(of({ CLAUDE_EDGE_ISOLATION: "account" }))).toBe(true);
    expect(containerName(of({}), "ada", "s")).toBe("ada");
    const each = of({ CLAUDE_EDGE_ISOLATION: "session" });
    expect(isShared(each)).toBe(false);
    expect(containerName(each, "ada", "s")).toBe("ada/s");
  });

  test("and the account by its name", () => {
    expect(accountOf("ada")).toBe("ada");
    expect(accountOf("ada/s")).toBe("ada");
  });
});
