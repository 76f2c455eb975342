import { describe, expect, test } from "vitest";

import { EdgeError, wireError } from "./errors.js";
import { Logger, logSettings, parseLogEntry, type LogEntry } from "./internal.js";

function logging(variables: Parameters<typeof logSettings>[0] = {}, always = {}) {
  const lines: string[] = [];
  const logger = new Logger((_level, line) => void lines.push(line), always);
  logger.settings = logSettings(variables);
  return { logger, lines, entries: () => lines.map((line) => JSON.parse(line) as LogEntry) };
}

describe("an entry", () => {
  test("is one line of JSON, which is read back as it is", () => {
    const { logger, lines, entries } = logging({}, { container: "ada" });
    logger.info("turn started", { session: "s", turn: undefined, queued_ms: 4 });
    expect(lines[0]).not.toContain("\n");
    expect(Object.keys(entries()[0]!).slice(0, 3)).toEqual(["level", "time", "message"]);
    expect(parseLogEntry(lines[0]!)).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      message: "turn started",
      container: "ada",
      session: "s",
      queued_ms: 4,
    });
  });

  test.each([
    "",
    "a line",
    "{",
    "null",
    "[]",
    '{"level":30,"time":1,"msg":"another logger\'s"}',
    '{"level":"fatal","time":"2026-01-01T00:00:00.000Z","message":"x"}',
    '{"level":"info","time":"yesterday","message":"x"}',
    '{"level":"info","time":"2026-01-01T00:00:00.000Z"}',
  ])("%j is none", (line) => expect(parseLogEntry(line)).toBeUndefined());

  test("below the level is not written", () => {
    const { logger, entries } = logging({ CLAUDE_EDGE_LOG_LEVEL: "warn" });
    for (const level of ["debug", "info", "warn", "error"] as const) logger[level](level);
    expect(entries().map(({ message }) => message)).toEqual(["warn", "error"]);
  });

  test("holds content only if it may, and that cut", () => {
    const content = { prompt: "canary".repeat(10_000) };
    const quiet = logging();
    quiet.logger.info("x", { content });
    expect(quiet.lines[0]).not.toContain("canary");
    const open = logging({ CLAUDE_EDGE_LOG_CONTENT: "true" });
    open.logger.info("x", { content });
    expect(open.lines[0]).toContain("canary");
    expect(open.lines[0]!.length).toBeLessThan(9_000);
  });

  test("that cannot be written breaks nothing", () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(() => logging().logger.info("x", circle)).not.toThrow();
  });
});

describe("an error", () => {
  const errorOf = (error: unknown, variables = {}) => {
    const { logger, entries } = logging(variables);
    logger.error("x", { error });
    return entries()[0]!.error;
  };

  test("that was foreseen has its code, and its message if that can quote nobody", () => {
    const own = new EdgeError("container_unavailable", "There is none.");
    expect(errorOf(own)).toEqual({ code: "container_unavailable", message: "There is none." });
    const quoting = new EdgeError("invalid_request", "prompt: canary");
    expect(errorOf(quoting)).toEqual({ code: "invalid_request" });
    expect(errorOf(wireError("agent_exited", "canary"))).toEqual({ code: "agent_exited" });
    expect(errorOf(quoting, { CLAUDE_EDGE_LOG_CONTENT: "true" })).toEqual({
      code: "invalid_request",
      message: "prompt: canary",
    });
  });

  test("that nobody foresaw has its message, its cause and its stack", () => {
    const error = errorOf(new TypeError("a bug", { cause: new Error("another") }));
    expect(error).toEqual({
      code: "internal",
      message: "TypeError: a bug (Error: another)",
      stack: expect.stringMatching(/^at .*logger\.test/),
    });
    expect(error!.stack).not.toContain("a bug");
    expect(errorOf("canary")).toEqual({ code: "internal", message: "thrown: string" });
    expect(JSON.stringify(errorOf({ canary: 1 }))).not.toContain("canary");
  });

  test("of JSON quotes none of it", () => {
    for (const text of [
      '{"a": canary}',
      "canary",
      '{"a":"canary',
      '{"a":1} canary',
      "\ncanary\n",
    ]) {
      let thrown: unknown;
      try {
        JSON.parse(text);
      } catch (error) {
        thrown = error;
      }
      expect(JSON.stringify(errorOf(thrown))).not.toContain("cana");
    }
  });
});

test("requests are sampled by their share", () => {
  const { logger } = logging({ CLAUDE_EDGE_LOG_SAMPLE: ".25" });
  const taken = Array.from({ length: 4_000 }).filter(() => logger.isSampled()).length;
  expect(taken).toBeGreaterThan(800);
  expect(taken).toBeLessThan(1_200);
});

test("settings that cannot be read count as not set", () => {
  const unreadable = { CLAUDE_EDGE_LOG_LEVEL: "x", CLAUDE_EDGE_LOG_SAMPLE: "2" };
  expect(logSettings({ ...unreadable, CLAUDE_EDGE_LOG_CONTENT: "1" })).toEqual({
    level: "info",
    sample: 1,
    content: false,
  });
});
