import { describe, expect, test } from "vitest";

import { costOf, tokens, type CallUsage } from "./prices.js";

/** List prices in dollars per million tokens: read, written for five minutes and for an hour, from the cache, answered. */
const LIST: [models: string[], ...prices: [number, number, number, number, number]][] = [
  [["claude-3-5-haiku-20241022"], 0.8, 1, 1.6, 0.08, 4],
  [["claude-haiku-4-5-20251001", "claude-haiku-4-5"], 1, 1.25, 2, 0.1, 5],
  [["claude-haiku-5-5"], 0.1, 0.125, 0.2, 0.01, 0.5],
  [
    [
      "claude-3-5-sonnet-20241022",
      "claude-3-7-sonnet-20250219",
      "claude-sonnet-4-20250514",
      "claude-sonnet-4-5-20250929",
      "claude-sonnet-4-6",
    ],
    3,
    3.75,
    6,
    0.3,
    15,
  ],
  [["claude-sonnet-5"], 2, 2.5, 4, 0.2, 10],
  [["claude-sonnet-5-5"], 2, 2.5, 4, 0.1, 10],
  [["claude-opus-4-20250514", "claude-opus-4-1-20250805"], 15, 18.75, 30, 1.5, 75],
  [
    [
      "claude-opus-4-5-20251101",
      "claude-opus-4-6",
      "claude-opus-4-7",
      "claude-opus-4-8",
      "claude-opus-5",
    ],
    5,
    6.25,
    10,
    0.5,
    25,
  ],
  [["claude-opus-5-5"], 4, 5, 8, 0.2, 20],
  [["claude-fable-5", "claude-mythos-5"], 10, 12.5, 20, 1, 50],
  [["claude-fable-5-1", "claude-mythos-5-1"], 10, 12.5, 20, 0.25, 50],
  [["claude-fable-5-2", "claude-mythos-5-2"], 8, 10, 16, 0.2, 40],
  // That of the Agent SDK's default model.
  [["litellm/gpt-x", "haiku", "", "__proto__", "toString"], 4, 5, 8, 0.2, 20],
];

const ROWS = LIST.flatMap(([models, ...prices]) =>
  models.map((model): [string, number[]] => [model, prices]),
);

/** Picodollars of so many million-token prices: whole at six decimals. */
const pico = (dollarsPerMillion: number) => Math.round(dollarsPerMillion * 1e6);

describe("each kind of token at its list price, to the picodollar", () => {
  test.each(ROWS)("%s", (model, [input, written, anHour, read, output]) => {
    const cost = (usage: CallUsage) => costOf(model, usage);
    expect(cost({ input_tokens: 1 })).toBe(pico(input!));
    expect(cost({ output_tokens: 1 })).toBe(pico(output!));
    expect(cost({ cache_read_input_tokens: 1 })).toBe(pico(read!));
    expect(cost({ cache_creation_input_tokens: 1 })).toBe(pico(written!));
    const hour = { ephemeral_1h_input_tokens: 1 };
    expect(cost({ cache_creation_input_tokens: 1, cache_creation: hour })).toBe(pico(anHour!));
    const all = {
      input_tokens: 12,
      output_tokens: 321,
      cache_read_input_tokens: 12_345,
      cache_creation_input_tokens: 678,
      cache_creation: { ephemeral_1h_input_tokens: 90 },
    };
    expect(cost(all)).toBe(
      12 * pico(input!) +
        321 * pico(output!) +
        12_345 * pico(read!) +
        588 * pico(written!) +
        90 * pico(anHour!),
    );
  });
});

test("a long prompt costs more, from the first token, where a model has such a price", () => {
  const prompt = { input_tokens: 40_000, cache_read_input_tokens: 50_000 };
  const costs = (written: number) =>
    costOf("claude-haiku-5-5", { ...prompt, cache_creation_input_tokens: written });
  expect(costs(10_000)).toBe(pico(0.1 * 40_000 + 0.01 * 50_000 + 0.125 * 10_000));
  expect(costs(10_001)).toBe(pico(0.5 * 40_000 + 0.05 * 50_000 + 0.625 * 10_001));
  // What is answered makes no prompt long.
  expect(costOf("claude-haiku-5-5", { output_tokens: 200_000 })).toBe(pico(0.5 * 200_000));
});

test("fast mode, searches and a region", () => {
  const call = { input_tokens: 1_000, output_tokens: 1_000 };
  const fast = (model: string) => costOf(model, { ...call, speed: "fast" }) / costOf(model, call);
  expect(fast("claude-opus-4-6")).toBe(6);
  expect(fast("claude-opus-5-5")).toBe(2);
  expect(fast("claude-haiku-4-5")).toBe(1);
  const opus = (rest: CallUsage) => costOf("claude-opus-5-5", { ...call, ...rest });
  expect(opus({ server_tool_use: { web_search_requests: 3 } }) - opus({})).toBe(0.03e12);
  expect(opus({ inference_geo: "us" })).toBe(Math.round(opus({}) * 1.1));
  expect(opus({ inference_geo: "global", speed: "standard" })).toBe(opus({}));
});

test("what is no number of tokens counts as none", () => {
  const odd = ["10", -3, null, undefined, Number.NaN, Infinity, 1e300, {}, [5], true];
  for (const value of odd) expect(tokens(value)).toBe(0);
  expect([tokens(0), tokens(1.4), tokens(1e9), tokens(1e9 + 1)]).toEqual([0, 1, 1e9, 0]);
  const usage = { input_tokens: "10", output_tokens: null, cache_creation: null } as object;
  expect(costOf("claude-opus-5-5", usage)).toBe(0);
  // More of an hour's than were written at all.
  const anHour = { ephemeral_1h_input_tokens: 5 };
  expect(
    costOf("claude-opus-5-5", { cache_creation_input_tokens: 2, cache_creation: anHour }),
  ).toBe(pico(8 * 2));
});
