import type { Session } from "@claude-edge/client";
import { beforeAll, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { FORBIDDEN, outcome, useTokens } from "../support/tokens.js";
import { exact, ofSdk, pico, run, subagent, sumOf, type Ended } from "../support/usage.js";
import { until } from "../support/wait.js";

const { edge, ask, mint } = useTokens(useStack());

const account = "usage";
const permissionMode = "bypassPermissions";
const NOTHING = {
  turns: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cost_usd: 0,
};

// Days, groups and sums: packages/worker/src/account/usage-table.test.ts. Bad queries: src/http/app.test.ts there.

test("an account that has used nothing", async () => {
  const client = edge.client("usage-nothing");
  expect(await client.usage()).toEqual({ account: "usage-nothing", total: NOTHING });
  const answer = await edge.fetch("/v1/usage?from=2026-11-02&to=2026-11-01");
  expect(await outcome(answer)).toMatchObject({ status: 400, code: "invalid_request" });
});

let session: Session;
const ended: Ended[] = [];
beforeAll(async () => {
  session = await edge.client(account).sessions.create({ permissionMode });
});

/** Those after which the gateway has counted neither more nor less than the Agent SDK: no call is cut off. */
const WHOLE = [
  "%say One.",
  "%cache 1234 567 89\n%tokens 333",
  // Above the length from which some models cost more.
  "%cache 110000 7\n%tokens 13",
  subagent("haiku"),
  subagent("sonnet"),
];

test("what the gateway counts is what the Agent SDK does, to the picodollar", async () => {
  const client = edge.client(account);
  for (const prompt of WHOLE) ended.push(await run(session, prompt));
  const { sums } = ended.at(-1)!;
  // It counts a call when its answer is over; the turn may have ended a moment before.
  const told = pico(sums!.total_cost_usd);
  const counted = await until("the last call is counted", async () => {
    const { used } = await client.limits();
    return pico(used.dollars_today) >= told && used;
  });
  expect(pico(counted.dollars_today)).toBe(told);
});

test("over turns of every kind the sums are the Agent SDK's own", async () => {
  const client = edge.client(account);
  const prompts = [
    "%error 400",
    "%refuse",
    '%cache 1 2\n%tool Bash {"command":"true"}\n%cache 3 4\n%say Ran.',
    "%cut 1\n%say Again.",
    ...Array.from({ length: 4 }, (_, index) => `%cache ${index * 1001} ${index}\n%tokens ${index}`),
  ];
  for (const prompt of prompts) ended.push(await run(session, prompt));
  ended.push(await run(session, "%cache 5 6\n%tokens 20\n%wait 60000\n%say Never.", "word9"));
  ended.push(await run(session, "%say Last."));

  const turns = ended.length;
  expect(turns).toBe(15);
  const { total_cost_usd, modelUsage } = ended.at(-1)!.sums!;
  const models = Object.values(modelUsage);
  expect(models.length).toBe(3);
  const whole = sumOf(models);
  expect(pico(whole.costUSD!)).toBe(pico(total_cost_usd));

  const byModel = await client.usage({ group: "model" });
  expect(byModel.account).toBe(account);
  expect(exact(byModel.total)).toEqual(ofSdk(turns, whole));
  for (const { key, turns: used, ...figures } of byModel.groups!) {
    expect({ key, ...exact({ turns: used, ...figures }) }).toEqual({
      key,
      ...ofSdk(used, modelUsage[key]!),
    });
  }
  expect(byModel.groups!.map(({ turns: used }) => used)).toEqual([14, 1, 1]);

  // And those of the turns, one by one.
  const added = ended.reduce((total, { usage }) => total + pico(usage?.cost_usd ?? 0), 0);
  expect(added).toBe(pico(byModel.total.cost_usd));
  const bySession = await client.usage({ group: "session" });
  expect(bySession.groups).toEqual([{ key: session.id, ...byModel.total }]);
  const byDay = await client.usage({ group: "day", from: "2026-01-01" });
  expect(byDay.groups!.reduce((total, { turns: of }) => total + of, 0)).toBe(turns);
  expect(await client.usage({ to: "2026-01-01", group: "day" })).toEqual({
    account,
    to: "2026-01-01",
    total: NOTHING,
    group: "day",
    groups: [],
  });
});

test("a token sees its own account's, if it may read sessions and all of them", async () => {
  const usage = async (options: Parameters<typeof mint>[0]) =>
    ask(await mint({ account, ...options }), "/v1/usage");
  for (const scopes of [["sessions:read"], ["admin"]] as const) {
    const answer = await usage({ scopes });
    expect(await answer.json()).toMatchObject({ account, total: { turns: ended.length } });
  }
  expect(await outcome(await usage({ scopes: ["query", "sessions:write"] }))).toMatchObject(
    FORBIDDEN,
  );
  expect(await outcome(await usage({ sessionId: session.id }))).toMatchObject(FORBIDDEN);
  const other = await ask(await mint({ account: "other" }), "/v1/usage", { account });
  expect(await outcome(other)).toMatchObject(FORBIDDEN);
});

test("what was used outlives its session, also one that is deleted in mid-turn", async () => {
  const client = edge.client(account);
  const before = await client.usage({ group: "session" });
  await session.delete();
  expect(await client.usage({ group: "session" })).toEqual(before);

  const second = await client.sessions.create();
  const turn = second.send("%tokens 20\n%wait 5000");
  const ending = turn.result().catch((error: unknown) => error);
  const events = second.events()[Symbol.asyncIterator]();
  for (;;) {
    const { value } = await events.next();
    if (JSON.stringify(value).includes("word20")) break;
  }
  await second.delete();
  await ending;
  const ofSecond = () =>
    until("what it had used", async () => {
      const { groups = [] } = await client.usage({ group: "session" });
      return groups.find(({ key, output_tokens }) => key === second.id && output_tokens > 0);
    });
  expect(await ofSecond()).toMatchObject({ turns: 1, input_tokens: expect.any(Number) });
  expect((await client.usage()).total.turns).toBe(before.total.turns + 1);
});
