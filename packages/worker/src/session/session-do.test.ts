import { randomUUID } from "node:crypto";

import { requestId } from "@claude-edge/protocol/runner";
import { beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { Account } from "../http/account.js";

let deployment = new TestDeployment();
let caller = new Account(deployment.env, "ada");
beforeEach(() => {
  deployment = new TestDeployment();
  caller = new Account(deployment.env, "ada");
});

const TOKEN = { id: "t", issuedAt: Date.now() };

const withCode = (code: string) => expect.objectContaining({ code });
const begin = async (session: string = randomUUID()) => {
  const { turn } = await caller.query({ prompt: "hello", session_id: session });
  return { session, turn: turn.id };
};
const statusOf = async (session: string, turn: string) =>
  (await caller.getTurn(session, turn)).status;
/** Ends a turn as its runner does. */
async function end(session: string, turn: string): Promise<void> {
  const log = deployment.container.logOf(session);
  log.say({ kind: "turn", turn, status: "running" }, { kind: "turn", turn, status: "completed" });
  await eventually(async () => expect(await statusOf(session, turn)).toBe("completed"));
}
/** What a session has yet to tell its account. */
const OUTBOX = "SELECT * FROM outbox";
const listed = async () => (await caller.listSessions(undefined, 9)).sessions;

describe("a session", () => {
  test("comes to be with its first turn, which runs at once, and is listed with it", async () => {
    const { session, turn } = await begin();
    expect(await listed()).toMatchObject([{ id: session, title: "hello", status: "running" }]);
    expect(await statusOf(session, turn)).toBe("running");
    await eventually(() =>
      expect(deployment.container.calls.map(({ call }) => call)).toContain(
        `PUT /sessions/${session}/turns/${turn}`,
      ),
    );
    await end(session, turn);
    await eventually(async () => expect((await listed())[0]!.status).toBe("idle"));
    expect((await caller.call("usage", {})).total.turns).toBe(1);
  });

  test("serves after a reset although it cannot resume its work, which its alarm tries again", async () => {
    const logged = captureLog();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { session, turn } = await begin();
    const name = `ada/${session}`;
    const payload = { tool_name: "Bash", tool_use_id: "use", input: {}, options: {} };
    const request = { id: "asked", kind: "permission" as const, payload };
    const log = deployment.container.logOf(session);
    log.say({ kind: "turn", turn, status: "running" }, { kind: "request", turn, request });
    log.say({ kind: "turn", turn, status: "waiting" });
    await eventually(async () => expect(await statusOf(session, turn)).toBe("waiting"));
    vi.setSystemTime(Date.now() + 8 * 24 * 3_600_000);
    const trigger = "CREATE TRIGGER full BEFORE INSERT ON events";
    deployment.rows(name, `${trigger} BEGIN SELECT RAISE(ABORT, 'no'); END`);
    deployment.restart(name);
    expect(await caller.getSession(session)).toMatchObject({ status: "waiting" });
    await deployment.session(session).alarm();
    expect(await deployment.alarmOf(name)).not.toBeNull();
    const about = { message: "session did not resume its work", account: "ada", session };
    expect(logged).toContainEqual(expect.objectContaining(about));
    deployment.rows(name, "DROP TRIGGER full");
    await deployment.session(session).alarm();
    await eventually(async () => expect(await statusOf(session, turn)).toBe("failed"));
    vi.useRealTimers();
  });

  test("sets its alarm again when that fails", async () => {
    captureLog();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { session } = await begin();
    const { sql } = deployment.storageOf(`ada/${session}`);
    sql.exec("ALTER TABLE upkeep RENAME TO away");
    await deployment.session(session).alarm();
    expect(await deployment.alarmOf(`ada/${session}`)).toBe(Date.now() + 30_000);
    sql.exec("ALTER TABLE away RENAME TO upkeep");
    vi.useRealTimers();
  });

  test("is one for each key, also when the same is asked for at the same time", async () => {
    const idempotency = { key: "k", fingerprint: "f" };
    const [one, two] = await Promise.all([
      caller.createSession({ title: "x" }, idempotency),
      caller.createSession({ title: "x" }, idempotency),
    ]);
    expect(two.id).toBe(one.id);
    expect((await caller.createSession({ title: "x" }, idempotency)).id).toBe(one.id);
    expect(await listed()).toHaveLength(1);
    await expect(caller.createSession({ id: one.id })).rejects.toEqual(withCode("session_exists"));
  });

  test("that was deleted is not created again by its key", async () => {
    const once = { key: "k", fingerprint: "f" };
    const { id } = await caller.createSession({}, once);
    await caller.deleteSession(id);
    await expect(caller.createSession({}, once)).rejects.toEqual(withCode("session_not_found"));
    expect(deployment.session(id).exists()).toBe(false);
  });

  test("is not another's whose id is asked for, with a key of its own or without one", async () => {
    const { id } = await caller.createSession({ title: "mine" });
    const idempotency = { key: "k", fingerprint: "f" };
    const taken = withCode("session_exists");
    for (const more of [undefined, idempotency]) {
      await expect(caller.createSession({ id }, more)).rejects.toEqual(taken);
    }
    for (const more of [{}, { idempotency: { ...idempotency, key: "q" } }]) {
      const query = caller.query({ prompt: "x", session_id: id }, more);
      await expect(query).rejects.toEqual(taken);
    }
    const other = await caller.createSession({});
    for (const more of [undefined, { ...idempotency, key: "f" }]) {
      await expect(caller.forkSession(other.id, { id }, more)).rejects.toEqual(taken);
    }
    expect((await caller.getSession(id)).title).toBe("mine");
    expect(await caller.listEvents(id, 0)).toMatchObject({ events: [] });
    expect(deployment.account.limits().used).toMatchObject({
      running_turns: 0,
      queued_turns: 0,
    });
  });

  test("with its first turn is one for each key, also under an id that was chosen", async () => {
    const idempotency = { key: "k", fingerprint: "f" };
    const ask = (session_id?: string) =>
      caller.query({ prompt: "x", ...(session_id && { session_id }) }, { idempotency });
    const id = randomUUID();
    const accepted = [...(await Promise.all([ask(id), ask(id)])), await ask(id), await ask()];
    expect(new Set(accepted.map(({ turn }) => turn.id)).size).toBe(1);
    expect(await listed()).toHaveLength(1);
  });

  test("that is asked for does not come to be by that", async () => {
    const id = randomUUID();
    await expect(caller.getSession(id)).rejects.toEqual(withCode("session_not_found"));
    await expect(caller.createTurn(id, { prompt: "x" })).rejects.toEqual(
      withCode("session_not_found"),
    );
    expect(deployment.rows(`ada/${id}`, "SELECT * FROM sqlite_master")).toEqual([]);
  });

  test("that the account refuses leaves nothing behind", async () => {
    await caller.call("updateLimits", { max_sessions: 0 });
    const id = randomUUID();
    await expect(caller.createSession({ id })).rejects.toEqual(withCode("too_many_sessions"));
    await expect(caller.query({ prompt: "x", session_id: id })).rejects.toEqual(
      withCode("too_many_sessions"),
    );
    expect(deployment.rows(`ada/${id}`, "SELECT * FROM sqlite_master")).toEqual([]);
    expect(await listed()).toEqual([]);
  });

  test("that is deleted is gone, its slot is free, and what it used is not forgotten", async () => {
    const first = await begin();
    const second = await begin();
    expect(await statusOf(second.session, second.turn)).toBe("queued");
    await caller.deleteSession(first.session);
    expect(deployment.rows(`ada/${first.session}`, "SELECT * FROM sqlite_master")).toEqual([]);
    expect(await listed()).toMatchObject([{ id: second.session }]);
    await eventually(async () =>
      expect(await statusOf(second.session, second.turn)).toBe("running"),
    );
    expect((await caller.call("usage", {})).total.turns).toBe(1);
    await expect(caller.deleteSession(first.session)).rejects.toEqual(
      withCode("session_not_found"),
    );
    // Its id may be used again, and what it tells is new.
    await caller.createSession({ id: first.session, title: "again" });
    expect((await listed()).map(({ title }) => title)).toContain("again");
  });
});

describe("a turn", () => {
  test("waits for its slot, and runs when another session's turn has ended", async () => {
    const first = await begin();
    const second = await begin();
    expect(await statusOf(second.session, second.turn)).toBe("queued");
    await end(first.session, first.turn);
    await eventually(async () =>
      expect(await statusOf(second.session, second.turn)).toBe("running"),
    );
  });

  test("that is given a slot before it is stored runs", async () => {
    const first = await begin();
    const second = randomUUID();
    deployment.beforeReply = async (_name, method) => {
      if (method !== "admitTurn") return;
      deployment.beforeReply = () => {};
      await caller.interrupt(first.session);
      await end(first.session, first.turn).catch(() => {});
      await eventually(() =>
        expect(deployment.account.limits().used).toMatchObject({ queued_turns: 0 }),
      );
    };
    const { turn } = await begin(second);
    expect(deployment.account.limits().used).toMatchObject({
      running_turns: 1,
      queued_turns: 0,
    });
    await eventually(async () => expect(await statusOf(second, turn)).toBe("running"));
  });

  test("is one for each key, also when the same is asked for at the same time", async () => {
    const { id } = await caller.createSession({});
    const idempotency = { key: "k", fingerprint: "f" };
    const ask = () => caller.createTurn(id, { prompt: "x" }, { idempotency });
    // The first is on its way back from the account for as long as all others take.
    let admissions = 0;
    deployment.beforeReply = async (_name, method) => {
      if (method === "admitTurn" && (admissions += 1) === 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const accepted = await Promise.all([ask(), ask(), ask()]);
    const turns = accepted.map(({ turn }) => turn.id);
    expect(new Set(turns).size).toBe(1);
    expect(new Set(accepted.map(({ after }) => after)).size).toBe(1);
    const { events } = await caller.listEvents(id, 0);
    expect(
      events.filter((event) => event.kind === "turn" && event.status === "queued"),
    ).toHaveLength(1);
  });

  test("goes on after both objects were restarted", async () => {
    const { session, turn } = await begin();
    await eventually(() =>
      expect(deployment.rows(`ada/${session}`, "SELECT boot FROM turns")).toEqual([
        { boot: deployment.container.boot },
      ]),
    );
    deployment.restart("ada");
    deployment.restart(`ada/${session}`);
    await end(session, turn);
    await eventually(async () => expect(deployment.account.limits().used.running_turns).toBe(0));
  });
});

describe("model calls", () => {
  const used = {
    input_tokens: 1,
    output_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
    cost: 1e12,
  };
  const spent = () => deployment.account.limits().used.dollars_today;

  test("count for the budget, once each", async () => {
    const { session } = await begin();
    const object = deployment.session(session);
    const call = await object.beginModelCall();
    expect(call).toMatchObject({ session, direct: false });
    for (let n = 0; n < 2; n += 1) await object.endModelCall(call, "opus", used);
    expect(spent()).toBe(1);
    await caller.call("updateLimits", { dollars_per_day: 1 });
    await expect(object.beginModelCall()).rejects.toEqual(withCode("budget_spent"));
  });

  test("count once when the account cannot be reached as they end, however long that lasts", async () => {
    captureLog();
    const { session } = await begin();
    await eventually(() => expect(deployment.rows(`ada/${session}`, OUTBOX)).toEqual([]));
    const call = await deployment.session(session).beginModelCall();
    deployment.unreachable.add("ada");
    await deployment.session(session).endModelCall(call, "opus", used);
    deployment.unreachable.clear();
    expect(spent()).toBe(0);
    // Its gateway did not get the reply, and tells it again.
    deployment.restart(`ada/${session}`);
    await deployment.session(session).endModelCall(call, "opus", used);
    await deployment.session(session).alarm();
    expect(spent()).toBe(1);
    expect(deployment.rows(`ada/${session}`, OUTBOX)).toEqual([]);
    vi.restoreAllMocks();
  });

  test("that the account has yet to hear of are in its figures when it is asked for a budget", async () => {
    captureLog();
    await caller.call("updateLimits", { dollars_per_day: 1 });
    const { session } = await begin();
    const call = await deployment.session(session).beginModelCall();
    deployment.unreachable.add("ada");
    await deployment.session(session).endModelCall(call, "opus", used);
    deployment.unreachable.clear();
    await expect(deployment.session(session).beginModelCall()).rejects.toEqual(
      withCode("budget_spent"),
    );
    vi.restoreAllMocks();
  });

  test("of sessions that are not there, or have begun no turn, count each by itself", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { id } = await caller.createSession({});
    const objects = [id, randomUUID(), randomUUID()].map((name) => deployment.session(name));
    const calls = await Promise.all(
      objects.flatMap((object) => [object.beginModelCall(), object.beginModelCall()]),
    );
    for (const [index, call] of calls.entries()) {
      expect(call).toMatchObject({ session: "", turn: "", direct: false });
      await objects[Math.floor(index / 2)]!.endModelCall(call, "opus", used);
    }
    vi.useRealTimers();
    expect(spent()).toBe(6);
    expect((await caller.call("usage", {})).total.cost_usd).toBe(0);
  });

  test("that end when their session was deleted are told of as used", async () => {
    const { session, turn } = await begin();
    const call = await deployment.session(session).beginModelCall();
    await caller.deleteSession(session);
    await deployment.session(session).endModelCall(call, "opus", used);
    expect(spent()).toBe(1);
    const { total, groups } = await caller.call("usage", { group: "session" });
    expect(total).toMatchObject({ turns: 1, cost_usd: 1 });
    expect(groups).toMatchObject([{ key: session }]);
    expect(call.turn).toBe(turn);
  });
});

describe("requests", () => {
  /** Has a turn ask for a permission; gives the request's id. */
  function ask({ session, turn }: { session: string; turn: string }): string {
    const id = requestId(randomUUID().slice(0, 8), session);
    const payload = { tool_name: "Bash", tool_use_id: id.slice(0, 8), input: {}, options: {} };
    const request = { id, kind: "permission" as const, payload };
    deployment.container
      .logOf(session)
      .say({ kind: "turn", turn, status: "running" }, { kind: "request", turn, request });
    return id;
  }

  test("of all sessions are listed in order, and answered by their id alone", async () => {
    await caller.call("updateLimits", { max_concurrent_turns: 9 });
    const begun = [await begin(), await begin()];
    const asked: string[] = [];
    for (const turn of begun) {
      asked.push(ask(turn));
      await eventually(async () =>
        expect((await caller.listRequests({})).requests).toHaveLength(asked.length),
      );
    }
    const [r0, r1] = asked as [string, string];
    const { requests } = await caller.listRequests({});
    expect(requests.map(({ id }) => id)).toEqual([r0, r1]);
    expect((await caller.listRequests({ after: r0 })).requests).toHaveLength(1);
    await caller.answerRequest(r0, { answer: { behavior: "allow" } });
    const pending = await caller.listRequests({ status: "pending" });
    expect(pending.requests.map(({ id }) => id)).toEqual([r1]);
    expect(await caller.getRequest(r0)).toMatchObject({ status: "answered" });
    for (const none of ["none", `x.${randomUUID()}`, `x.${begun[0]!.session}`, begun[0]!.session]) {
      await expect(caller.getRequest(none)).rejects.toEqual(withCode("request_not_found"));
    }
  });

  test("are found by their id as soon as a reader has seen it, whatever the account knows", async () => {
    const { session, turn } = await begin();
    const noticed = Promise.withResolvers<void>();
    deployment.beforeCall = (_name, method) => (method === "notify" ? noticed.promise : undefined);
    const id = ask({ session, turn });
    await eventually(async () => {
      const { events } = await caller.listEvents(session, 0);
      expect(events.at(-1)).toMatchObject({ kind: "request", request: { id } });
    });
    expect(await caller.getRequest(id)).toMatchObject({ id, status: "pending" });
    const answered = caller.answerRequest(id, { answer: { behavior: "allow" } });
    noticed.resolve();
    expect(await answered).toMatchObject({ id, status: "answered" });
  });
});

describe("a token that is revoked", () => {
  test("reads no longer than its session cannot be told, also when the account restarts meanwhile", async () => {
    captureLog();
    const { id } = await caller.createSession({});
    const token = { id: "t", expiresAt: undefined };
    const reader = (
      await new Account(deployment.env, "ada", TOKEN).events(id, 0, { token })
    ).getReader();
    const waiting = reader.read();
    deployment.unreachable.add(`ada/${id}`);
    await caller.call("revokeToken", "t");
    deployment.restart("ada");
    deployment.unreachable.clear();
    await deployment.account.alarm();
    expect((await waiting).done).toBe(true);
    expect(deployment.rows("ada", "SELECT * FROM token_readers")).toEqual([]);
  });

  test("opens nothing from then on, and what is being read with it ends", async () => {
    const { session: id, turn } = await begin();
    const idempotency = { key: "k", fingerprint: "f" };
    const { last_seq } = await caller.listEvents(id, 0);
    const token = { id: "t", expiresAt: undefined };
    const reader = (
      await new Account(deployment.env, "ada", TOKEN).events(id, last_seq, { token })
    ).getReader();
    const waiting = reader.read();
    await caller.call("revokeToken", "t");
    expect((await waiting).done).toBe(true);
    for (const call of [
      () => new Account(deployment.env, "ada", TOKEN).getSession(id),
      () => new Account(deployment.env, "ada", TOKEN).events(id, 0, { token }),
      () => new Account(deployment.env, "ada", TOKEN).updateSession(id, { title: "x" }),
      () => new Account(deployment.env, "ada", TOKEN).listSessions(undefined, 9),
      // The same turn again.
      () =>
        new Account(deployment.env, "ada", TOKEN).createTurn(
          id,
          { prompt: "x", id: turn },
          { idempotency },
        ),
    ]) {
      await expect(call()).rejects.toEqual(withCode("unauthorized"));
    }
    expect((await caller.getSession(id)).title).toBe("hello");
  });
});
