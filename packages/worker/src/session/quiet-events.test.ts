import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { TestSession } from "../../test/support/test-session.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** Whether an event that happens now is told to the feed. */
function isTold(session: TestSession): boolean {
  const { store, log } = session;
  store.outbox.delivered(Number.MAX_SAFE_INTEGER);
  store.transaction(() => {
    log.emitOwn("", "rewind", {});
    log.emitOwn("", "rewind", {});
  });
  const notices = store.outbox.next().filter(({ notice }) => notice.kind === "event");
  expect(notices.length).toBeLessThan(2);
  return notices.length === 1;
}

test("an event is told to the feed when no turn runs, once for each change", () => {
  const session = new TestSession();
  expect(isTold(session)).toBe(true);
  const turn = session.queue();
  expect(isTold(session)).toBe(false);
  session.store.markRunning(turn, Date.now());
  expect(isTold(session)).toBe(false);
  session.store.markWaiting(turn);
  expect(isTold(session)).toBe(true);
  session.parts.turns.end(turn, { status: "completed" });
  // Its readers are still there.
  vi.setSystemTime(Date.now() + 2_500);
  expect(isTold(session)).toBe(false);
  vi.setSystemTime(Date.now() + 1_000);
  expect(isTold(session)).toBe(true);
});

test("sessions that are in no list tell nothing", () => {
  expect(isTold(new TestSession({ session: { ephemeral: true } }))).toBe(false);
});
