import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Env } from "../env.js";
import { RuleBook, type AccountNetwork } from "./rule-book.js";

const POLICY = { type: "limited", allowed_hosts: ["a.com"] } as const;

let known: AccountNetwork = { own: null, session: null, mcpHosts: [], grants: [] };
let calls = 0;
const env = {
  ACCOUNT: {
    getByName: () => ({
      networkRules: () => {
        calls += 1;
        return Promise.resolve(known);
      },
    }),
  },
} as unknown as Env;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 0 });
  known = { own: null, session: null, mcpHosts: [], grants: [] };
  calls = 0;
});
afterEach(() => void vi.useRealTimers());

test("rules are kept for five seconds, and read again sooner where that matters", async () => {
  const rules = new RuleBook();
  const own = async (fresh: boolean) => (await rules.of(env, "ada", undefined, fresh)).policies;
  await own(false);
  known = { ...known, own: POLICY };
  vi.setSystemTime(400);
  await own(true);
  expect(calls).toBe(1);
  vi.setSystemTime(600);
  await own(false);
  expect(calls).toBe(1);
  expect(await own(true)).toMatchObject({ account: POLICY });
  expect(calls).toBe(2);
  vi.setSystemTime(5_700);
  await own(false);
  expect(calls).toBe(3);
});

test("grants are none from memory: one that has ended counts for half a second at most", async () => {
  const rules = new RuleBook();
  const grants = async (fresh: boolean) => (await rules.of(env, "ada", undefined, fresh)).grants;
  known = { ...known, grants: ["a.com"] };
  expect(await grants(false)).toEqual([]);
  expect(await grants(true)).toEqual(["a.com"]);
  known = { ...known, grants: [] };
  vi.setSystemTime(600);
  expect(await grants(false)).toEqual([]);
  expect(await grants(true)).toEqual([]);
});
