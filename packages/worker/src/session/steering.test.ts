import { randomUUID } from "node:crypto";

import type { TurnEvent } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";

/** A session with a turn that runs and a message for it. */
async function steered() {
  const session = new TestSession();
  const turn = session.send();
  session.running(turn);
  await session.follow();
  const message = session.queue({ prompt: "Stop.", priority: "next" });
  const statuses = async () => {
    const events = (await session.events()) as TurnEvent[];
    const own = events.filter(({ turn_id }) => turn_id === message);
    return own.map(({ status, steered_turn_id: by }) =>
      by === turn ? `${status} with it` : status,
    );
  };
  const takeIn = () =>
    session.say({ kind: "turn", turn: message, status: "running", steered_turn: turn });
  return { session, turn, message, statuses, takeIn };
}

const callOf = (turn: string, message: string) => `/turns/${turn}/messages/${message}`;

describe("a message for the turn that runs", () => {
  test("is given to its runner, also after a restart", async () => {
    const { session, turn, message } = await steered();
    const calls = () =>
      session.container.calls.filter(({ call }) => call.includes(callOf(turn, message)));
    session.parts.turns.steer();
    await eventually(() => expect(calls()).toHaveLength(1));
    session.restart();
    session.parts.resume();
    await eventually(() => expect(calls()).toHaveLength(2));
  });

  test("that was taken in ends with it, and its usage is that turn's", async () => {
    const { session, turn, message, statuses, takeIn } = await steered();
    takeIn();
    await session.applied();
    expect(session.store.runningTurn()?.id).toBe(turn);
    expect(session.store.newestBegun()).toBe(turn);
    const result = { text: "Stopped.", stop_reason: null, num_turns: 1, duration_ms: 1 };
    session.ended(turn, { result });
    await session.applied();
    expect(await statuses()).toEqual(["queued", "running with it", "completed with it"]);
    expect(session.store.turnResource(message)).toMatchObject({ status: "completed", result });
    expect(session.store.openTurns()).toEqual([]);
  });

  test("that was not taken in is left in the queue", async () => {
    const { session, turn, message, statuses } = await steered();
    session.ended(turn);
    await session.applied();
    expect(await statuses()).toEqual(["queued"]);
    await session.parts.claim();
    expect(session.account.claims.at(-1)).toEqual([message]);
  });

  test("that was taken in has no slot of its own, and takes none", async () => {
    const { session, message, takeIn } = await steered();
    takeIn();
    await session.applied();
    await session.parts.claim();
    expect(session.account.claims.at(-1)).toEqual([message]);
    expect(session.parts.turns.grant(message)).toBe(true);
    expect(session.turn(message).boot).toBeNull();
  });

  test("a repeated log says it once", async () => {
    const { session, statuses, takeIn } = await steered();
    takeIn();
    await session.applied();
    session.restart();
    await session.follow();
    takeIn();
    await session.applied();
    expect(await statuses()).toEqual(["queued", "running with it"]);
  });
});

describe("when the process of the turn is gone", () => {
  const attachment = (id: string) => ({
    type: "attachment",
    uuid: randomUUID(),
    attachment: { type: "queued_command", prompt: "Stop.", source_uuid: id },
  });

  test("a message waits again that its transcript does not have", async () => {
    const { session, turn, statuses, takeIn } = await steered();
    takeIn();
    await session.applied();
    session.parts.steering.reconcile(turn);
    expect(await statuses()).toEqual(["queued", "running with it", "queued"]);
  });

  test("a message is taken in that its transcript has", async () => {
    const { session, turn, message, statuses } = await steered();
    session.say({ kind: "transcript", turn, entries: [attachment(message)] });
    await session.applied();
    session.parts.steering.reconcile(turn);
    session.parts.steering.reconcile(turn);
    expect(await statuses()).toEqual(["queued", "running with it"]);
  });
});
