import { EdgeError } from "@claude-edge/protocol";
import { describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";
import { callControl } from "./control.js";

const callsOf = (session: TestSession) => session.container.calls.map(({ call }) => call);
const pathOf = (session: TestSession, turn: string) => `/sessions/${session.id}/turns/${turn}`;
const refusal = (status: number, error: string) =>
  Response.json({ error, message: "No." }, { status, headers: { "retry-after": "0" } });
const isTaken = (session: TestSession, turn: string) =>
  eventually(() => expect(session.turn(turn).boot).toBe(session.container.boot), {
    timeout: 5_000,
  });
const isOver = (session: TestSession, turn: string) =>
  eventually(() => expect(session.turn(turn).ended_at).not.toBeNull(), { timeout: 5_000 });

describe("a turn that is given a slot", () => {
  test("is handed to the runner, once, with its prompt and the session's options", async () => {
    const session = new TestSession({ session: { options: { model: "opus" } } });
    const turn = session.queue({ prompt: "hello", traceparent: "00-trace" });
    expect(session.parts.turns.grant(turn)).toBe(true);
    expect(session.parts.turns.grant(turn)).toBe(true);
    await isTaken(session, turn);
    expect(session.container.calls).toEqual([
      {
        call: `PUT ${pathOf(session, turn)}`,
        body: expect.objectContaining({
          prompt: "hello",
          traceparent: "00-trace",
          options: { model: "opus" },
        }),
      },
    ]);
    expect(session.turn(turn)).toMatchObject({ status: "running" });
    expect(session.runnerLog.isFollowing).toBe(true);
  });

  test("is none when it is over or is not there, and does not begin while it waits for an answer", () => {
    const session = new TestSession();
    const [over, waits] = [session.queue(), session.queue()];
    session.parts.turns.end(over, { status: "interrupted" });
    session.store.markWaiting(waits);
    const grant = (turn: string) => session.parts.turns.grant(turn);
    expect([grant(over), grant("none")]).toEqual([false, false]);
    // The account has yet to hear of it: its place in the queue is not to be lost.
    expect(grant(waits)).toBe(true);
    expect(session.turn(waits).status).toBe("waiting");
    expect(callsOf(session)).toEqual([]);
  });

  test("is not handed over once it is over, or its session is being deleted", async () => {
    for (const stop of [
      (session: TestSession, turn: string) => session.parts.turns.end(turn, { status: "failed" }),
      (session: TestSession) => void (session.store.isDeleting = true),
    ]) {
      const session = new TestSession();
      const turn = session.queue();
      session.store.transcripts.append("", [{ type: "user", uuid: "u" }]);
      session.container.answer = (call) => {
        if (call.endsWith("/transcript")) stop(session, turn);
        return {};
      };
      session.parts.turns.grant(turn);
      await eventually(() => expect(callsOf(session)).toHaveLength(1));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(callsOf(session)).toEqual([`PUT /sessions/${session.id}/transcript`]);
    }
  });

  test("is offered again to a runner without room, and to one where the turn before is ending", async () => {
    const session = new TestSession();
    const turn = session.queue();
    const answers = [refusal(503, "no_room"), refusal(409, "turn_running")];
    session.container.answer = () => answers.shift() ?? {};
    session.parts.turns.grant(turn);
    await isTaken(session, turn);
    expect(callsOf(session)).toHaveLength(3);
  });

  test("is handed over although the container's object is reset meanwhile", async () => {
    const session = new TestSession();
    const turn = session.queue();
    let resets = 0;
    const reset = () => {
      resets += 1;
      if (resets <= 2) session.container.resetObject();
    };
    session.container.onEnsure = reset;
    session.container.answer = (call) => {
      if (call.endsWith(turn)) reset();
      return {};
    };
    session.parts.turns.grant(turn);
    await isTaken(session, turn);
    expect(session.turn(turn)).toMatchObject({ status: "running", resumed: 0 });
    expect(session.container.ended).toEqual([]);
  });

  test("asks once for a runner after a reset, although its log is read: a deployment may have another", async () => {
    const session = new TestSession();
    let asked = 0;
    session.container.onEnsure = () => void (asked += 1);
    const run = async () => {
      const turn = session.queue();
      session.parts.turns.grant(turn);
      await isTaken(session, turn);
      session.running(turn);
      await session.applied();
      return turn;
    };
    const end = async (turn: string) => {
      session.ended(turn);
      await session.applied();
    };
    await end(await run());
    const turn = await run();
    expect(asked).toBe(1);
    session.restart();
    session.parts.resume();
    await session.applied();
    await end(turn);
    expect(session.runnerLog.isFollowing).toBe(true);
    await end(await run());
    await end(await run());
    expect(asked).toBe(2);
  });

  test("waits ten minutes for a container's object that cannot be reached, and fails then", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    captureLog();
    const session = new TestSession();
    const turn = session.queue();
    session.container.isReachable = false;
    session.parts.turns.grant(turn);
    await new Promise((resolve) => setTimeout(resolve, 20));
    vi.setSystemTime(Date.now() + 599_000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(session.turn(turn).status).toBe("running");
    vi.setSystemTime(Date.now() + 2_000);
    await isOver(session, turn);
    vi.useRealTimers();
    expect(session.store.turnResource(turn)).toMatchObject({
      status: "failed",
      error: { code: "container_unavailable" },
    });
  });

  test("is not waited for when its container cannot be started", async () => {
    const session = new TestSession();
    const turn = session.queue();
    let asked = 0;
    session.container.onEnsure = () => {
      asked += 1;
      throw new EdgeError("agent_start_failed", "It is broken.");
    };
    session.parts.turns.grant(turn);
    await isOver(session, turn);
    expect(session.store.turnResource(turn)).toMatchObject({
      error: { code: "agent_start_failed" },
    });
    expect(asked).toBe(1);
  });

  test("fails when the runner refuses it for good", async () => {
    const session = new TestSession();
    const turn = session.queue();
    session.container.answer = () => refusal(400, "invalid_request");
    session.parts.turns.grant(turn);
    await isOver(session, turn);
    expect(session.store.turnResource(turn)).toMatchObject({
      status: "failed",
      error: { code: "invalid_request", message: "No." },
    });
    await session.parts.link.deliver();
    expect(session.account.told).toContainEqual({
      kind: "ended",
      turn,
      at: expect.any(Number),
      status: "failed",
    });
  });

  test("is claimed from the account when another has ended", async () => {
    const session = new TestSession();
    session.account.grant = (turns) => turns.slice(0, 1);
    const [first, second] = [session.send(), session.queue()];
    session.running(first);
    session.ended(first);
    await session.follow();
    await isTaken(session, second);
    expect(session.account.claims[0]).toEqual([second]);
    // The account knew of the end before it was asked.
    expect(session.account.told).toContainEqual(expect.objectContaining({ kind: "ended" }));
  });
});

/** Its container ends while its log is read, and another is started later. */
const endContainer = (session: TestSession) => {
  session.container.isRunning = false;
  session.container.breakConnections();
};
const calls = (turn: string, name: string, id = "u") => ({
  kind: "message" as const,
  turn,
  message: { type: "assistant", message: { content: [{ type: "tool_use", id, name }] } },
});

describe("a turn whose container is lost", () => {
  test("is begun again by default, when no tool would have an effect twice", async () => {
    const session = new TestSession();
    const turn = session.send();
    session.say({ kind: "turn", turn, status: "running", repeatable_tools: ["mcp__docs__*"] });
    session.say(calls(turn, "Read"), calls(turn, "mcp__docs__search", "v"));
    await session.follow();
    endContainer(session);
    await eventually(() => expect(session.turn(turn)).toMatchObject({ resumed: 1 }));
    await isTaken(session, turn);
    expect(session.container.calls.at(-1)!.body).toMatchObject({ resume: true });
  });

  test("fails by default, when a tool that may have had an effect would run again", async () => {
    const session = new TestSession();
    const turn = session.send();
    session.running(turn);
    session.say(calls(turn, "Bash"));
    await session.follow();
    endContainer(session);
    await isOver(session, turn);
    expect(session.store.turnResource(turn)).toMatchObject({
      status: "failed",
      error: {
        code: "container_lost",
        details: { tools: [{ id: "u", name: "Bash", outcome: "unknown" }] },
      },
    });
  });

  test("fails by default, when its end was not seen: it may have done more than was told", async () => {
    const session = new TestSession();
    const turn = session.send();
    session.running(turn);
    await session.follow();
    // The object is loaded anew when the container is gone.
    session.container.isRunning = false;
    session.container.breakConnections();
    session.restart();
    session.parts.resume();
    await isOver(session, turn);
    expect(session.turn(turn)).toMatchObject({ status: "failed", resumed: 0 });
  });

  test("fails if the session wants that, with what is known of its tools", async () => {
    const session = new TestSession({ session: { onContainerLost: "fail" } });
    const turn = session.send();
    session.running(turn);
    session.say(calls(turn, "Bash"));
    await session.follow();
    session.container.replace();
    await session.follow();
    expect(session.store.turnResource(turn)).toMatchObject({
      status: "failed",
      error: {
        code: "container_lost",
        details: { tools: [{ id: "u", name: "Bash", outcome: "unknown" }] },
      },
    });
  });

  test("is begun again if the session wants that, three times at the most", async () => {
    const session = new TestSession({ session: { onContainerLost: "resume" } });
    const turn = session.queue();
    session.parts.turns.grant(turn);
    for (let resumed = 0; resumed <= 3; resumed += 1) {
      await isTaken(session, turn);
      expect(session.turn(turn)).toMatchObject({ status: "running", resumed });
      const { body } = session.container.calls.at(-1)!;
      expect((body as { resume?: boolean }).resume).toBe(resumed > 0 ? true : undefined);
      session.container.replace();
      session.runnerLog.follow(session.container.boot);
    }
    await isOver(session, turn);
    expect(session.store.turnResource(turn)).toMatchObject({ error: { code: "container_lost" } });
  });

  test("is not begun again when it was interrupted", async () => {
    const session = new TestSession({ session: { onContainerLost: "resume" } });
    const turn = session.send();
    session.running(turn);
    await session.follow();
    await session.parts.turns.interrupt(session.turn(turn));
    session.container.replace();
    await session.follow();
    expect(session.turn(turn)).toMatchObject({ status: "failed", resumed: 0 });
  });
});

describe("a runner that drains", () => {
  const draining = () =>
    Response.json(
      { error: "container_unavailable", message: "No.", details: { reason: "draining" } },
      { status: 503 },
    );

  test("refuses a turn, which goes to the container that takes its place", async () => {
    const session = new TestSession();
    const first = session.send();
    session.running(first);
    session.ended(first);
    await session.follow();
    const drained = session.container.boot;
    const turn = session.queue();
    session.container.answer = (call) => {
      if (!call.endsWith(turn) || session.container.boot !== drained) return {};
      session.container.moveTo("ada/stand-in");
      return draining();
    };
    session.parts.turns.grant(turn);
    await isTaken(session, turn);
    expect(session.store.container).toBe("ada/stand-in");
    expect(session.container.boot).not.toBe(drained);
    // The one that it left has nothing more of it.
    expect(callsOf(session)).toContain(`DELETE /sessions/${session.id}`);
    expect(session.turn(turn)).toMatchObject({ status: "running", resumed: 0 });
  });

  test("is waited for while nothing takes its place", async () => {
    const session = new TestSession();
    const turn = session.queue();
    let asked = 0;
    session.container.onEnsure = () => {
      asked += 1;
      if (asked > 2) return;
      throw new EdgeError("container_unavailable", "No.", { reason: "draining" });
    };
    session.parts.turns.grant(turn);
    await isTaken(session, turn);
    expect(asked).toBe(3);
  });

  test("is told of to its container, and goes on with its turn and that one's control calls", async () => {
    const session = new TestSession();
    const turn = session.send();
    session.running(turn);
    await session.follow();
    const { boot } = session.container;
    session.runner.announce({ kind: "draining" });
    await eventually(() => expect(session.container.drained).toEqual([boot]));
    session.container.onEnsure = () => expect.fail("another runner was asked for");
    await callControl(session.parts, "setModel", ["opus"]);
    session.ended(turn);
    await isOver(session, turn);
    expect(session.turn(turn).status).toBe("completed");
  });
});

describe("an interrupted turn", () => {
  test("ends at once when it is in no runner", async () => {
    const session = new TestSession();
    const turn = session.queue();
    await session.parts.turns.interrupt(session.turn(turn));
    expect(session.turn(turn).status).toBe("interrupted");
    expect(callsOf(session)).toEqual([]);
  });

  test("is told to its runner, which ends it; again after a restart", async () => {
    const session = new TestSession();
    const turn = session.send();
    session.running(turn);
    await session.follow();
    await session.parts.turns.interrupt(session.turn(turn));
    const told = `POST ${pathOf(session, turn)}/interrupt`;
    expect(callsOf(session)).toEqual([told]);
    expect(session.turn(turn).status).toBe("running");
    session.restart();
    session.parts.resume();
    await eventually(() => expect(callsOf(session)).toEqual([told, told]));
    session.ended(turn, { status: "interrupted" });
    await isOver(session, turn);
    expect(session.turn(turn).status).toBe("interrupted");
  });
});

test("a turn that was on its way when the object was restarted is handed over again", async () => {
  const session = new TestSession();
  const turn = session.queue();
  session.store.markRunning(turn, Date.now());
  session.restart();
  session.parts.resume();
  await isTaken(session, turn);
  expect(callsOf(session)).toEqual([`PUT ${pathOf(session, turn)}`]);
});

test("while a turn is open the object is woken every 30 s; with nothing open and all told, not at all", async () => {
  const session = new TestSession();
  await session.parts.arm();
  expect(await session.storage.getAlarm()).toBeNull();
  session.queue();
  await session.parts.arm();
  const alarm = (await session.storage.getAlarm())!;
  expect(Math.abs(alarm - Date.now() - 30_000)).toBeLessThan(1_000);
});
