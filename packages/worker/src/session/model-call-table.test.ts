import type { Usage } from "@claude-edge/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { TestSession } from "../../test/support/test-session.js";
import type { ModelUsage } from "../egress/model-call.js";
import { PICO } from "./model-call-table.js";

const NOON = Date.parse("2026-11-29T12:00:00Z");
const DAY_MS = 24 * 3_600_000;

let session = new TestSession();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON });
  session = new TestSession();
  session.store.outbox.onAdded = () => {};
});
afterEach(() => void vi.useRealTimers());

const calls = () => session.store.modelCalls;
/** As the session's object does. */
const begin = () => calls().begin(session.id, session.store.newestBegun() ?? "", Date.now());
const run = (turn: string) => session.send({ id: turn });

const figures = {
  input_tokens: 1,
  output_tokens: 10,
  cache_read_input_tokens: 100,
  cache_creation_input_tokens: 1_000,
};
const using = (cost: number): ModelUsage => ({ ...figures, cost });
const end = (call: ReturnType<typeof begin>, cost: number) =>
  calls().end(call, "opus", using(cost), Date.now());

/** What a result says that was used, in picodollars by model. */
const resultOf = (costs: Record<string, number> = {}) =>
  ({
    models: Object.fromEntries(
      Object.entries(costs).map(([model, cost]) => [model, { ...figures, cost_usd: cost / PICO }]),
    ),
  }) as unknown as Usage;
const tell = (costs?: Record<string, number>) =>
  calls().applyResult("t", resultOf(costs), Date.now());

const usage = () =>
  session.store.outbox.next().flatMap(({ notice }) => (notice.kind === "usage" ? [notice] : []));
const cost = () => usage().reduce((sum, { used }) => sum + used.cost, 0);

describe("a call", () => {
  test("belongs to the turn that began last in its session, if one has", () => {
    expect(begin()).toMatchObject({ session: "", turn: "", direct: false });
    session.queue();
    expect(begin()).toMatchObject({ session: "", turn: "" });
    run("runs");
    expect(begin()).toMatchObject({ session: session.id, turn: "runs", direct: false });
    session.queue();
    expect(begin()).toMatchObject({ session: session.id, turn: "runs" });
  });

  test("has an id of its own that grows, also over a restart and with a clock that goes back", () => {
    const ids = [begin().id, begin().id];
    vi.setSystemTime(NOON - 5_000);
    ids.push(begin().id);
    vi.setSystemTime(NOON + 1);
    session.restart();
    ids.push(begin().id);
    expect(ids).toEqual(ids.toSorted((left, right) => left - right));
    expect(new Set(ids).size).toBe(4);
  });

  test("counts once, however often it is told", () => {
    run("t");
    const [one, late] = [begin(), begin()];
    end(one, 5);
    end(one, 5);
    calls().settleWithoutResult();
    end(one, 5);
    end(late, 7);
    end(late, 7);
    expect(cost()).toBe(12);
  });

  test("is known once it was counted, or covered by a result", () => {
    run("t");
    const [counted, covered] = [begin(), begin()];
    end(counted, 5);
    expect([calls().has(counted), calls().has(covered)]).toEqual([true, false]);
    tell();
    expect([calls().has(counted), calls().has(covered)]).toEqual([true, true]);
    vi.setSystemTime(NOON + 1);
    expect(calls().has(begin())).toBe(false);
  });

  test("of no turn is not counted here", () => {
    const call = begin();
    end(call, 5);
    calls().settleWithoutResult();
    expect(usage()).toEqual([]);
  });
});

describe("what was used", () => {
  test("is what the result says, by model and on its day", () => {
    run("t");
    tell({ opus: 5, haiku: 7 });
    const told = { kind: "usage", turn: "t", day: "2026-11-29" };
    expect(usage()).toEqual([
      { ...told, model: "opus", used: using(5) },
      { ...told, model: "haiku", used: using(7) },
    ]);
  });

  test("by an agent is left to its result", () => {
    run("t");
    end(begin(), 5);
    expect(usage()).toEqual([]);
    tell();
    calls().settleWithoutResult();
    expect(usage()).toEqual([]);
  });

  test("since the last result counts when the process is gone", () => {
    run("t");
    end(begin(), 5);
    tell();
    end(begin(), 7);
    end(begin(), 11);
    calls().settleWithoutResult();
    expect(cost()).toBe(18);
    expect(usage()[0]).toMatchObject({ turn: "t", model: "opus", day: "2026-11-29" });
    calls().settleWithoutResult();
    expect(cost()).toBe(18);
  });

  test("counts on the day of the call, however much later the process goes", () => {
    run("t");
    end(begin(), 5);
    vi.setSystemTime(NOON + 3 * DAY_MS);
    calls().settleWithoutResult();
    expect(usage()).toMatchObject([{ day: "2026-11-29", used: { cost: 5 } }]);
  });

  test("by a call that was under way when a result told: it told of that one too", () => {
    run("t");
    const late = begin();
    tell();
    end(late, 5);
    calls().settleWithoutResult();
    expect(usage()).toEqual([]);
  });

  test("by a call that was under way when the process went: no result will tell", () => {
    run("t");
    const late = begin();
    calls().settleWithoutResult();
    end(late, 5);
    expect(cost()).toBe(5);
  });

  test("by the next process is its own result's again", () => {
    run("t");
    end(begin(), 5);
    calls().settleWithoutResult();
    vi.setSystemTime(NOON + 1);
    end(begin(), 7);
    expect(cost()).toBe(5);
    tell();
    calls().settleWithoutResult();
    expect(cost()).toBe(5);
  });

  test("is remembered over a restart of the object", () => {
    run("t");
    const late = begin();
    calls().settleWithoutResult();
    session.restart();
    end(late, 5);
    expect(cost()).toBe(5);
  });
});

test("a result of a turn that the session does not have counts for the session alone", async () => {
  vi.useRealTimers();
  run("own");
  const model = { inputTokens: 1, costUSD: 9 / PICO };
  const message = { type: "result", model_usage_since_last_result: { haiku: model } };
  for (const turn of ["own", "another's"]) session.say({ kind: "message", turn, message });
  await session.follow();
  expect(usage().map(({ turn, used }) => [turn, used.cost])).toEqual([
    ["own", 9],
    ["", 9],
  ]);
});

test("the runner's log says it: by a result's message, and by a turn that ends without one", async () => {
  vi.useRealTimers();
  const told = async () => {
    await session.parts.link.deliver();
    return session.account.told.flatMap((notice) =>
      notice.kind === "usage" ? [[notice.turn, notice.model, notice.used.cost]] : [],
    );
  };
  run("first");
  session.running("first");
  await session.follow();
  end(begin(), 5);
  const model = { inputTokens: 1, outputTokens: 2, costUSD: 9 / PICO };
  const result = { type: "result", model_usage_since_last_result: { haiku: model } };
  session.say({ kind: "message", turn: "first", message: result });
  session.ended("first", { usage: resultOf() });
  await session.applied();
  expect(await told()).toEqual([["first", "haiku", 9]]);
  run("second");
  session.running("second");
  await session.applied();
  end(begin(), 7);
  session.ended("second", { status: "failed" });
  await session.applied();
  expect(await told()).toEqual([
    ["first", "haiku", 9],
    ["second", "opus", 7],
  ]);
});
