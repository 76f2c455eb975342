import { describe, expect, test } from "vitest";

import { TailReader } from "./tail.js";

const TIME = "2026-11-30T22:05:09.042Z";
const AT = Date.parse(TIME);
const OURS = { level: "warn", time: "2026-11-30T22:05:08.000Z", message: "turn ended", turn: "t" };

const envelope = (more: object = {}) => ({
  outcome: "ok",
  scriptName: "my-agent",
  exceptions: [],
  logs: [{ message: [JSON.stringify(OURS)], level: "warn", timestamp: AT }],
  eventTimestamp: AT,
  event: { request: { url: "https://a.example/?secret=canary", headers: {} } },
  ...more,
});

/** As wrangler prints it, in pieces of so many characters. */
function read(text: string, size = text.length) {
  const reader = new TailReader();
  const entries = [];
  for (let at = 0; at < text.length; at += size)
    entries.push(...reader.read(text.slice(at, at + size)));
  return [...entries, ...reader.end()];
}
const pretty = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

describe("wrangler's tail", () => {
  test.each([1, 7, 10_000])("gives the entries of its envelopes, in pieces of %i", (size) => {
    const ours = { ...OURS, source: "worker" };
    const text = `${pretty(envelope())}${JSON.stringify(envelope())}\n${pretty(envelope())}`;
    expect(read(text, size)).toEqual([ours, ours, ours]);
  });

  test("keeps the level and time of other lines, and what they were made of", () => {
    const logs = [
      { message: ["hello", { a: 1 }], level: "log", timestamp: AT },
      { message: ["no"], level: "error", timestamp: AT },
    ];
    expect(read(pretty(envelope({ logs })))).toEqual([
      { level: "info", time: TIME, message: 'hello {"a":1}', source: "worker" },
      { level: "error", time: TIME, message: "no", source: "worker" },
    ]);
  });

  test("names exceptions, and what was cut off", () => {
    const exceptions = [{ name: "TypeError", message: "a bug", stack: "at x", timestamp: AT }];
    const text = pretty(envelope({ logs: [], exceptions, outcome: "exceededMemory" }));
    expect(read(text)).toMatchObject([
      { level: "error", message: "uncaught exception", error: { message: "TypeError: a bug" } },
      { level: "error", message: "invocation cut off", outcome: "exceededMemory" },
    ]);
  });

  test("lets pass what is no envelope, as wrangler's own lines", () => {
    const text = `Connected.\n{"a":1}\n{\n  "b": 2\n}\n{ not\nclosed\n${pretty(envelope())}{ at the end`;
    const entries = read(text);
    expect(entries.map(({ source, message }) => `${source}: ${message}`)).toEqual([
      "wrangler: Connected.",
      'wrangler: {"a":1}',
      "wrangler: {",
      'wrangler:   "b": 2',
      "wrangler: }",
      "wrangler: { not",
      "wrangler: closed",
      "worker: turn ended",
      "wrangler: { at the end",
    ]);
  });

  test("tells nothing of requests' addresses", () => {
    expect(JSON.stringify(read(pretty(envelope())))).not.toContain("canary");
  });
});
