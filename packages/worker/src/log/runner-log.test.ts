import type { EdgeEvent } from "@claude-edge/protocol";
import type { TurnFrame } from "@claude-edge/protocol/runner";
import { describe, expect, test, vi } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestContainer } from "../../test/support/test-container.js";
import { TestSession } from "../../test/support/test-session.js";

/** What an event is about, in a word. */
const nameOf = (event: EdgeEvent) => {
  if (event.kind === "turn") return event.status;
  if (event.kind === "message" || event.kind === "delta") return String(event.message.text);
  return event.kind;
};
const names = (events: EdgeEvent[]) => events.map(nameOf);
const numbered = (events: EdgeEvent[]) => events.map((event) => `${event.seq} ${nameOf(event)}`);

/** A session with a turn that has said so in the runner's log. */
function running(settings?: ConstructorParameters<typeof TestSession>[0]) {
  const session = new TestSession(settings);
  const turn = session.send();
  session.running(turn);
  return { session, turn };
}

describe("a runner's log", () => {
  test("becomes the session's events, numbered in its order", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    session.delta(turn, "b");
    session.message(turn, "ab");
    session.ended(turn);
    await session.follow();
    expect(numbered(await session.events())).toEqual([
      "1 queued",
      "2 running",
      "3 a",
      "4 b",
      "5 ab",
      "6 completed",
    ]);
    expect(session.turn(turn)).toMatchObject({ status: "completed", end_seq: 6 });
    expect(session.store.resource()).toMatchObject({ status: "idle", last_seq: 6 });
  });

  test("is read on over what a container has put into it that is no frame", async () => {
    const { session, turn } = running();
    const poisoned = [
      { kind: "request", turn, request: { id: "x".repeat(3_000_000), kind: "hook", payload: {} } },
      { kind: "turn", turn, status: "exploded" },
      { kind: "message", turn: {}, message: {} },
    ];
    session.say(...(poisoned as unknown as Parameters<TestSession["say"]>));
    const used = { inputTokens: 1e300, outputTokens: -1, costUSD: 1e300 };
    const result = { type: "result", model_usage_since_last_result: { ["x".repeat(3e6)]: used } };
    session.say({ kind: "message", turn, message: result });
    session.ended(turn, { usage: { cost_usd: 1e300 } as NonNullable<TurnFrame["usage"]> });
    await session.follow();
    expect(names(await session.events()).filter((name) => name !== "undefined")).toEqual([
      "queued",
      "running",
      "completed",
    ]);
    await session.parts.link.deliver();
    const told = session.account.told.find(({ kind }) => kind === "usage");
    expect(told).toMatchObject({
      model: "unknown",
      used: { input_tokens: 1e12, output_tokens: 0, cost: 9_000e12 },
    });
  });

  test("keeps pieces of messages in memory alone", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    session.message(turn, "whole");
    session.ended(turn);
    await session.follow();
    session.restart();
    expect(numbered(await session.events())).toEqual([
      "1 queued",
      "2 running",
      "4 whole",
      "5 completed",
    ]);
  });

  test("is read on after a broken connection, each frame once", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    await session.follow();
    session.container.breakConnections();
    session.delta(turn, "b");
    session.message(turn, "ab");
    await session.applied();
    expect(names(await session.events())).toEqual(["queued", "running", "a", "b", "ab"]);
    expect(session.turn(turn).status).toBe("running");
  });

  test("is read on when the container's object was reset, which its container outlives", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    await session.follow();
    session.container.resetObject();
    session.message(turn, "ab");
    await session.applied();
    expect(names(await session.events())).toEqual(["queued", "running", "a", "ab"]);
    expect(session.turn(turn).status).toBe("running");
    expect(session.container.ended).toEqual([]);
  });

  test("is read on where it was left, also when only pieces of messages came last", async () => {
    const { session, turn } = running();
    session.ended(turn);
    await session.follow();
    session.delta(turn, "a");
    await session.applied();
    // With nothing to do it is read no more after a while.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    session.runnerLog.touch();
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    expect(session.runnerLog.isFollowing).toBe(false);
    await session.follow();
    session.delta(turn, "b");
    await session.applied();
    expect(names(await session.events())).toEqual(["queued", "running", "completed", "a", "b"]);
  });

  test("is each session's own in a container of several", async () => {
    const container = new TestContainer();
    const [one, two] = [running({ container }), running({ container })];
    for (const text of ["a", "b"]) {
      one.session.delta(one.turn, `1${text}`);
      two.session.delta(two.turn, `2${text}`);
    }
    await one.session.follow();
    expect(names(await one.session.events())).toEqual(["queued", "running", "1a", "1b"]);
    expect(names(await two.session.events())).toEqual(["queued"]);
    await two.session.follow();
    expect(names(await two.session.events())).toEqual(["queued", "running", "2a", "2b"]);
  });

  test("says nothing more of a turn that has ended", async () => {
    const { session, turn } = running();
    session.ended(turn, { status: "interrupted" });
    await session.follow();
    session.ended(turn);
    await session.applied();
    expect(names(await session.events())).toEqual(["queued", "running", "interrupted"]);
  });

  test("is not applied to a session that is being deleted, and is not followed for it again", async () => {
    const { session, turn } = running();
    await session.follow();
    session.store.isDeleting = true;
    session.message(turn, "late");
    await session.applied();
    session.runnerLog.stop();
    session.runnerLog.follow(session.container.boot);
    expect(session.runnerLog.isFollowing).toBe(false);
    session.store.isDeleting = false;
    expect(names(await session.events())).toEqual(["queued", "running"]);
    await session.store.clear();
    session.runnerLog.follow(session.container.boot);
    expect(session.runnerLog.isFollowing).toBe(false);
  });

  test("is stored up to its last event that lasts, in the same transaction", async () => {
    const { session, turn } = running();
    session.message(turn, "whole");
    await session.follow();
    expect(session.store.followed).toMatchObject({ cursor: 2 });
    session.delta(turn, "a");
    await session.applied();
    expect(session.store.followed).toMatchObject({ cursor: 2 });
  });
});

describe("a session that is restarted in mid-turn", () => {
  test("gives every event the number it had, pieces of messages too, and continues after them", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    session.delta(turn, "b");
    session.message(turn, "ab");
    session.delta(turn, "c");
    await session.follow();
    const before = await session.events();
    session.restart();
    await session.follow();
    expect(await session.events()).toEqual(before);
    session.delta(turn, "d");
    await session.applied();
    expect(numbered(await session.events()).at(-1)).toBe("7 d");
  });

  test("keeps the number of a prompt that was queued between pieces of an answer", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    await session.follow();
    const next = session.queue();
    session.delta(turn, "b");
    await session.applied();
    const before = numbered(await session.events());
    expect(before).toEqual(["1 queued", "2 running", "3 a", "4 queued", "5 b"]);
    session.restart();
    await session.follow();
    expect(numbered(await session.events())).toEqual(before);
    expect(session.turn(next)).toMatchObject({ first_seq: 4 });
  });

  test("makes readers and its own events wait until all that was handed out is there again", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    session.delta(turn, "b");
    await session.follow();
    session.restart();
    session.runnerLog.follow(session.container.boot);
    expect(session.log.isHeld).toBe(true);
    expect(() => session.queue()).toThrow(/being replayed/);
    const reading = session.events();
    await session.log.whenReplayed();
    expect(numbered(await reading)).toEqual(["1 queued", "2 running", "3 a", "4 b"]);
    session.queue();
    expect(numbered(await session.events()).at(-1)).toBe("5 queued");
  });

  test("reads again from the turn that runs, not from one that ended before it in the same log", async () => {
    const { session, turn: first } = running();
    session.delta(first, "a");
    session.ended(first);
    const second = session.send();
    session.running(second);
    session.delta(second, "b");
    session.message(second, "whole");
    await session.follow();
    const before = numbered(await session.events());
    session.restart();
    await session.follow();
    expect(numbered(await session.events())).toEqual(before.filter((name) => !name.endsWith(" a")));
  });

  test("reads its own log again, and not that of another session in the same container", async () => {
    const container = new TestContainer();
    const [one, two] = [running({ container }), running({ container })];
    one.session.delta(one.turn, "a");
    two.session.delta(two.turn, "x");
    two.session.ended(two.turn);
    const short = two.session.send();
    two.session.running(short);
    one.session.delta(one.turn, "b");
    two.session.delta(short, "y");
    for (const { session } of [one, two]) await session.follow();
    const before = [
      numbered(await one.session.events()),
      numbered(await two.session.events()).filter((name) => !name.endsWith(" x")),
    ];
    for (const { session } of [one, two]) {
      session.restart();
      await session.follow();
    }
    expect(numbered(await one.session.events())).toEqual(before[0]);
    expect(numbered(await two.session.events())).toEqual(before[1]);
  });

  test("reads on what came while it was away", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    session.message(turn, "a whole");
    await session.follow();
    session.restart();
    session.delta(turn, "b");
    session.message(turn, "b whole");
    session.ended(turn);
    await session.follow();
    expect(numbered(await session.events())).toEqual([
      "1 queued",
      "2 running",
      "3 a",
      "4 a whole",
      "5 b",
      "6 b whole",
      "7 completed",
    ]);
  });

  test("has its runner keep the log from the running turn's beginning", async () => {
    const { session, turn } = running();
    session.ended(turn);
    const second = session.send();
    session.running(second);
    session.message(second, "whole");
    await session.follow();
    await eventually(() => expect(session.runner.acknowledged).toBe(2), { timeout: 10_000 });
  });
});

describe("a runner that is replaced", () => {
  test("has lost its turn; later numbers are far from what its pieces may have had", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    await session.follow();
    session.container.replace();
    await session.follow();
    expect(session.store.turnResource(turn)).toMatchObject({
      status: "failed",
      error: { code: "container_lost" },
    });
    const next = session.send();
    session.running(next);
    await session.applied();
    const events = await session.events();
    expect(names(events)).toEqual(["queued", "running", "a", "failed", "queued", "running"]);
    expect(events[3]!.seq).toBe(1_000_004);
  });

  test("is lost just after a restart: what is stored is read, and numbers jump all the same", async () => {
    const { session, turn } = running();
    session.delta(turn, "a");
    session.message(turn, "whole");
    session.delta(turn, "b");
    await session.follow();
    session.restart();
    session.container.replace();
    await session.follow();
    expect(numbered(await session.events())).toEqual([
      "1 queued",
      "2 running",
      "4 whole",
      "1000005 failed",
    ]);
  });

  test("takes with it only what it ran: a turn on its way to the next one stays open", async () => {
    const { session, turn } = running();
    session.ended(turn);
    await session.follow();
    const next = session.queue();
    session.store.markRunning(next, Date.now());
    session.container.replace();
    await session.follow();
    expect(session.turn(next).status).toBe("running");
    expect(names(await session.events()).at(-1)).toBe("queued");
  });

  test("is lost when its container says that it no longer runs", async () => {
    const { session, turn } = running({ session: { onContainerLost: "fail" } });
    await session.follow();
    session.container.isRunning = false;
    session.container.breakConnections();
    await eventually(() => expect(session.turn(turn).status).toBe("failed"), { timeout: 10_000 });
    expect(session.runnerLog.isFollowing).toBe(false);
    expect(session.store.followed).toBeUndefined();
    expect(session.container.ended).toEqual([session.container.boot]);
  });
});

describe("waiting for a log", () => {
  test("is over when it is not followed, and when the time is", async () => {
    const { session } = running();
    expect(await session.runnerLog.whenApplied(1, 1_000)).toBe(false);
    await session.follow();
    expect(await session.runnerLog.whenApplied(1, 0)).toBe(true);
    expect(await session.runnerLog.whenApplied(2, 20)).toBe(false);
    const applied = session.runnerLog.whenApplied(2, 10_000);
    session.message(session.store.runningTurn()!.id, "x");
    expect(await applied).toBe(true);
    const stopped = session.runnerLog.whenApplied(9, 10_000);
    session.runnerLog.stop();
    expect(await stopped).toBe(false);
  });
});
