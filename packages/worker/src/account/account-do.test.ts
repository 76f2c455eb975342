import { EdgeError, type SessionResource } from "@claude-edge/protocol";
import { beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import type { ModelUsage } from "../egress/model-call.js";
import type { Notice, TurnAdmission } from "../session/account-port.js";
import { dayOf } from "../session/model-call-table.js";

const CHECK = { isFirst: true };
const USED: ModelUsage = {
  input_tokens: 1,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cost: 1e12,
};

let deployment = new TestDeployment();
beforeEach(() => {
  deployment = new TestDeployment();
});

const account = () => deployment.account;
const listing = (id: string) =>
  ({ id, status: "idle", updated_at: new Date().toISOString() }) as SessionResource;
const admit = (turn: string, session: string, more: Partial<TurnAdmission> = {}) =>
  account().admitTurn({ check: CHECK, session, turn, maySeeSessions: true, ...more });
const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return (error as EdgeError).code;
  }
  return "none";
};
let numbers = 0;
const tell = (session: string, ...notices: Notice[]) =>
  account().notify(
    session,
    notices.map((notice) => ({ id: (numbers += 1), notice })),
  );

describe("a turn that is admitted", () => {
  test("runs if there is a slot, or waits and is told for what", () => {
    expect(admit("1", "a")).toEqual({ status: "running" });
    expect(admit("2", "b")).toEqual({
      status: "queued",
      waitingFor: { session_id: "a", turn_id: "1", since: expect.any(String) },
    });
    expect(admit("3", "b", { maySeeSessions: false })).toEqual({
      status: "queued",
      waitingFor: { since: expect.any(String) },
    });
  });

  test("is the same when it is asked for again, and no other session's", () => {
    admit("1", "a");
    admit("2", "a");
    expect([admit("1", "a").status, admit("2", "a").status]).toEqual(["running", "queued"]);
    expect(codeOf(() => admit("1", "b"))).toBe("invalid_request");
    tell("a", { kind: "ended", turn: "1", at: 0, status: "completed" });
    expect(codeOf(() => admit("1", "a"))).toBe("invalid_request");
  });

  test("is what its key made before", () => {
    const idempotency = { key: "k", fingerprint: "f" };
    admit("1", "a", { idempotency, create: listing("a") });
    expect(admit("2", "b", { idempotency })).toEqual({ status: "known", session: "a", turn: "1" });
    // The call goes to that session then, which may have lost the first.
    expect(admit("1", "a", { idempotency, create: listing("a") }).status).toBe("running");
    expect(
      codeOf(() => admit("3", "a", { idempotency: { ...idempotency, fingerprint: "g" } })),
    ).toBe("idempotency_conflict");
  });

  test("lists its session with it, but for an ephemeral one; with the limit it does neither", () => {
    account().updateLimits({ max_sessions: 1 });
    admit("1", "a", { create: listing("a") });
    admit("2", "e", { create: "ephemeral" });
    expect(account().listSessions(undefined, 9, {}).sessions).toMatchObject([
      { id: "a", status: "running" },
    ]);
    expect(codeOf(() => admit("3", "b", { create: listing("b") }))).toBe("too_many_sessions");
    expect(account().limits().used).toMatchObject({ sessions: 1, queued_turns: 1 });
  });

  test("is refused to a token that was revoked, before anything happens", async () => {
    await account().revokeToken("t");
    const check = { token: "t", isFirst: true };
    expect(codeOf(() => admit("1", "a", { check }))).toBe("unauthorized");
    expect(codeOf(() => account().forCaller(check, "listSessions", [undefined, 9]))).toBe(
      "unauthorized",
    );
    expect(account().limits().used.running_turns).toBe(0);
  });
});

test("a method that only a newer Worker knows is a typed error", () => {
  const check = { isFirst: true };
  expect(codeOf(() => account().forCaller(check, "newest", []))).toBe("version_skew");
});

describe("what sessions tell", () => {
  test("is applied once, however often a batch comes, and what is new in it is", () => {
    admit("1", "a", { create: listing("a") });
    const usage = {
      kind: "usage",
      turn: "1",
      day: "2026-11-29",
      model: "opus",
      used: USED,
    } as const;
    const first = { id: 1, notice: usage };
    const second = { id: 2, notice: usage };
    account().notify("a", [first]);
    account().notify("a", [first]);
    expect(account().usage({}).total.cost_usd).toBe(1);
    account().notify("a", [first, second]);
    deployment.restart("ada");
    account().notify("a", [second]);
    expect(account().usage({}).total.cost_usd).toBe(2);
    // Another session counts by itself; one that was removed and is there again begins anew.
    account().notify("b", [first]);
    account().removeSession("a");
    account().notify("a", [first]);
    expect(account().usage({}).total.cost_usd).toBe(4);
  });

  test("is applied up to what cannot be, which is named; the session leaves it out and goes on", () => {
    admit("1", "a");
    const usage = {
      kind: "usage",
      turn: "1",
      day: "2026-11-29",
      model: "opus",
      used: USED,
    } as const;
    const poison = { ...usage, used: { ...USED, cost: Number.NaN } };
    const call = { kind: "call", id: 1, day: dayOf(Date.now()), used: USED } as const;
    const first = { id: 1, notice: usage };
    // Of one transaction: all of them or none.
    const together = [
      call,
      usage,
      poison,
      { kind: "ended", turn: "1", at: 0, status: "completed" } as const,
    ].map((notice) => ({ id: 2, notice }));
    for (let n = 0; n < 2; n += 1) {
      expect(account().notify("a", [first, ...together])).toEqual({
        id: 2,
        index: 2,
        message: expect.stringContaining("NOT NULL"),
      });
      expect(account().usage({}).total).toMatchObject({ cost_usd: 1, turns: 0 });
      expect(account().limits().used.dollars_today).toBe(0);
    }
    expect(account().notify("a", together.toSpliced(2, 1))).toBeUndefined();
    expect(account().usage({}).total).toMatchObject({ cost_usd: 2, turns: 1 });
    expect(account().limits().used).toMatchObject({ running_turns: 0, dollars_today: 1 });
  });

  test("is not dropped when a newer session tells what is not known here yet", () => {
    const newest = { id: 1, notice: { kind: "newest" } as never };
    expect(account().notify("a", [newest])).toMatchObject({ id: 1, isSkew: true });
  });

  test("frees the slot of a turn that ended or waits, for the next in order", () => {
    for (const [turn, session] of ["a", "b", "c"].entries()) admit(String(turn), session);
    tell("a", { kind: "waiting", turn: "0" });
    expect(account().limits().used).toMatchObject({ running_turns: 1, queued_turns: 1 });
    expect(account().claimTurns("b", ["1"])).toEqual(["1"]);
    expect(account().claimTurns("c", ["2"])).toEqual([]);
    tell("b", { kind: "ended", turn: "1", at: Date.now(), status: "completed" });
    expect(account().claimTurns("c", ["2"])).toEqual(["2"]);
  });

  test("puts an answered turn back at its place when its session claims a slot for it", () => {
    for (const [turn, session] of ["a", "b", "c"].entries()) admit(String(turn), session);
    tell("a", { kind: "waiting", turn: "0" });
    expect(account().claimTurns("a", ["0"])).toEqual([]);
    tell("b", { kind: "ended", turn: "1", at: Date.now(), status: "completed" });
    expect(account().claimTurns("c", ["2"])).toEqual([]);
    expect(account().claimTurns("a", ["0"])).toEqual(["0"]);
  });

  test("leaves a turn that ended out of the queue, also when a claim for it comes late", () => {
    admit("0", "a");
    admit("1", "b");
    tell("b", { kind: "usage", turn: "1", day: "2026-11-29", model: "opus", used: USED });
    expect(account().claimTurns("b", ["1"])).toEqual([]);
    tell("b", { kind: "ended", turn: "1", at: Date.now(), status: "completed" });
    tell("a", { kind: "ended", turn: "0", at: Date.now(), status: "completed" });
    expect(account().claimTurns("b", ["1"])).toEqual([]);
    expect(account().limits().used).toMatchObject({ running_turns: 0, queued_turns: 0 });
  });

  test("of requests lists them", () => {
    tell("a", { kind: "request", id: "r", turn: "1", asks: "permission", status: "pending" });
    tell("b", { kind: "request", id: "q", turn: "1", asks: "permission", status: "pending" });
    tell("a", { kind: "request", id: "r", turn: "1", asks: "permission", status: "answered" });
    expect(account().listRequests("pending", undefined)).toEqual([{ id: "q", session_id: "b" }]);
    expect(codeOf(() => account().listRequests(undefined, "none"))).toBe("request_not_found");
  });
});

describe("the list of sessions", () => {
  test("comes in pages, each with a cursor to the next", () => {
    for (const id of ["a", "b", "c", "d"]) {
      account().admitSession({ check: CHECK, session: id, listed: listing(id) });
    }
    const first = account().listSessions(undefined, 3, {});
    const next = account().listSessions(first.next_cursor, 3, {});
    expect([first.sessions.length, next.sessions.length]).toEqual([3, 1]);
    expect(next.next_cursor).toBeUndefined();
    expect(codeOf(() => account().listSessions("none", 3, {}))).toBe("invalid_request");
  });

  test("has a fork once it is whole, and not one that was removed", () => {
    account().admitFork(listing("fork"));
    expect(account().listSessions(undefined, 9, {}).sessions).toEqual([]);
    tell("fork", { kind: "session", resource: listing("fork"), storedBytes: 0 });
    expect(account().listSessions(undefined, 9, {}).sessions).toHaveLength(1);
    account().removeSession("fork");
    tell("fork", { kind: "session", resource: listing("fork"), storedBytes: 0 });
    expect(account().listSessions(undefined, 9, {}).sessions).toEqual([]);
  });

  test("loses a session that did not come to be, and one whose object cannot be asked it keeps", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    captureLog();
    for (const id of ["gone", "unknown"]) {
      account().admitSession({ check: CHECK, session: id, listed: listing(id) });
    }
    deployment.unreachable.add("ada/unknown");
    await account().alarm();
    expect(account().listSessions(undefined, 9, {}).sessions).toHaveLength(2);
    vi.setSystemTime(Date.now() + 10 * 60_000);
    await account().alarm();
    expect(account().listSessions(undefined, 9, {}).sessions).toMatchObject([{ id: "unknown" }]);
    vi.useRealTimers();
  });
});

describe("slots that are free", () => {
  const PATIENT = { timeout: 10_000 };
  /** Admits so many turns of as many sessions, with no slot for any; then there is one for each. */
  async function free(count: number): Promise<void> {
    await account().updateLimits({ max_concurrent_turns: 1 });
    for (let n = 0; n <= count; n += 1) admit(`t${n}`, `s${n}`);
    await account().updateLimits({ max_concurrent_turns: count + 1 });
  }

  test("are told to their sessions side by side, so many at a time; one that is slow holds up no other", async () => {
    const slow = Promise.withResolvers<void>();
    let [running, most] = [0, 0];
    const told: string[] = [];
    deployment.beforeCall = async (name, method) => {
      if (method !== "grantTurn") return;
      most = Math.max(most, (running += 1));
      await (name === "ada/s1" ? slow.promise : new Promise((resolve) => setTimeout(resolve, 1)));
      running -= 1;
      told.push(name);
    };
    await free(60);
    await eventually(() => expect(told).toHaveLength(59), PATIENT);
    expect([running, most]).toEqual([1, 20]);
    // Also one that becomes free meanwhile.
    tell("s0", { kind: "ended", turn: "t0", at: 0, status: "completed" });
    admit("more", "s0");
    admit("next", "s0");
    tell("s0", { kind: "ended", turn: "more", at: 0, status: "completed" });
    await eventually(() => expect(told).toHaveLength(60), PATIENT);
    slow.resolve();
    await eventually(() => expect(running).toBe(0), PATIENT);
  });

  test("are told again by the alarm to a session that could not be reached, and by nothing before", async () => {
    const logged = captureLog();
    deployment.unreachable.add("ada/s1");
    await free(2);
    await eventually(() => expect(logged).toHaveLength(1));
    await account().updateLimits({});
    expect(logged).toHaveLength(1);
    deployment.unreachable.clear();
    await account().alarm();
    // Its session has no such turn, so the account knows now.
    expect(account().limits().used).toMatchObject({ running_turns: 1, queued_turns: 0 });
    vi.restoreAllMocks();
  });
});

describe("the slot of a turn that its session does not know", () => {
  test("is taken back when it is asked for, and given to the next", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    admit("1", "a");
    admit("2", "b");
    vi.setSystemTime(Date.now() + 60_000);
    await account().alarm();
    // Neither was ever stored.
    expect(account().limits().used).toMatchObject({ running_turns: 0, queued_turns: 0 });
    vi.useRealTimers();
  });

  test("is kept for as long as the session cannot be asked, up to ten minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    captureLog();
    deployment.unreachable.add("ada/a");
    admit("1", "a");
    vi.setSystemTime(Date.now() + 9 * 60_000);
    await account().alarm();
    expect(account().limits().used.running_turns).toBe(1);
    vi.setSystemTime(Date.now() + 60_000);
    await account().alarm();
    expect(account().limits().used.running_turns).toBe(0);
    vi.useRealTimers();
  });
});

test("an alarm that fails is set again", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const logged = captureLog();
  account();
  await new Promise(setImmediate);
  const { sql } = deployment.storageOf("ada");
  sql.exec("ALTER TABLE pack_garbage RENAME TO away");
  sql.exec("ALTER TABLE sessions RENAME TO elsewhere");
  await account().alarm();
  expect(await deployment.alarmOf("ada")).toBe(Date.now() + 60_000);
  expect(logged).toMatchObject([{ message: "alarm of the account failed", account: "ada" }]);
  vi.useRealTimers();
});

test("sessions are told of a revocation until they have heard of it, ever less often", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const logged = captureLog();
  const { id: token } = account().createToken({});
  const check = { token, isFirst: true };
  for (let n = 0; n < 30; n += 1) account().admit(check, `s${n}`);
  deployment.unreachable.add("ada/s1");
  let [open, most] = [0, 0];
  deployment.beforeCall = async (_name, method) => {
    if (method !== "revokeToken") return;
    most = Math.max(most, (open += 1));
    await new Promise(setImmediate);
    open -= 1;
  };
  const left = () => deployment.rows("ada", "SELECT session_id FROM token_readers");
  const pause = async () => {
    await deployment.storageOf("ada").deleteAlarm();
    await account().alarm();
    await new Promise(setImmediate);
    return (await deployment.alarmOf("ada"))! - Date.now();
  };
  // What else the alarm has to do is done.
  vi.setSystemTime(Date.now() + 3_600_000);
  await account().alarm();
  await account().revokeToken(token);
  expect([most, left()]).toEqual([20, [{ session_id: "s1" }]]);
  expect([await pause(), await pause(), await pause()]).toEqual([5_000, 10_000, 20_000]);
  expect(logged).toHaveLength(4);
  deployment.unreachable.clear();
  await pause();
  expect(left()).toEqual([]);
  vi.useRealTimers();
});

test("a key makes one token", () => {
  const idempotency = { key: "k", fingerprint: "f" };
  const first = account().createToken({}, idempotency);
  expect(account().createToken({}, idempotency)).toEqual(first);
  expect(account().listTokens(undefined, 9).tokens).toEqual([first]);
});

test("a model call of no session counts once, and is told of as used", () => {
  const used = {
    input_tokens: 1,
    output_tokens: 2,
    cache_read_input_tokens: 3,
    cache_creation_input_tokens: 4,
    cost: 0.5e12,
  };
  const [one, two] = [account().beginModelCall(), account().beginModelCall()];
  for (const call of [one, one, two]) account().endModelCall(call, "opus", used);
  expect(account().limits().used).toMatchObject({ tokens_today: 20, dollars_today: 1 });
  expect(account().usage({ group: "session" })).toMatchObject({
    total: { turns: 0, cost_usd: 1 },
    groups: [],
  });
});
