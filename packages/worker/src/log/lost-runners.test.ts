import type { EdgeEvent } from "@claude-edge/protocol";
import { describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { sessionStorage } from "../../test/support/storage.js";
import { TestContainer } from "../../test/support/test-container.js";
import { TestSession } from "../../test/support/test-session.js";
import { LostRunners } from "./lost-runners.js";

/** What an event is about, in a word. */
const nameOf = (event: EdgeEvent) => {
  if (event.kind === "turn") return event.status;
  return event.kind === "message" ? String(event.message.text) : event.kind;
};
const names = (events: EdgeEvent[]) => events.map(nameOf);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A session with a turn that has said so in the runner's log. */
function running(settings?: ConstructorParameters<typeof TestSession>[0]) {
  const session = new TestSession(settings);
  const turn = session.send();
  session.running(turn);
  return { session, turn };
}

describe("a runner that was given up on", () => {
  test("is not taken for lost while its container's object cannot be reached, for a minute", async () => {
    const { session, turn } = running();
    await session.follow();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    captureLog();
    session.container.isReachable = false;
    session.container.breakConnections();
    await pause(300);
    vi.setSystemTime(Date.now() + 59_000);
    await pause(600);
    expect(session.turn(turn).status).toBe("running");
    vi.setSystemTime(Date.now() + 2_000);
    await eventually(() => expect(session.turn(turn).status).toBe("failed"), { timeout: 10_000 });
    vi.useRealTimers();
  });

  test.each([
    ["does not answer", { isHealthy: false, hasLogs: false }],
    ["is healthy, but its log cannot be read", { isHealthy: true, hasLogs: false }],
  ])("is given a minute while its container runs and it %s", async (_name, state) => {
    const { session, turn } = running();
    await session.follow();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    Object.assign(session.container, state);
    session.container.breakConnections();
    await pause(300);
    vi.setSystemTime(Date.now() + 59_000);
    await pause(1_500);
    expect(session.turn(turn).status).toBe("running");
    vi.setSystemTime(Date.now() + 2_000);
    await eventually(() => expect(session.turn(turn).status).toBe("failed"), { timeout: 10_000 });
    expect(session.container.ended).toEqual([session.container.boot]);
    vi.useRealTimers();
  });

  test("is lost at once when its container is gone", async () => {
    const { session, turn } = running();
    await session.follow();
    Object.assign(session.container, { isRunning: false, isHealthy: false, hasLogs: false });
    // Time stands still.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    session.container.breakConnections();
    // No tool ran, so the turn is begun again.
    await eventually(() => expect(session.turn(turn)).toMatchObject({ resumed: 1 }));
    vi.useRealTimers();
  });

  test("is ended before its container is used again, and its log is not read again", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    captureLog();
    const { session, turn } = running();
    const { container } = session;
    const { boot } = container;
    session.message(turn, "whole");
    await session.follow();
    container.isReachable = false;
    container.breakConnections();
    await pause(300);
    vi.setSystemTime(Date.now() + 61_000);
    await eventually(() => expect(session.turn(turn).status).toBe("failed"), { timeout: 10_000 });
    vi.useRealTimers();
    // It could not be stopped, and is there again.
    container.isReachable = true;
    session.restart();
    const next = session.queue();
    session.parts.turns.grant(next);
    await eventually(() => expect(session.turn(next).boot).not.toBeNull(), { timeout: 10_000 });
    expect(container.ended).toEqual([boot]);
    expect(session.turn(next).boot).not.toBe(boot);
    expect(names(await session.events())).toEqual([
      "queued",
      "running",
      "whole",
      "failed",
      "queued",
    ]);
  });

  test("does not get a turn that was on its way to it", async () => {
    const { session, turn } = running();
    const { container } = session;
    const { boot } = container;
    session.ended(turn);
    await session.follow();
    const next = session.queue();
    container.answer = (call) => {
      // Its answer comes, but too late.
      if (call.endsWith(next)) session.store.lostRunners.add(boot);
      return {};
    };
    session.parts.turns.grant(next);
    await eventually(() => expect(session.turn(next).boot).not.toBeNull(), { timeout: 10_000 });
    expect(container.ended).toEqual([boot]);
    expect(session.turn(next).boot).not.toBe(boot);
  });
});

describe("a log that was removed in its runner", () => {
  test("is lost for its session alone, which goes on with a new one in the same runner", async () => {
    const container = new TestContainer();
    const [one, two] = [running({ container }), running({ container })];
    const entry = { type: "user", uuid: "u", message: { content: "hello" } };
    one.session.say({ kind: "transcript", turn: one.turn, entries: [entry] });
    one.session.message(one.turn, "whole");
    for (const { session } of [one, two]) await session.follow();
    one.session.runner.clear();
    await eventually(() => expect(one.session.turn(one.turn).status).toBe("failed"), {
      timeout: 10_000,
    });
    expect(container.ended).toEqual([]);
    expect(two.session.turn(two.turn).status).toBe("running");
    const next = one.session.queue();
    one.session.parts.turns.grant(next);
    await eventually(() => expect(one.session.turn(next).boot).toBe(container.boot), {
      timeout: 10_000,
    });
    // The runner has forgotten the conversation too.
    expect(container.calls.map(({ call }) => call)).toContain(
      `PUT /sessions/${one.session.id}/transcript`,
    );
    one.session.running(next);
    one.session.ended(next);
    await one.session.applied();
    expect(names(await one.session.events()).slice(-3)).toEqual(["queued", "running", "completed"]);
  });

  test("shows after a restart too, when it is as long as the part that is read again begins at", async () => {
    const { session, turn } = running();
    session.message(turn, "whole");
    await session.follow();
    session.restart();
    session.runner.clear();
    session.running("another");
    session.runnerLog.follow(session.container.boot);
    await eventually(() => expect(session.turn(turn).status).toBe("failed"), { timeout: 10_000 });
    expect(names(await session.events())).toEqual(["queued", "running", "whole", "failed"]);
  });
});

test("the eight newest runners that were given up on are known", () => {
  const lost = new LostRunners(sessionStorage().sql);
  expect(lost.has("0")).toBe(false);
  for (let boot = 0; boot < 12; boot += 1) {
    lost.add(String(boot));
    lost.add(String(boot));
  }
  const known = Array.from({ length: 12 }, (_, boot) => String(boot)).filter((boot) =>
    lost.has(boot),
  );
  expect(known).toEqual(["4", "5", "6", "7", "8", "9", "10", "11"]);
});
