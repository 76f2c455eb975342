import type { RequestResource } from "@claude-edge/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";

const ALLOW = { answer: { behavior: "allow" as const } };

/** A session with a turn that has asked for a permission, by the tool use `ask`. */
async function asking(approvalTimeoutMs?: number, more: { held?: boolean } = {}) {
  const env = { CLAUDE_EDGE_SLEEP_AFTER: "2m" };
  const session = new TestSession({ env, session: { approvalTimeoutMs } });
  session.container.answer = () => ({ taken: true });
  const turn = session.send();
  session.running(turn);
  session.ask(turn, "ask", more);
  await session.follow();
  return { session, turn };
}

describe("a request", () => {
  test("is pending, with the time by which it must be answered", async () => {
    const { session, turn } = await asking(60_000);
    const request = session.requests.get("ask");
    expect(request).toMatchObject({
      id: "ask",
      session_id: session.id,
      turn_id: turn,
      kind: "permission",
      status: "pending",
      payload: { tool_name: "Bash", tool_use_id: "ask" },
    });
    expect(Date.parse(request.expires_at!) - Date.parse(request.created_at)).toBe(60_000);
    expect(session.requests.list("pending")).toEqual([request]);
    expect((await session.events()).at(-1)).toMatchObject({ kind: "request", request });
  });

  test("may wait for a week, but not longer than its container where that must stay for it", async () => {
    const lifeOf = ({ created_at, expires_at }: RequestResource) =>
      Date.parse(expires_at!) - Date.parse(created_at);
    const free = await asking();
    expect(lifeOf(free.session.requests.get("ask"))).toBe(7 * 24 * 3_600_000);
    const held = await asking(undefined, { held: true });
    expect(lifeOf(held.session.requests.get("ask"))).toBe(2 * 60_000);
    const short = await asking(5_000, { held: true });
    expect(lifeOf(short.session.requests.get("ask"))).toBe(5_000);
  });

  test("is answered once: the first answer counts, is told to the runner, and says whose it was", async () => {
    const { session } = await asking();
    const answered = await session.requests.answer("ask", { ...ALLOW, by: "ada" });
    expect(answered).toMatchObject({ status: "answered", answered_by: "ada", ...ALLOW });
    const late = session.requests.answer("ask", { answer: { behavior: "deny" }, by: "bob" });
    await expect(late).rejects.toMatchObject({
      code: "request_resolved",
      details: { status: "answered", answered_by: "ada" },
    });
    expect(session.container.calls).toEqual([
      { call: `POST /sessions/${session.id}/requests/ask`, body: ALLOW },
    ]);
    const events = await session.events();
    expect(events.filter(({ kind }) => kind === "request.resolved")).toHaveLength(1);
  });

  test("is answered once when many answer at the same time", async () => {
    const { session } = await asking();
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => session.requests.answer("ask", ALLOW)),
    );
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("takes the same answer again under its key, and another under none", async () => {
    const { session } = await asking();
    const first = await session.requests.answer("ask", ALLOW, "key");
    expect(await session.requests.answer("ask", ALLOW, "key")).toEqual(first);
    const other = session.requests.answer("ask", ALLOW, "other");
    await expect(other).rejects.toMatchObject({ code: "request_resolved" });
  });

  test.each([
    ["nothing", {}],
    ["an empty answer", { answer: {} }],
    ["no such behavior", { answer: { behavior: "maybe" } }],
    ["an answer and an error", { ...ALLOW, error: { message: "x" } }],
  ])("takes no answer of another form: %s", async (_name, given) => {
    const { session } = await asking();
    const answer = session.requests.answer("ask", given as never);
    await expect(answer).rejects.toMatchObject({ code: "invalid_request" });
    expect(session.requests.get("ask").status).toBe("pending");
  });

  test("may be answered with an error", async () => {
    const { session } = await asking();
    const error = { message: "The approver broke." };
    expect(await session.requests.answer("ask", { error })).toMatchObject({
      status: "answered",
      error,
    });
  });

  test("is found by its id, and in its own session only", async () => {
    const { session } = await asking();
    const other = new TestSession();
    const notFound = expect.objectContaining({ code: "request_not_found" });
    expect(() => session.requests.get("nothing")).toThrow(notFound);
    expect(() => other.requests.get("ask")).toThrow(notFound);
    expect(() => session.requests.list(undefined, "nothing")).toThrow(notFound);
    await expect(other.requests.answer("ask", ALLOW)).rejects.toEqual(notFound);
  });

  test("is listed oldest first, by its status and after another", async () => {
    const { session, turn } = await asking();
    for (const id of ["second", "third"]) session.ask(turn, id);
    await session.applied();
    await session.requests.answer("second", ALLOW);
    const ids = (...query: Parameters<typeof session.requests.list>) =>
      session.requests.list(...query).map(({ id }) => id);
    expect(ids()).toEqual(["ask", "second", "third"]);
    expect(ids("pending")).toEqual(["ask", "third"]);
    expect(ids(undefined, "ask")).toEqual(["second", "third"]);
    expect(ids("pending", "second")).toEqual(["third"]);
  });

  test("is told to the account when it is asked and when it is resolved", async () => {
    const { session, turn } = await asking();
    session.ask(turn, "second");
    await session.applied();
    await session.requests.answer("ask", ALLOW);
    session.ended(turn);
    await session.applied();
    await session.parts.link.deliver();
    const told = session.account.told.filter(({ kind }) => kind === "request");
    expect(told).toEqual([
      expect.objectContaining({ kind: "request", id: "ask", turn, status: "pending" }),
      expect.objectContaining({ kind: "request", id: "second", turn, status: "pending" }),
      expect.objectContaining({ kind: "request", id: "ask", turn, status: "answered" }),
      expect.objectContaining({ kind: "request", id: "second", turn, status: "cancelled" }),
    ]);
  });

  test("is cancelled when the agent no longer wants to know, and when its turn ends", async () => {
    const { session, turn } = await asking();
    session.ask(turn, "second");
    session.say({ kind: "request.cancelled", turn, request: "ask" });
    await session.applied();
    const statusOf = (id: string) => session.requests.get(id).status;
    expect([statusOf("ask"), statusOf("second")]).toEqual(["cancelled", "pending"]);
    session.ended(turn);
    await session.applied();
    expect(statusOf("second")).toBe("cancelled");
    await expect(session.requests.answer("second", ALLOW)).rejects.toMatchObject({
      code: "request_resolved",
    });
  });

  test("that waits for a runner which does not take the answer is handed over again", async () => {
    const { session } = await asking();
    session.container.answer = () => ({ taken: false });
    await session.requests.answer("ask", ALLOW);
    await eventually(() => expect(session.container.calls).toHaveLength(1));
    session.container.answer = () => ({ taken: true });
    await eventually(() => {
      session.requests.resume();
      expect(session.container.calls.length).toBeGreaterThanOrEqual(2);
    });
    await eventually(() => expect(session.store.requests.undelivered()).toEqual([]));
    const told = session.container.calls.length;
    session.requests.resume();
    expect(session.container.calls).toHaveLength(told);
  });
});

describe("time", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("ends a permission that nobody answers: it counts as denied, and the object is woken for it", async () => {
    const { session } = await asking(5_000);
    const expiry = session.requests.nextExpiry()!;
    expect(expiry).toBe(Date.now() + 5_000);
    await eventually(async () => expect(await session.storage.getAlarm()).toBe(expiry));
    vi.setSystemTime(expiry - 1);
    session.requests.expire();
    expect(session.requests.get("ask").status).toBe("pending");
    vi.setSystemTime(Date.now() + 1);
    session.requests.expire();
    const message = expect.stringContaining("Nobody answered before");
    expect(session.requests.get("ask")).toMatchObject({
      status: "expired",
      answer: { behavior: "deny", message },
    });
    expect(session.requests.nextExpiry()).toBeUndefined();
    await expect(session.requests.answer("ask", ALLOW)).rejects.toMatchObject({
      code: "request_resolved",
      details: { status: "expired" },
    });
  });

  test("ends it too when the first answer comes too late to find it expired", async () => {
    const { session } = await asking(5_000);
    vi.setSystemTime(Date.now() + 5_000);
    await expect(session.requests.answer("ask", ALLOW)).rejects.toMatchObject({
      details: { status: "expired" },
    });
  });

  /** A session whose turn can ask a hook. */
  function askingCaller() {
    const session = new TestSession({ env: { CLAUDE_EDGE_CALLER_GRACE: "10s" } });
    session.container.answer = () => ({ taken: true });
    const turn = session.send();
    session.running(turn);
    const statusAfter = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      return session.requests.get("hook").status;
    };
    const read = (callbacks: boolean) =>
      session.log.stream(0, { callbacks, isBarred: () => false });
    const ask = async () => {
      session.askCaller(turn, "hook");
      await session.follow();
    };
    return { session, statusAfter, read, ask };
  }

  test("fails a hook whose caller is gone, after its grace, and with the reason", async () => {
    const { session, statusAfter, ask } = askingCaller();
    await ask();
    expect(await statusAfter(9_000)).toBe("pending");
    expect(await statusAfter(1_100)).toBe("cancelled");
    expect(session.requests.get("hook").error).toMatchObject({ code: "caller_gone" });
    expect(session.container.calls.at(-1)!.body).toMatchObject({ error: { code: "caller_gone" } });
  });

  test("does not fail one while somebody reads with callbacks; the grace begins when the last has left", async () => {
    const { statusAfter, read, ask } = askingCaller();
    const callers = [read(true), read(true)];
    await ask();
    expect(await statusAfter(60_000)).toBe("pending");
    await callers[0]!.cancel();
    expect(await statusAfter(60_000)).toBe("pending");
    await callers[1]!.cancel();
    expect(await statusAfter(9_000)).toBe("pending");
    // Back in time.
    const again = read(true);
    expect(await statusAfter(60_000)).toBe("pending");
    await again.cancel();
    expect(await statusAfter(10_100)).toBe("cancelled");
  });

  test("is not held up by a reader without callbacks", async () => {
    const { statusAfter, read, ask } = askingCaller();
    const reader = read(false);
    await ask();
    expect(await statusAfter(10_100)).toBe("cancelled");
    await reader.cancel();
  });

  test("does not fail a permission, which anybody can answer", async () => {
    const { session } = await asking();
    await vi.advanceTimersByTimeAsync(60_000);
    session.requests.resume();
    expect(session.requests.get("ask").status).toBe("pending");
  });
});
