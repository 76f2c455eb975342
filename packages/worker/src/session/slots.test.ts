import { randomUUID } from "node:crypto";

import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { Account } from "../http/account.js";

const { Store } = await import("./store.js");

const MINUTE = 60_000;

let deployment = new TestDeployment();
let caller = new Account(deployment.env, "ada");
beforeEach(() => {
  deployment = new TestDeployment();
  caller = new Account(deployment.env, "ada");
  captureLog();
});

const withCode = (code: string) => expect.objectContaining({ code });
const statusOf = async (session: string, turn: string) =>
  (await caller.getTurn(session, turn)).status;
const used = () => deployment.account.limits().used;
const isHandedOver = (turn: string) =>
  deployment.container.calls.some(({ call }) => call.endsWith(`/turns/${turn}`));
const handedOver = (turn: string) =>
  eventually(() => expect(isHandedOver(turn)).toBe(true), { timeout: 10_000 });
const begin = async (session: string = randomUUID()) => {
  const { turn } = await caller.query({ prompt: "hello", session_id: session });
  return { session, turn: turn.id };
};
const send = async (session: string) =>
  (await caller.createTurn(session, { prompt: "next" })).turn.id;
/** Ends a turn as its runner does. */
async function end(session: string, turn: string): Promise<void> {
  const log = deployment.container.logOf(session);
  log.say({ kind: "turn", turn, status: "running" }, { kind: "turn", turn, status: "completed" });
  await eventually(async () => expect(await statusOf(session, turn)).toBe("completed"), {
    timeout: 10_000,
  });
}

describe("a slot whose lease ran out while its turn runs", () => {
  /** A session with a turn that runs, of which the account knows nothing any more. */
  async function withoutSlot() {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    onTestFinished(() => void vi.useRealTimers());
    const { session, turn } = await begin();
    await handedOver(turn);
    return {
      session,
      turn,
      async expire() {
        deployment.unreachable.add(`ada/${session}`);
        vi.setSystemTime(Date.now() + 10 * MINUTE);
        await deployment.account.alarm();
        deployment.unreachable.delete(`ada/${session}`);
      },
    };
  }

  test("goes to another session, and is given again over the limit: nothing begins until both have ended", async () => {
    const { session, turn, expire } = await withoutSlot();
    const other = await begin();
    await expire();
    await handedOver(other.turn);
    expect(used()).toMatchObject({ running_turns: 1, queued_turns: 0 });
    await deployment.session(session).alarm();
    await eventually(() => expect(used().running_turns).toBe(2));
    const third = await begin();
    await end(session, turn);
    await eventually(() => expect(used()).toMatchObject({ running_turns: 1, queued_turns: 1 }));
    expect(isHandedOver(third.turn)).toBe(false);
    await end(other.session, other.turn);
    await handedOver(third.turn);
    await end(third.session, third.turn);
    await eventually(() => expect(used().running_turns).toBe(0));
  });

  test("goes to another session, and the turn runs on to its end", async () => {
    const { session, turn, expire } = await withoutSlot();
    const other = await begin();
    await expire();
    await handedOver(other.turn);
    expect(used()).toMatchObject({ running_turns: 1, queued_turns: 0 });
    await end(session, turn);
    expect(used()).toMatchObject({ running_turns: 1, queued_turns: 0 });
    await end(other.session, other.turn);
    await eventually(() => expect(used().running_turns).toBe(0));
    expect((await caller.call("usage", {})).total.turns).toBe(2);
  });

  test("is taken again before the session's next turn, which begins when the one that runs has ended", async () => {
    const { session, turn, expire } = await withoutSlot();
    const next = await send(session);
    await expire();
    // The session claims a slot for what it has in its queue.
    await deployment.session(session).alarm();
    await eventually(() => expect(used()).toMatchObject({ running_turns: 1, queued_turns: 1 }));
    expect(await statusOf(session, next)).toBe("queued");
    expect(isHandedOver(next)).toBe(false);
    await end(session, turn);
    await handedOver(next);
    await end(session, next);
    await eventually(() => expect(used().running_turns).toBe(0));
  });

  test("goes to a turn that comes then, which waits for the one that runs too", async () => {
    const { session, turn, expire } = await withoutSlot();
    await expire();
    const next = await send(session);
    expect(await statusOf(session, next)).toBe("queued");
    expect(isHandedOver(next)).toBe(false);
    await end(session, turn);
    await handedOver(next);
    expect(await statusOf(session, next)).toBe("running");
  });
});

test("a slot that is granted to a session that is gone goes to the next", async () => {
  const first = await begin();
  const check = { isFirst: true };
  const gone = { session: randomUUID(), turn: randomUUID() };
  deployment.account.admitTurn({ check, ...gone, maySeeSessions: true });
  const third = await begin();
  await end(first.session, first.turn);
  await handedOver(third.turn);
  expect(used()).toMatchObject({ running_turns: 1, queued_turns: 0 });
});

describe("a turn that was admitted and could not be stored", () => {
  const failOnce = () => {
    const failing = vi.spyOn(Store.prototype, "insertTurn").mockImplementationOnce(() => {
      throw new Error("database or disk is full");
    });
    onTestFinished(() => failing.mockRestore());
  };

  test("frees its slot at once, and takes the session that it was to create with it", async () => {
    const session = randomUUID();
    failOnce();
    await expect(begin(session)).rejects.toThrow("full");
    expect(used()).toMatchObject({ running_turns: 0, queued_turns: 0, sessions: 0 });
    const { turn } = await begin(session);
    await handedOver(turn);
  });

  test("leaves its session, and the turns that run and wait", async () => {
    const { session, turn } = await begin();
    const waiting = await begin();
    failOnce();
    await expect(send(session)).rejects.toThrow("full");
    expect(used()).toMatchObject({ running_turns: 1, queued_turns: 1, sessions: 2 });
    await end(session, turn);
    await handedOver(waiting.turn);
  });

  test("has no slot when its session was deleted meanwhile", async () => {
    const { id } = await caller.createSession({});
    deployment.beforeReply = async (_name, method) => {
      if (method !== "admitTurn") return;
      deployment.beforeReply = () => {};
      await caller.deleteSession(id);
      // The account was asked again, and the turn is in the queue after the deletion.
      const check = { isFirst: false };
      deployment.account.admitTurn({ check, session: id, turn: "1", maySeeSessions: true });
    };
    const call = caller.createTurn(id, { prompt: "x", id: "1" });
    await expect(call).rejects.toEqual(withCode("session_not_found"));
    expect(used()).toMatchObject({ running_turns: 0, queued_turns: 0 });
  });

  test("is withdrawn when the account's reply was lost", async () => {
    const { id } = await caller.createSession({});
    deployment.beforeReply = (_name, method) => {
      if (method === "admitTurn") throw new Error("reset");
    };
    await expect(send(id)).rejects.toThrow("reset");
    deployment.beforeReply = () => {};
    expect(used()).toMatchObject({ running_turns: 0, queued_turns: 0 });
  });
});
