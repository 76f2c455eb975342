import type { LogEntry } from "@claude-edge/protocol/internal";
import { describe, expect, test } from "vitest";

import { entriesOf } from "./entries.js";
import { matches, type LogFilter } from "./filter.js";

const TIME = "2026-11-30T22:05:09.042Z";
const OURS = { level: "warn", time: TIME, message: "turn ended", session: "s-1" };

describe("what is written", () => {
  test("becomes an entry a line: its own, or one of level info that holds the line", () => {
    const text = `a line\n${JSON.stringify({ ...OURS, source: "another" })}\n\n{"level":"info"}\n`;
    const line = (message: string) => ({ level: "info", time: TIME, message, source: "container" });
    expect(entriesOf("container", text, Date.parse(TIME))).toEqual([
      line("a line"),
      { ...OURS, source: "container" },
      line(""),
      line('{"level":"info"}'),
    ]);
  });
});

describe("a filter", () => {
  const entry = {
    ...OURS,
    turn: "5c1f2d7e-6f0c",
    session: "9f8b0ae3-6f0c",
    request_id: "req_5f0c2a9e",
    account: "ada",
  } as LogEntry;

  test.each<LogFilter>([
    {},
    { turn: "5c1f2d7e" },
    { session: "9f8b0ae3-6f0c" },
    { request: "req_5f0c" },
    { account: "ada" },
    { level: "info" },
    { level: "warn", session: "9f8b" },
  ])("%j lets it pass", (filter) => expect(matches(entry, filter)).toBe(true));

  test.each<LogFilter>([
    { turn: "9f8b0ae3" },
    { session: "6f0c" },
    { request: "5f0c" },
    { account: "ad" },
    { level: "error" },
    { level: "warn", session: "5c1f" },
  ])("%j does not", (filter) => expect(matches(entry, filter)).toBe(false));

  test("for an id leaves out what names none", () => {
    expect(matches({ ...OURS, session: undefined } as LogEntry, { session: "9" })).toBe(false);
  });
});
