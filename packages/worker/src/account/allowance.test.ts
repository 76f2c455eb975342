import type { SessionResource } from "@claude-edge/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import type { Env } from "../env.js";
import { dayOf } from "../session/model-call-table.js";
import { Allowance } from "./allowance.js";
import { Directory } from "./directory.js";
import { Slots } from "./slots.js";
import { Spending } from "./spending.js";

const NOON = Date.parse("2026-11-29T12:00:00Z");

let { sql } = accountStorage();
let counted = partsOf(sql);
let allowance = new Allowance(sql, {} as Env, counted);
const begin = (env: Partial<Env> = {}) => {
  ({ sql } = accountStorage());
  counted = partsOf(sql);
  allowance = new Allowance(sql, env as Env, counted);
};
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOON });
  begin();
});
afterEach(() => void vi.useRealTimers());

function partsOf(of: SqlStorage) {
  return { directory: new Directory(of), slots: new Slots(of), spending: new Spending(of) };
}

function insertSession(id: string): void {
  counted.directory.reserve({ id } as SessionResource, false, NOON);
}

let turns = 0;
function insertTurn(isRunning: boolean): void {
  const id = `t${(turns += 1)}`;
  insertSession(id);
  counted.slots.enqueue(id, id, NOON);
  if (isRunning) counted.slots.grant(Infinity, NOON);
}

const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "none";
};
let calls = 0;
const spend = (cost: number) => {
  const none = { output_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
  const used = { ...none, input_tokens: 100, cost };
  counted.spending.add("s", (calls += 1), dayOf(Date.now()), used);
};

test("the report: limits, those of the account, and what is used of them", () => {
  allowance.update({ max_sessions: 9 });
  insertTurn(true);
  insertTurn(false);
  insertTurn(false);
  spend(0.25e12);
  expect(allowance.report("ada")).toMatchObject({
    account: "ada",
    limits: { max_sessions: 9, max_queued_turns: 100 },
    own: ["max_sessions"],
    used: {
      running_turns: 1,
      queued_turns: 2,
      sessions: 3,
      tokens_today: 100,
      dollars_today: 0.25,
    },
  });
});

describe("turns", () => {
  const assertTurn = () => codeOf(() => allowance.assertTurn());

  test("wait up to the limit", () => {
    allowance.update({ max_queued_turns: 2 });
    for (const isRunning of [true, false]) insertTurn(isRunning);
    expect(assertTurn()).toBe("none");
    insertTurn(false);
    expect(assertTurn()).toBe("queue_full");
  });

  test("that can run at once wait for nothing", () => {
    allowance.update({ max_queued_turns: 0, max_concurrent_turns: 2 });
    expect(assertTurn()).toBe("none");
    insertTurn(true);
    expect(assertTurn()).toBe("none");
    insertTurn(true);
    expect(assertTurn()).toBe("queue_full");
  });
});

test("sessions: as many as the limit, counted as they are", () => {
  const assertSession = () => codeOf(() => allowance.assertSession());
  insertSession("1");
  insertSession("2");
  expect(assertSession()).toBe("none");
  allowance.update({ max_sessions: 2 });
  expect(assertSession()).toBe("too_many_sessions");
  counted.directory.remove("1");
  expect(assertSession()).toBe("none");
  allowance.update({ max_sessions: 0 });
  expect(assertSession()).toBe("too_many_sessions");
});

test("requests: a minute's, by the clock", () => {
  const take = () => codeOf(() => allowance.takeRequest());
  expect(take()).toBe("none");
  allowance.update({ requests_per_minute: 2 });
  expect([take(), take(), take()]).toEqual(["none", "none", "rate_limited"]);
  vi.setSystemTime(NOON + 30_000);
  expect([take(), take()]).toEqual(["none", "rate_limited"]);
});

describe("a budget", () => {
  test("once it is spent lets no turn and no model call begin, until the next day", () => {
    allowance.update({ dollars_per_day: 1, tokens_per_day: 1_000 });
    spend(0.5e12);
    spend(0.5e12);
    expect(codeOf(() => allowance.assertTurn())).toBe("budget_spent");
    expect(codeOf(() => allowance.assertBudget())).toBe("budget_spent");
    expect(allowance.report("ada").used).toMatchObject({ dollars_today: 1, tokens_today: 200 });
    vi.setSystemTime(Date.parse("2026-11-30T00:00:00Z"));
    expect(codeOf(() => allowance.assertTurn())).toBe("none");
    spend(0.5e12);
    expect(allowance.report("ada").used).toMatchObject({ dollars_today: 0.5 });
  });

  test("of tokens counts those of every kind, and raising it lets turns in again", () => {
    allowance.update({ tokens_per_day: 100 });
    spend(0);
    expect(codeOf(() => allowance.assertTurn())).toBe("budget_spent");
    allowance.update({ tokens_per_day: "none" });
    expect(codeOf(() => allowance.assertTurn())).toBe("none");
  });

  test("outlasts the object", () => {
    allowance.update({ dollars_per_day: 1 });
    spend(1e12);
    const again = new Allowance(sql, {} as Env, partsOf(sql));
    expect(codeOf(() => again.assertTurn())).toBe("budget_spent");
  });

  test("that cannot be read lets nothing through", () => {
    begin({ CLAUDE_EDGE_DOLLARS_PER_DAY: "banana" });
    expect(codeOf(() => allowance.assertTurn())).toBe("setting_invalid");
    expect(codeOf(() => allowance.assertBudget())).toBe("setting_invalid");
    expect(codeOf(() => allowance.takeRequest())).toBe("setting_invalid");
    allowance.update({ dollars_per_day: "none" });
    expect(codeOf(() => allowance.assertTurn())).toBe("none");
  });
});
