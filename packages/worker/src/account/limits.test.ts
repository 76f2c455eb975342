import { beforeEach, describe, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import type { Env } from "../env.js";
import { PICO } from "../session/model-call-table.js";
import { Limits } from "./limits.js";

const NONE = {
  max_concurrent_turns: 1,
  max_queued_turns: 100,
  max_sessions: null,
  requests_per_minute: null,
  tokens_per_day: null,
  dollars_per_day: null,
};

let { sql } = accountStorage();
beforeEach(() => void ({ sql } = accountStorage()));

const limitsOf = (env: Partial<Env> = {}) => new Limits(sql, env as Env);

describe("of the deployment", () => {
  test("what holds without any", () => {
    expect(limitsOf().current).toEqual(NONE);
    expect(
      limitsOf({ CLAUDE_EDGE_MAX_SESSIONS: "", CLAUDE_EDGE_TOKENS_PER_DAY: " " }).current,
    ).toEqual(NONE);
    expect(limitsOf().own).toEqual([]);
  });

  test("all of them, as text and as numbers", () => {
    const given = {
      CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "4",
      CLAUDE_EDGE_MAX_QUEUED_TURNS: 5,
      CLAUDE_EDGE_MAX_SESSIONS: "1",
      CLAUDE_EDGE_REQUESTS_PER_MINUTE: 600,
      CLAUDE_EDGE_TOKENS_PER_DAY: "1000000",
      CLAUDE_EDGE_DOLLARS_PER_DAY: " 2.5 ",
    };
    expect(limitsOf(given).current).toEqual({
      max_concurrent_turns: 4,
      max_queued_turns: 5,
      max_sessions: 1,
      requests_per_minute: 600,
      tokens_per_day: 1_000_000,
      dollars_per_day: 2.5,
    });
  });

  test.each<[keyof Env, string | number]>([
    ["CLAUDE_EDGE_DOLLARS_PER_DAY", "banana"],
    ["CLAUDE_EDGE_DOLLARS_PER_DAY", "-0.01"],
    ["CLAUDE_EDGE_DOLLARS_PER_DAY", "Infinity"],
    ["CLAUDE_EDGE_DOLLARS_PER_DAY", "$5"],
    ["CLAUDE_EDGE_TOKENS_PER_DAY", "1.5"],
    ["CLAUDE_EDGE_TOKENS_PER_DAY", "1e300"],
    ["CLAUDE_EDGE_MAX_SESSIONS", -1],
    ["CLAUDE_EDGE_MAX_CONCURRENT_TURNS", "0"],
    ["CLAUDE_EDGE_REQUESTS_PER_MINUTE", Number.NaN],
  ])("%s %j cannot be read, and no limit holds then: nothing may be used", (variable, value) => {
    const limits = limitsOf({ [variable]: value });
    const invalid = expect.objectContaining({
      code: "setting_invalid",
      message: expect.stringContaining(variable),
    });
    expect(() => limits.current).toThrow(invalid);
    expect(() => limits.assertBudget({ tokens: 0, cost: 0 }, 0)).toThrow(invalid);
    // Once more: what was thrown is not taken for read.
    expect(() => limits.current).toThrow(invalid);
  });
});

describe("of the account", () => {
  test("come before those of the deployment, also where that one's cannot be read", () => {
    const limits = limitsOf({ CLAUDE_EDGE_DOLLARS_PER_DAY: "banana", CLAUDE_EDGE_MAX_SESSIONS: 9 });
    limits.update({ dollars_per_day: 0.5 });
    expect(limits.current).toEqual({ ...NONE, max_sessions: 9, dollars_per_day: 0.5 });
  });

  test("are set, set aside and taken back one by one", () => {
    const limits = limitsOf({ CLAUDE_EDGE_MAX_SESSIONS: 9 });
    limits.update({ max_sessions: 3, dollars_per_day: 0.5 });
    expect(limits.current).toMatchObject({ max_sessions: 3, dollars_per_day: 0.5 });
    expect(limits.own).toEqual(["max_sessions", "dollars_per_day"]);
    limits.update({ max_sessions: "none" });
    expect(limits.current).toMatchObject({ max_sessions: null, dollars_per_day: 0.5 });
    limits.update({ max_sessions: null, tokens_per_day: 0 });
    expect(limits.current).toMatchObject({ max_sessions: 9, tokens_per_day: 0 });
    expect(limits.own).toEqual(["tokens_per_day", "dollars_per_day"]);
    limits.update({});
    expect(limits.own).toEqual(["tokens_per_day", "dollars_per_day"]);
  });

  test("outlast the object", () => {
    limitsOf().update({ max_sessions: 3, tokens_per_day: "none" });
    const again = limitsOf({ CLAUDE_EDGE_TOKENS_PER_DAY: 5 });
    expect(again.current).toEqual({ ...NONE, max_sessions: 3 });
    expect(again.own).toEqual(["max_sessions", "tokens_per_day"]);
  });
});

describe("a budget", () => {
  const evening = Date.parse("2026-11-29T23:59:59.999Z");

  test("of tokens is spent when it is used up, until the day's end in UTC", () => {
    const limits = limitsOf({ CLAUDE_EDGE_TOKENS_PER_DAY: 100 });
    limits.assertBudget({ tokens: 99, cost: 1e15 }, evening);
    expect(() => limits.assertBudget({ tokens: 100, cost: 0 }, evening)).toThrow(
      expect.objectContaining({
        code: "budget_spent",
        message: expect.stringContaining("100 of 100 tokens"),
        details: {
          limit: "tokens_per_day",
          allowed: 100,
          used: 100,
          resets_at: "2026-11-30T00:00:00.000Z",
        },
      }),
    );
  });

  test("of dollars to the picodollar", () => {
    const limits = limitsOf({ CLAUDE_EDGE_DOLLARS_PER_DAY: 0.01 });
    limits.assertBudget({ tokens: 1e12, cost: 0.01 * PICO - 1 }, evening);
    expect(() => limits.assertBudget({ tokens: 0, cost: 0.01 * PICO }, evening)).toThrow(
      expect.objectContaining({
        code: "budget_spent",
        details: expect.objectContaining({ limit: "dollars_per_day", allowed: 0.01, used: 0.01 }),
      }),
    );
  });

  test("of nothing is spent at once", () => {
    const limits = limitsOf({ CLAUDE_EDGE_DOLLARS_PER_DAY: 0 });
    expect(() => limits.assertBudget({ tokens: 0, cost: 0 }, evening)).toThrow(/today/);
  });
});
