import { describe, expect, test } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";
import { unavailable } from "../container/failure.js";

const isTaken = (session: TestSession, turn: string) =>
  eventually(() => expect(session.turn(turn).boot).toBe(session.container.boot), {
    timeout: 5_000,
  });
const isOver = (session: TestSession, turn: string) =>
  eventually(() => expect(session.turn(turn).ended_at).not.toBeNull(), { timeout: 5_000 });

describe("a turn that the platform has no container for", () => {
  const REFUSED = unavailable("x", "there is no container instance available at this time");
  const waitsOf = async (session: TestSession) =>
    (await session.events()).filter((event) => event.kind === "turn" && event.reason);
  const isWaiting = (session: TestSession, turn: string) =>
    eventually(() => expect(session.turn(turn).waiting_since).not.toBeNull());
  /** A session whose containers are refused until `isRefused` is unset. */
  const refused = (env = {}) => {
    const session = new TestSession({ env });
    const state = { session, turn: session.queue(), isRefused: true, asked: 0 };
    session.container.onEnsure = () => {
      state.asked += 1;
      if (state.isRefused) throw REFUSED;
    };
    session.parts.turns.grant(state.turn);
    return state;
  };

  test("waits, tells its readers once, and goes on when there is one", async () => {
    const state = refused();
    const { session, turn } = state;
    await eventually(() => expect(state.asked).toBe(2), { timeout: 5_000 });
    const since = new Date(session.turn(turn).waiting_since!).toISOString();
    expect(await waitsOf(session)).toEqual([
      {
        kind: "turn",
        seq: 2,
        at: expect.any(Number),
        turn_id: turn,
        session_id: session.id,
        status: "queued",
        reason: "waiting_for_capacity",
        cause: "no_instance",
        since,
      },
    ]);
    // The slot is its own while it waits.
    expect(session.turn(turn).status).toBe("running");
    state.isRefused = false;
    await isTaken(session, turn);
    expect(session.turn(turn).waiting_since).toBeNull();
    expect(await waitsOf(session)).toHaveLength(1);
  });

  test("fails with the reason when its patience ends", async () => {
    const { session, turn } = refused({ CLAUDE_EDGE_CAPACITY_PATIENCE: "1s" });
    await isOver(session, turn);
    expect(session.store.turnResource(turn)).toMatchObject({
      status: "failed",
      error: { code: "container_unavailable", details: { reason: "no_instance" } },
    });
  });

  test("has the same patience left after a restart, and tells nothing again", async () => {
    const state = refused();
    const { session, turn } = state;
    await isWaiting(session, turn);
    session.store.setWaitingSince(turn, Date.now() - 600_000);
    session.restart();
    session.parts.resume();
    await isOver(session, turn);
    expect(session.turn(turn).status).toBe("failed");
    expect(await waitsOf(session)).toHaveLength(1);
  });

  test("is ended at once by an interrupt", async () => {
    const state = refused();
    const { session, turn } = state;
    await isWaiting(session, turn);
    await session.parts.turns.interrupt(session.turn(turn));
    expect(session.turn(turn).status).toBe("interrupted");
    state.isRefused = false;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(session.container.calls).toEqual([]);
  });
});
