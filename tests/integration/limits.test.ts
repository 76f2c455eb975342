import type { Session } from "@claude-edge/client";
import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { FORBIDDEN, outcome, useTokens } from "../support/tokens.js";
import { until } from "../support/wait.js";

const { edge, ask, mint, holder } = useTokens(useStack());

interface Report {
  account: string;
  limits: Record<string, number | null>;
  own: string[];
  used: Record<string, number>;
}

const report = async (account: string) =>
  (await (await edge.fetch("/v1/limits", { account })).json()) as Report;

const set = (account: string, json: unknown) =>
  edge.fetch("/v1/limits", { method: "PATCH", account, json });

const limit = async (account: string, json: unknown) => {
  const answer = await set(account, json);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Report;
};

/** The code that something is refused with. */
const codeOf = (promise: PromiseLike<unknown>) =>
  Promise.resolve(promise).then(
    () => "none",
    (error: { code?: string }) => error.code,
  );

const NONE = {
  max_concurrent_turns: 1,
  max_queued_turns: 100,
  max_sessions: null,
  requests_per_minute: null,
  tokens_per_day: null,
  dollars_per_day: null,
};

// What a limit may be: packages/worker/src/http/app.test.ts. How they add up, by the clock: src/account/*.test.ts there.

test("an account has the deployment's limits, and those that are set for it before them", async () => {
  const account = "limits-plain";
  expect(await report(account)).toEqual({
    account,
    limits: NONE,
    own: [],
    used: { running_turns: 0, queued_turns: 0, sessions: 0, tokens_today: 0, dollars_today: 0 },
  });
  const changed = await limit(account, { max_sessions: 3, dollars_per_day: 0.5 });
  expect(changed.limits).toEqual({ ...NONE, max_sessions: 3, dollars_per_day: 0.5 });
  expect(changed.own).toEqual(["max_sessions", "dollars_per_day"]);
  expect((await report("limits-other")).limits).toEqual(NONE);
  const bad = await set(account, { max_sessions: 1.5 });
  expect(await outcome(bad)).toMatchObject({ status: 400, code: "invalid_request" });
  const back = await limit(account, { max_sessions: null, dollars_per_day: "none" });
  expect(back.limits).toEqual(NONE);
  expect(back.own).toEqual(["dollars_per_day"]);
});

test("the root key alone sets limits; a token that reads sessions sees its own account's", async () => {
  const account = "limits-held";
  const token = await mint({ account, scopes: ["admin"] });
  const json = { dollars_per_day: 1000 };
  expect(await outcome(await ask(token, "/v1/limits", { method: "PATCH", json }))).toMatchObject(
    FORBIDDEN,
  );
  const own = await ask(token, "/v1/limits");
  expect(await own.json()).toMatchObject({ account });
  expect(await outcome(await ask(token, "/v1/limits", { account: "other" }))).toMatchObject(
    FORBIDDEN,
  );
  const sender = await mint({ account, scopes: ["query"] });
  expect(await outcome(await ask(sender, "/v1/limits"))).toMatchObject(FORBIDDEN);
});

test("requests in a minute: those above are told when to come back, and whoever raises the limit is let in", async () => {
  const account = "limits-hasty";
  await limit(account, { requests_per_minute: 1 });
  const token = await mint({ account });
  expect((await ask(token, "/v1/sessions")).status).toBe(200);
  const refused = await ask(token, "/v1/sessions");
  expect(refused.status).toBe(429);
  const seconds = ({ headers }: Response) => Number(headers.get("retry-after"));
  expect(seconds(refused)).toBeGreaterThanOrEqual(1);
  expect(seconds(refused)).toBeLessThanOrEqual(60);
  expect(await outcome(refused)).toMatchObject({ code: "rate_limited" });

  // Another account is not held up, nor the root key where it raises the limit; the account's requests all count.
  const calm = await mint({ account: "limits-calm" });
  expect((await ask(calm, "/v1/sessions")).status).toBe(200);
  expect((await edge.fetch("/v1/sessions", { account })).status).toBe(429);
  const model = await edge.fetch("/v1/models", { account });
  expect(model.status).toBe(429);
  expect(await model.json()).toMatchObject({ error: { type: "rate_limit_error" } });
  expect(seconds(model)).toBeGreaterThanOrEqual(1);
  await limit(account, { requests_per_minute: 1000 });
  await until("it is let in", async () => (await ask(token, "/v1/sessions")).status === 200);
  await limit(account, { requests_per_minute: 0 });
  expect((await ask(token, "/v1/sessions")).status).toBe(429);
});

test("a budget of dollars holds for clients of the Messages API as well", async () => {
  const account = "limits-dollars";
  await limit(account, { dollars_per_day: 0.01 });
  const call = () =>
    edge.fetch("/v1/messages", {
      account,
      json: {
        model: "claude-opus-5-5",
        max_tokens: 1000,
        messages: [{ role: "user", content: "%cache 100000\n%say Spent." }],
      },
    });
  expect((await call()).status).toBe(200);
  await until("it is counted", async () => (await report(account)).used.dollars_today! > 0.02);
  const refused = await call();
  expect(refused.status).toBe(402);
  expect(refused.headers.get("x-should-retry")).toBe("false");
  expect(await refused.json()).toMatchObject({
    type: "error",
    error: { type: "billing_error", code: "budget_spent" },
  });
  expect(await codeOf(edge.client(account).query("%say Never."))).toBe("budget_spent");
  // Counting tokens costs nothing.
  const count = await edge.fetch("/v1/messages/count_tokens", {
    account,
    json: { model: "claude-opus-5-5", messages: [{ role: "user", content: "Hi" }] },
  });
  expect(count.status).toBe(200);
  expect((await report("limits-other")).used.dollars_today).toBe(0);
});

describe("what runs", () => {
  const account = "limits";
  let sessions: [first: Session, second: Session, third: Session];
  beforeAll(async () => {
    const create = () =>
      edge.client(account).sessions.create({ permissionMode: "bypassPermissions" });
    sessions = [await create(), await create(), await create()];
  });
  afterEach(() =>
    limit(account, Object.fromEntries(Object.keys(NONE).map((name) => [name, null]))),
  );
  const counts = async () => (await report(account)).used;

  test("turns at once: as many as are allowed run, also when the limit rises while they wait", async () => {
    const turns = sessions.map((session) => session.send("%wait 60000\n%say Never."));
    const ends = turns.map((turn) => codeOf(turn.result()));
    await until("two wait", async () => (await counts()).queued_turns === 2);
    expect((await counts()).running_turns).toBe(1);
    await limit(account, { max_concurrent_turns: 2 });
    await until("two run", async () => (await counts()).running_turns === 2);
    expect((await counts()).queued_turns).toBe(1);

    // One waits: no more may, and it does not cost the session anything.
    await limit(account, { max_queued_turns: 1 });
    const [late] = sessions;
    expect(await codeOf(late.send("%say Late.").result())).toBe("queue_full");
    // The one that waits first, so that it never begins.
    for (const turn of turns.toReversed()) await turn.interrupt();
    expect(await Promise.all(ends)).toEqual(["interrupted", "interrupted", "interrupted"]);
    expect((await late.send("%say Late.")).text).toBe("Late.");
  });

  test("with no queue at all a turn that can run does", async () => {
    await limit(account, { max_queued_turns: 0 });
    const [first, second] = sessions;
    const running = first.send("%wait 60000\n%say Never.");
    const end = codeOf(running.result());
    await until("it runs", async () => (await counts()).running_turns === 1);
    expect(await codeOf(second.send("%say Second."))).toBe("queue_full");
    expect(await codeOf(edge.client(account).query("%say Second."))).toBe("queue_full");
    await running.interrupt();
    expect(await end).toBe("interrupted");
    expect((await second.send("%say Second.")).text).toBe("Second.");
  });

  test("sessions: by every way to make one, and deleting makes room", async () => {
    const client = edge.client(account);
    const [first] = sessions;
    await limit(account, { max_sessions: (await counts()).sessions! + 2 });
    await client.sessions.create();
    const { sessionId } = await client.query("%say One.");
    expect(await codeOf(client.sessions.create())).toBe("too_many_sessions");
    expect(await codeOf(client.query("%say Never."))).toBe("too_many_sessions");
    expect(await codeOf(first.fork())).toBe("too_many_sessions");
    expect((await first.send("%say Still here.")).text).toBe("Still here.");
    await client.sessions.open(sessionId).delete();
    expect((await first.fork()).id).not.toBe(first.id);
    const answer = await edge.fetch("/v1/sessions", { account, json: {} });
    expect(await outcome(answer)).toMatchObject({ status: 409, code: "too_many_sessions" });
  });

  test("a budget of tokens ends a turn within one model call, and nothing more is begun", async () => {
    const [session] = sessions;
    const { tokens_today: soFar = 0 } = await counts();
    expect(soFar).toBeGreaterThan(0);
    await limit(account, { tokens_per_day: soFar + 1 });
    const calls = async () => (await edge.asked(session.id)).length;
    const before = await calls();
    const turn = session.send('%tool Bash {"command":"true"}\n%say Never.');
    const error = await turn.result().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "budget_spent", retryable: false });
    expect(await calls()).toBe(before + 1);
    expect((await session.retrieve()).status).toBe("idle");

    // At the edge now: no container is asked, and nothing is queued.
    const refused = await edge.fetch("/v1/query", { account, json: { prompt: "%say Never." } });
    const { error: body } = (await refused.json()) as { error: Record<string, unknown> };
    expect(refused.status).toBe(402);
    expect(body).toMatchObject({
      code: "budget_spent",
      details: { limit: "tokens_per_day", allowed: soFar + 1 },
    });
    const { resets_at } = body.details as { resets_at: string };
    expect(resets_at).toMatch(/T00:00:00\.000Z$/);
    expect(Date.parse(resets_at)).toBeGreaterThan(Date.now());
    expect(await codeOf(session.send("%say Never.").result())).toBe("budget_spent");
    expect(await calls()).toBe(before + 1);

    await limit(account, { tokens_per_day: null });
    expect((await session.send("%say Again.")).text).toBe("Again.");
  });

  test("what a key has made before is given again, whatever is spent since", async () => {
    const client = holder(await mint({ account }));
    const idempotencyKey = "once";
    const first = await client.query("%say Once.", { idempotencyKey });
    await limit(account, { tokens_per_day: 0, max_sessions: 0 });
    const again = await client.query("%say Once.", { idempotencyKey });
    expect(again.text).toBe(first.text);
    expect(again.sessionId).toBe(first.sessionId);
  });
});
