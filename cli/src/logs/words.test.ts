import { Writable } from "node:stream";

import type { LogEntry } from "@claude-edge/protocol/internal";
import { describe, expect, test } from "vitest";

import { inBrief, inWords } from "./words.js";

const file = new Writable();
const terminal = Object.assign(new Writable(), {
  isTTY: true,
  getColorDepth: () => 8,
  hasColors: () => true,
});

const now = new Date(2026, 10, 30, 23, 0);
const at = (hours: number, day = 30) => new Date(2026, 10, day, hours, 5, 9, 42).toISOString();
const IDS = {
  request_id: "req_5f0c2a9e11111111",
  session: "9f8b0ae3-6f0c-4a55-9b56-0f0f5a1f0c11",
  turn: "5c1f2d7e-6f0c-4a55-9b56-0f0f5a1f0c11",
};
const entry = (more: Partial<LogEntry> = {}): LogEntry => ({
  level: "info",
  time: at(22),
  message: "turn ended",
  source: "worker",
  ...more,
});
const request = (more: Partial<LogEntry> = {}) =>
  entry({
    message: "request answered",
    method: "GET",
    route: "/v1/sessions/:id/turns/:turn/trace",
    status: 200,
    duration_ms: 12,
    ...IDS,
    ...more,
  });

describe("an entry in words", () => {
  test("has its time, level, message and the beginnings of its ids", () => {
    const ended = entry({ ...IDS, account: "ada", container: "ada", duration_ms: 4_200 });
    expect(inWords(ended, file, now)).toBe(
      "22:05:09.042 info  [worker] turn ended  turn 5c1f2d7e  session 9f8b0ae3  account ada  request req_5f0c2a9e  duration 4.2 s\n",
    );
  });

  test("of another day has its date", () => {
    expect(inWords(entry({ time: at(1, 29) }), file, now)).toMatch(/^2026-11-29 01:05:09\.042 /);
  });

  test("has an error beside it, and what is long below", () => {
    const error = { code: "internal", message: "Error: a bug", stack: "at one\nat two" };
    expect(inWords(entry({ level: "error", error, content: { prompt: "a\nb" } }), file, now)).toBe(
      [
        "22:05:09.042 error [worker] turn ended  internal: Error: a bug",
        "    prompt: a",
        "    b",
        "    at one",
        "    at two",
        "",
      ].join("\n"),
    );
    const coded = entry({ error: { code: "agent_exited" } });
    expect(inWords(coded, file, now)).toContain("turn ended  agent_exited\n");
  });

  test("of a request says what was asked and answered", () => {
    expect(inWords(request({ account: "ada" }), file, now)).toBe(
      "22:05:09.042 info  [worker] GET /v1/sessions/9f8b0ae3/turns/5c1f2d7e/trace 200 12 ms  turn 5c1f2d7e  session 9f8b0ae3  account ada  request req_5f0c2a9e\n",
    );
    const unknown = request({ route: undefined, status: 404 });
    expect(inWords(unknown, file, now)).toContain("GET (no such route) 404 12 ms");
  });

  test("has colours on a terminal alone, where nothing else steers it", () => {
    const red = entry({ level: "error", message: "\u001b[2Jgone", source: "container" });
    expect(inWords(red, file, now)).toBe("22:05:09.042 error [container] \u001b[2Jgone\n");
    const shown = inWords(red, terminal, now);
    expect(shown).toContain("\u001b[31merror");
    expect(shown).toContain("\\u{1b}[2Jgone");
  });
});

describe("an entry in brief", () => {
  test("of a request is a line of method, path, status and time", () => {
    expect(inBrief(request(), file)).toBe(
      "GET /v1/sessions/9f8b0ae3/turns/5c1f2d7e/trace 200 12 ms\n",
    );
  });

  test("of one that failed has the error and the request's id too", () => {
    const failed = request({ level: "warn", status: 404, error: { code: "turn_not_found" } });
    expect(inBrief(failed, file)).toBe(
      "GET /v1/sessions/9f8b0ae3/turns/5c1f2d7e/trace 404 12 ms  turn_not_found  req_5f0c2a9e\n",
    );
  });

  test("of anything else says who wrote it, and whether it matters", () => {
    expect(inBrief(entry(), file)).toBe("[worker] turn ended\n");
    expect(inBrief(entry({ level: "warn" }), file)).toBe("[worker] warn: turn ended\n");
    const line = entry({ source: "container", message: "the agent is here" });
    expect(inBrief(line, file)).toBe("[container] the agent is here\n");
  });
});
