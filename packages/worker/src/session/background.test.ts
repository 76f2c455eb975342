import type { EdgeEvent, SdkMessage } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";

const say = (session: TestSession, turn: string, subtype: string, rest: object) =>
  session.say({ kind: "message", turn, message: { type: "system", subtype, ...rest } });
const tasks = (session: TestSession, turn: string, ...ids: string[]) =>
  say(session, turn, "background_tasks_changed", {
    tasks: ids.map((task_id) => ({ task_id, task_type: "local_bash", description: task_id })),
  });
const idle = (session: TestSession, turn: string) =>
  say(session, turn, "session_state_changed", { state: "idle" });

/** What events are about, in words, with their numbers. */
const told = (events: EdgeEvent[]) =>
  events.map((event) => {
    if (event.kind === "turn") return `${event.seq} ${event.status}`;
    const { subtype, text, summary }: Partial<SdkMessage> = "message" in event ? event.message : {};
    return `${event.seq} ${String(summary ?? subtype ?? text ?? event.kind)}`;
  });
const words = (events: EdgeEvent[]) => told(events).map((line) => line.replace(/^\d+ /, ""));

/** A session whose turn has ended and left a task behind. */
async function withTask() {
  const session = new TestSession();
  const turn = session.send();
  session.running(turn);
  tasks(session, turn, "server");
  session.ended(turn);
  await session.follow();
  return { session, turn };
}

describe("a task in the background", () => {
  test("is counted in the session, which is not due to expire, and has an alarm", async () => {
    const { session, turn } = await withTask();
    expect(session.store.resource()).toMatchObject({ status: "idle", background_tasks: 1 });
    session.store.setExpiresIn(1, 0);
    expect(session.store.expiresAt()).toBeUndefined();
    tasks(session, turn);
    await session.applied();
    expect(session.store.resource()).not.toHaveProperty("background_tasks");
    // The process may still begin a turn to tell of its end.
    expect(session.store.expiresAt()).toBeUndefined();
    idle(session, turn);
    await session.applied();
    expect(session.store.expiresAt()).toBeDefined();
  });

  test("has its log read on after a restart, each event once and as it was numbered", async () => {
    const { session, turn } = await withTask();
    session.message(turn, "It has ended.");
    await session.applied();
    const before = told(await session.events());
    session.restart();
    session.parts.resume();
    await eventually(() => expect(session.runnerLog.isFollowing).toBe(true));
    tasks(session, turn);
    idle(session, turn);
    await session.applied();
    expect(told(await session.events()).slice(0, before.length)).toEqual(before);
    expect(words(await session.events()).slice(before.length)).toEqual([
      "background_tasks_changed",
      "session_state_changed",
    ]);
  });

  test("may be told of while the next turn runs: what is read again keeps its number", async () => {
    const { session, turn } = await withTask();
    const next = session.send();
    session.running(next);
    session.delta(turn, "a");
    session.message(turn, "whole");
    session.delta(next, "b");
    await session.applied();
    const before = told(await session.events());
    session.restart();
    await session.follow();
    expect(told(await session.events())).toEqual(before);
    session.message(next, "of the next");
    await session.applied();
    const last = Number(before.at(-1)!.split(" ")[0]);
    expect(told(await session.events()).at(-1)).toBe(`${last + 1} of the next`);
  });

  test("that its runner took along is told of, once", async () => {
    const { session, turn } = await withTask();
    const before = (await session.events()).length;
    session.container.replace();
    await session.follow();
    const events = (await session.events()).slice(before);
    expect(words(events)).toEqual([
      "task_updated",
      "server: stopped, because its container was lost",
      "background_tasks_changed",
      "session_state_changed",
    ]);
    expect(events.every(({ turn_id }) => turn_id === turn)).toBe(true);
    expect(session.store.resource()).not.toHaveProperty("background_tasks");
    session.container.replace();
    await session.follow();
    expect(await session.events()).toHaveLength(before + 4);
  });

  test("is not told of twice when its runner has told of it", async () => {
    const { session, turn } = await withTask();
    tasks(session, turn);
    idle(session, turn);
    await session.applied();
    const before = await session.events();
    session.container.replace();
    await session.follow();
    expect(await session.events()).toEqual(before);
  });

  test("leaves no question behind", async () => {
    const { session, turn } = await withTask();
    session.ask(turn, "call", { held: true });
    await session.applied();
    const [asked] = session.parts.requests.list();
    expect(asked).toMatchObject({ status: "pending" });
    tasks(session, turn);
    idle(session, turn);
    await session.applied();
    expect(session.parts.requests.get(asked!.id)).toMatchObject({ status: "cancelled" });
  });
});
