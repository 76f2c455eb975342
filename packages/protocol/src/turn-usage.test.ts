import { expect, test } from "vitest";

import { checkedUsage, usageOf } from "./turn-usage.js";

const NOTHING = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cost_usd: 0,
};

test("the figures of each model are told under our names, and added up", () => {
  const usage = usageOf({
    type: "result",
    model_usage_since_last_result: {
      large: { inputTokens: 1, outputTokens: 2, cacheReadInputTokens: 3, costUSD: 0.25 },
      small: { inputTokens: 10, cacheCreationInputTokens: 4, costUSD: 0.5 },
    },
    // Of the whole session.
    modelUsage: { large: { inputTokens: 1_000 } },
  });
  expect(usage).toEqual({
    ...NOTHING,
    input_tokens: 11,
    output_tokens: 2,
    cache_read_input_tokens: 3,
    cache_creation_input_tokens: 4,
    cost_usd: 0.75,
    models: {
      large: {
        ...NOTHING,
        input_tokens: 1,
        output_tokens: 2,
        cache_read_input_tokens: 3,
        cost_usd: 0.25,
      },
      small: { ...NOTHING, input_tokens: 10, cache_creation_input_tokens: 4, cost_usd: 0.5 },
    },
  });
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "5", null, {}])(
  "a container that says it used %o has used nothing",
  (figure) => {
    const message = {
      type: "result",
      model_usage_since_last_result: { m: { inputTokens: figure } },
    };
    expect(usageOf(message)).toEqual({ ...NOTHING, models: { m: NOTHING } });
  },
);

test("a container that says it used more than can be counted has used the most that can", () => {
  const used = { inputTokens: 1e300, outputTokens: Number.MAX_VALUE, costUSD: 1e300 };
  const { models, ...sum } = usageOf({
    type: "result",
    model_usage_since_last_result: { a: used, b: used },
  });
  const most = { ...NOTHING, input_tokens: 1e12, output_tokens: 1e12, cost_usd: 9_000 };
  expect(models).toEqual({ a: most, b: most });
  expect(sum).toEqual({ ...NOTHING, input_tokens: 2e12, output_tokens: 2e12, cost_usd: 18_000 });
});

test("models without a name, with one that is too long, or too many to name, are one", () => {
  const used = { inputTokens: 1, costUSD: 0.5 };
  const names = Array.from({ length: 60 }, (_, index) => `m${index}`);
  const told = ["x".repeat(3_000_000), "", ...names].map((name) => [name, used]);
  const usage = usageOf({
    type: "result",
    model_usage_since_last_result: Object.fromEntries(told),
  });
  expect(Object.keys(usage.models)).toEqual(["unknown", ...names.slice(0, 49)]);
  expect(usage.models.unknown).toMatchObject({ input_tokens: 13, cost_usd: 6.5 });
  expect(usage).toMatchObject({ input_tokens: 62, cost_usd: 31 });
});

test("a turn's usage as its runner tells it is held to the same", () => {
  const figures = { ...NOTHING, input_tokens: 5, cost_usd: 0.5 };
  const told = { ...figures, models: { m: figures } };
  expect(checkedUsage(told)).toEqual(told);
  const wrong = { ...NOTHING, input_tokens: -5, cost_usd: 1e300 };
  const held = { ...NOTHING, cost_usd: 9_000 };
  expect(checkedUsage({ ...wrong, models: { m: wrong } })).toEqual({
    ...held,
    models: { m: held },
  });
  for (const nothing of [null, [], "x", { models: null }]) {
    expect(checkedUsage(nothing)).toEqual({ ...NOTHING, models: {} });
  }
});

test("a result that tells nothing used nothing", () => {
  expect(usageOf({ type: "result" })).toEqual({ ...NOTHING, models: {} });
  expect(usageOf({ type: "result", model_usage_since_last_result: { m: null } })).toEqual({
    ...NOTHING,
    models: { m: NOTHING },
  });
});
