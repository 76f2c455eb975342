import { expect, test } from "vitest";

import { FORBIDDEN, outcome, useTokens } from "../support/tokens.js";
import { until } from "../support/wait.js";

const { edge, ask, mint, holder } = useTokens();

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

test("an account has the deployment's limits, and those that are set for it before them", async () => {
  expect(await report("plain")).toEqual({
    account: "plain",
    limits: NONE,
    own: [],
    used: { running_turns: 0, queued_turns: 0, sessions: 0, tokens_today: 0, dollars_today: 0 },
  });
  const changed = await limit("plain", { max_sessions: 3, dollars_per_day: 0.5 });
  expect(changed.limits).toEqual({ ...NONE, max_sessions: 3, dollars_per_day: 0.5 });
  expect(changed.own).toEqual(["max_sessions", "dollars_per_day"]);
  await edge.stack.restartWorker();
  expect((await report("plain")).limits).toEqual(changed.limits);
  expect((await report("other")).limits).toEqual(NONE);
  const back = await limit("plain", { max_sessions: null, dollars_per_day: "none" });
  expect(back.limits).toEqual(NONE);
  expect(back.own).toEqual(["dollars_per_day"]);
});

test.each([
  { max_concurrent_turns: 0 },
  { max_concurrent_turns: "none" },
  { max_queued_turns: -1 },
  { max_sessions: 1.5 },
  { requests_per_minute: "many" },
  { tokens_per_day: 1e13 },
  { dollars_per_day: -0.01 },
  { dollars_per_day: true },
  { dollars: 1 },
  [],
  null,
])("%j is no limit", async (json) => {
  expect(await outcome(await set("bad", json))).toMatchObject({
    status: 400,
    code: "invalid_request",
  });
  expect((await report("bad")).own).toEqual([]);
});

test("the root key alone sets limits; a token that reads sessions sees its own account's", async () => {
  const token = await mint({ account: "held", scopes: ["admin"] });
  const json = { dollars_per_day: 1000 };
  expect(await outcome(await ask(token, "/v1/limits", { method: "PATCH", json }))).toMatchObject(
    FORBIDDEN,
  );
  const own = await ask(token, "/v1/limits");
  expect(await own.json()).toMatchObject({ account: "held" });
  expect(await outcome(await ask(token, "/v1/limits", { account: "other" }))).toMatchObject(
    FORBIDDEN,
  );
  const sender = await mint({ account: "held", scopes: ["query"] });
  expect(await outcome(await ask(sender, "/v1/limits"))).toMatchObject(FORBIDDEN);
});

test("turns at once: as many as are allowed run, also when the limit rises while they wait", async () => {
  const account = "turns";
  const client = edge.client(account);
  const sessions = await Promise.all([1, 2, 3].map(() => client.sessions.create()));
  const turns = sessions.map((session) => session.send("%wait 60000\n%say Never."));
  const ends = turns.map((turn) => codeOf(turn.result()));
  const counts = async () => (await report(account)).used;
  await until("two wait", async () => (await counts()).queued_turns === 2);
  expect((await counts()).running_turns).toBe(1);
  await limit(account, { max_concurrent_turns: 2 });
  await until("two run", async () => (await counts()).running_turns === 2);
  expect((await counts()).queued_turns).toBe(1);

  // One waits: no more may, and it does not cost the session anything.
  await limit(account, { max_queued_turns: 1 });
  const late = await client.sessions.create();
  expect(await codeOf(late.send("%say Late.").result())).toBe("queue_full");
  for (const turn of turns) await turn.interrupt();
  expect(await Promise.all(ends)).toEqual(["interrupted", "interrupted", "interrupted"]);
  expect((await late.send("%say Late.")).text).toBe("Late.");
});

test("with no queue at all a turn that can run does", async () => {
  const client = edge.client("unqueued");
  await limit("unqueued", { max_queued_turns: 0 });
  const session = await client.sessions.create();
  const running = session.send("%wait 60000\n%say Never.");
  const end = codeOf(running.result());
  await until("it runs", async () => (await report("unqueued")).used.running_turns === 1);
  expect(await codeOf(client.query("%say Second."))).toBe("queue_full");
  await running.interrupt();
  expect(await end).toBe("interrupted");
  expect((await client.query("%say Second.")).text).toBe("Second.");
});

test("sessions: by every way to make one, and deleting makes room", async () => {
  const client = edge.client("sessions");
  await limit("sessions", { max_sessions: 2 });
  const first = await client.sessions.create();
  expect((await first.send("%say One.")).text).toBe("One.");
  await client.query("%say Two.");
  expect(await codeOf(client.sessions.create())).toBe("too_many_sessions");
  expect(await codeOf(client.query("%say Three."))).toBe("too_many_sessions");
  expect(await codeOf(first.fork())).toBe("too_many_sessions");
  expect((await first.send("%say Still here.")).text).toBe("Still here.");
  await first.delete();
  expect((await client.query("%say Three.")).text).toBe("Three.");
  const answer = await edge.fetch("/v1/sessions", { account: "sessions", json: {} });
  expect(await outcome(answer)).toMatchObject({ status: 409, code: "too_many_sessions" });
});

test("requests in a minute: those above are told when to come back, and whoever raises the limit is let in", async () => {
  const account = "hasty";
  await limit(account, { requests_per_minute: 3 });
  const token = await mint({ account });
  const answers = [];
  for (let n = 0; n < 5; n += 1) answers.push(await ask(token, "/v1/sessions"));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
  const retryAfter = Number(answers.at(-1)!.headers.get("retry-after"));
  expect(retryAfter).toBeGreaterThanOrEqual(1);
  expect(retryAfter).toBeLessThanOrEqual(20);
  expect(await outcome(answers.at(-1)!)).toMatchObject({ code: "rate_limited" });

  // Another account is not held up, nor the root key where it raises the limit; the account's requests all count.
  expect((await ask(await mint({ account: "calm" }), "/v1/sessions")).status).toBe(200);
  expect((await edge.fetch("/v1/sessions", { account })).status).toBe(429);
  const model = await edge.fetch("/v1/models", { account });
  expect(model.status).toBe(429);
  expect(await model.json()).toMatchObject({ error: { type: "rate_limit_error" } });
  expect(model.headers.get("retry-after")).toBe(String(retryAfter));
  await limit(account, { requests_per_minute: 1000 });
  await until("it is let in", async () => (await ask(token, "/v1/sessions")).status === 200);
  await limit(account, { requests_per_minute: 0 });
  expect((await ask(token, "/v1/sessions")).status).toBe(429);
});

test("a budget of tokens ends a turn within one model call, and nothing more is begun", async () => {
  const account = "tokens";
  const client = edge.client(account);
  await client.query("%say Warm.");
  const { tokens_today: soFar = 0 } = (await report(account)).used;
  await limit(account, { tokens_per_day: soFar + 1 });
  const asked = edge.stack.model!.requests.length;
  const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
  const turn = session.send('%tool Bash {"command":"true"}\n%say Never.');
  const error = await turn.result().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "budget_spent", retryable: false });
  expect(edge.stack.model!.requests.length).toBe(asked + 1);
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
  expect(edge.stack.model!.requests.length).toBe(asked + 1);

  await limit(account, { tokens_per_day: null });
  expect((await session.send("%say Again.")).text).toBe("Again.");
});

test("a budget of dollars holds for clients of the Messages API as well, and outlasts a restart", async () => {
  const account = "dollars";
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
  await edge.stack.restartWorker();
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
  expect((await report("elsewhere")).used.dollars_today).toBe(0);
});

test("what a key has made before is given again, whatever is spent since", async () => {
  const account = "again";
  const client = holder(await mint({ account }));
  const idempotencyKey = "once";
  const first = await client.query("%say Once.", { idempotencyKey });
  await limit(account, { tokens_per_day: 0, max_sessions: 0 });
  const again = await client.query("%say Once.", { idempotencyKey });
  expect(again.text).toBe(first.text);
  expect(again.sessionId).toBe(first.sessionId);
});
