import { beforeEach, expect, test } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";
import { askNetwork } from "./network-question.js";

const QUESTION = { host: "a.com", port: 443, method: "GET" };
const WEEK_MS = 7 * 24 * 3_600_000;

let session = new TestSession();
let turn = "";
beforeEach(async () => {
  session = new TestSession();
  turn = session.send();
  session.running(turn);
  await session.follow();
});

const ask = (question: Partial<typeof QUESTION> = {}, of: string = turn) =>
  askNetwork(session.parts, of, { ...QUESTION, ...question });

/** The request that was made. */
function asked(question: Partial<typeof QUESTION> = {}): string {
  const reply = ask(question);
  if (reply.status !== "pending") throw new Error(`it is ${reply.status}`);
  return reply.requests[0]!;
}

/** What the account is told, but for how the session is listed. */
async function told() {
  await session.parts.link.deliver();
  return session.account.told.filter(({ kind }) => kind === "request" || kind === "grant");
}

test("a host is asked about once a turn, whatever the method, and 80 and 443 are one", async () => {
  const id = asked();
  expect([asked(), asked({ method: "POST" }), asked({ port: 80 })]).toEqual([id, id, id]);
  expect(asked({ port: 8443 })).not.toBe(id);
  expect(asked({ host: "b.a.com" })).not.toBe(id);
  const request = session.requests.get(id);
  expect(request).toMatchObject({
    session_id: session.id,
    turn_id: turn,
    kind: "network",
    status: "pending",
    payload: QUESTION,
  });
  expect(Date.parse(request.expires_at!) - Date.parse(request.created_at)).toBe(WEEK_MS);
  const events = await session.events();
  expect(events.filter(({ kind }) => kind === "request")).toHaveLength(3);
  expect(events).toContainEqual(
    expect.objectContaining({ kind: "request", turn_id: turn, request }),
  );
});

test("an answer is told to the account, in one with what it grants, and to no runner", async () => {
  const [a, b, c] = [asked(), asked({ host: "b.com" }), asked({ host: "c.com", port: 1 })];
  await session.requests.answer(a, { answer: { behavior: "allow" } });
  await session.requests.answer(b, { answer: { behavior: "allow", scope: "session" } });
  await session.requests.answer(c, { answer: { behavior: "allow", scope: "account" } });
  expect((await told()).slice(3)).toEqual([
    { kind: "request", id: a, turn, asks: "network", status: "answered" },
    { kind: "grant", host: "a.com", turn, scope: "turn" },
    { kind: "request", id: b, turn, asks: "network", status: "answered" },
    { kind: "grant", host: "b.com", turn, scope: "session" },
    { kind: "request", id: c, turn, asks: "network", status: "answered" },
    { kind: "grant", host: "c.com:1", turn, scope: "account" },
  ]);
  const ids = session.account.batches.flatMap(({ notices }) =>
    notices.flatMap(({ id, notice }) => (notice.kind === "grant" ? [id] : [])),
  );
  expect(new Set(ids).size).toBe(3);
  expect(session.container.calls).toEqual([]);
});

test("one that was denied stays denied in its turn, and is asked about again in the next", async () => {
  const id = asked();
  await session.requests.answer(id, { answer: { behavior: "deny", message: "Not that." } });
  expect(ask()).toEqual({ status: "denied", message: "Not that." });
  expect((await told()).map(({ kind }) => kind)).toEqual(["request", "request"]);
  session.ended(turn);
  await session.applied();
  const next = session.send();
  expect(ask({}, next)).toMatchObject({ status: "pending", requests: [expect.any(String)] });
});

test("an answer with an error denies it", async () => {
  await session.requests.answer(asked(), { error: { message: "It broke." } });
  expect(ask()).toEqual({ status: "denied", message: "It broke." });
  expect((await told()).map(({ kind }) => kind)).toEqual(["request", "request"]);
});

test("what was allowed counts when the account says so: it may not know yet, or have it withdrawn", async () => {
  const release = Promise.withResolvers<void>();
  session.account.onNotify = () => release.promise;
  await session.requests.answer(asked(), { answer: { behavior: "allow" } });
  expect(ask()).toEqual({ status: "pending", requests: [] });
  release.resolve();
  await session.parts.link.deliver();
  expect(ask()).toMatchObject({ status: "denied" });
});

test("the question outlives its turn, and its answer is told between turns", async () => {
  const id = asked();
  session.ended(turn);
  await session.applied();
  expect(session.requests.get(id).status).toBe("pending");
  expect(session.requests.nextExpiry()).toBeDefined();
  await session.requests.answer(id, { answer: { behavior: "allow", scope: "session" } });
  expect((await told()).at(-1)).toEqual({ kind: "grant", host: "a.com", turn, scope: "session" });
  expect((await session.events()).at(-1)).toMatchObject({
    kind: "request.resolved",
    turn_id: "",
    request: { id, turn_id: turn, status: "answered" },
  });
});

test("the question outlives its container", async () => {
  const id = asked();
  session.container.replace();
  await eventually(() => expect(session.turn(turn).resumed).toBe(1));
  expect(session.requests.get(id).status).toBe("pending");
});

test("it expires as a permission does, which grants nothing", async () => {
  session = new TestSession({ session: { approvalTimeoutMs: 1 } });
  turn = session.send();
  session.running(turn);
  await session.follow();
  const id = asked();
  await new Promise((resolve) => setTimeout(resolve, 5));
  session.requests.expire();
  expect(session.requests.get(id)).toMatchObject({ status: "expired" });
  expect(ask()).toMatchObject({ status: "denied" });
  expect((await told()).map(({ kind }) => kind)).toEqual(["request", "request"]);
});

test("nobody is asked when no turn runs, nor about more than 20 hosts a turn, nor for an ephemeral session", () => {
  expect(ask({}, "")).toEqual({ status: "unasked" });
  expect(ask({}, session.queue())).toEqual({ status: "unasked" });
  for (let hosts = 0; hosts < 20; hosts += 1) asked({ host: `a${hosts}.com` });
  expect(ask()).toEqual({ status: "unasked" });
  expect(ask({ host: "a0.com" })).toMatchObject({ status: "pending" });
  session = new TestSession({ session: { ephemeral: true } });
  expect(ask({}, session.send())).toEqual({ status: "unasked" });
});

test.each([{ behavior: "allow", scope: "world" }, { behavior: "maybe" }, { answers: { a: "b" } }])(
  "%j is no answer",
  async (answer) => {
    const given = session.requests.answer(asked(), { answer });
    await expect(given).rejects.toMatchObject({ code: "invalid_request" });
  },
);

test("a token for the session cannot speak for the account", async () => {
  const id = asked();
  const wide = { answer: { behavior: "allow", scope: "account" }, ofSession: true };
  const refused = session.requests.answer(id, wide);
  await expect(refused).rejects.toMatchObject({ code: "forbidden" });
  const narrow = { answer: { behavior: "allow", scope: "session" }, ofSession: true };
  expect(await session.requests.answer(id, narrow)).toMatchObject({ status: "answered" });
});

test("a runner cannot make a question that grants", async () => {
  const request = { id: "forged", kind: "network" as never, payload: QUESTION };
  session.say({ kind: "request", turn, request });
  await session.applied();
  await session.requests.answer("forged", { answer: { behavior: "allow", scope: "account" } });
  expect((await told()).map(({ kind }) => kind)).toEqual(["request", "request"]);
});
