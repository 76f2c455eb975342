import { describe, expect, test } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";

const ALLOW = { answer: { behavior: "allow" as const } };

/** A session with a turn that stands at a question about the tool use `use`. */
async function asking(...more: string[]) {
  const session = new TestSession();
  const turn = session.send();
  session.running(turn);
  session.calls(turn, "use", ...more);
  session.ask(turn, "use");
  await session.follow();
  const row = () => session.turn(turn);
  const release = async () => {
    session.say({ kind: "turn", turn, status: "waiting" });
    await session.applied();
  };
  return { session, turn, row, release };
}

describe("a turn whose process was released", () => {
  test("waits, its question with it; what only that process could be told is void", async () => {
    const { session, turn, row, release } = await asking();
    session.askCaller(turn, "hook");
    await release();
    expect(row()).toMatchObject({ status: "waiting", boot: null });
    expect(session.store.resource().status).toBe("waiting");
    expect(session.requests.get("use").status).toBe("pending");
    expect(session.requests.get("hook").status).toBe("cancelled");
    // It needs no container.
    expect(session.store.runningTurn()).toBeUndefined();
    expect((await session.events()).at(-1)).toMatchObject({ status: "waiting" });
  });

  test("gives its slot back, and asks for none until it is answered", async () => {
    const { session, turn, release } = await asking();
    await release();
    await session.parts.claim();
    expect(session.account.told).toContainEqual({ kind: "waiting", turn });
    expect(session.account.claims).toEqual([]);
  });

  test("asks for a slot only once the account knows that it gave the last one back", async () => {
    captureLog();
    const { session, turn, row, release } = await asking();
    session.account.onNotify = () => {
      throw new Error("unreachable");
    };
    await release();
    await session.requests.answer("use", ALLOW);
    await session.parts.claim();
    expect([row().status, session.account.claims]).toEqual(["queued", []]);
    session.account.onNotify = () => {};
    await session.parts.claim();
    expect(session.account.told).toContainEqual({ kind: "waiting", turn });
    expect(session.account.claims).toContainEqual([turn]);
  });

  test("is over when it was interrupted meanwhile", async () => {
    const { session, turn, row, release } = await asking();
    session.store.markInterrupted(turn);
    await release();
    expect(row().status).toBe("interrupted");
    expect(session.requests.get("use").status).toBe("cancelled");
  });

  test("goes back into the queue with its answer, at that question", async () => {
    const { session, turn, row, release } = await asking();
    await release();
    await session.requests.answer("use", ALLOW);
    expect(session.container.calls).toEqual([]);
    expect(row().status).toBe("queued");
    const last = [...session.store.transcripts.entries()].at(-1);
    expect(last).toMatchObject({ attachment: { type: "hook_deferred_tool", toolUseID: "use" } });
    await eventually(() => expect(session.account.claims[0]).toEqual([turn]));
  });

  test("resumes with its answer once it has a slot, after its transcript", async () => {
    const { session, turn, row, release } = await asking();
    session.account.grant = (turns) => turns;
    await release();
    await session.requests.answer("use", ALLOW);
    await eventually(() => expect(row().boot).toBe(session.container.boot));
    expect(session.container.calls.map(({ call }) => call)).toEqual([
      `PUT /sessions/${session.id}/transcript`,
      `PUT /sessions/${session.id}/turns/${turn}`,
    ]);
    expect(session.container.calls[0]!.body).toContain("hook_deferred_tool");
    expect(session.container.calls[1]!.body).toMatchObject({ answers: { use: ALLOW } });
    expect(session.store.requests.get("use")).toMatchObject({ delivered: 1 });
  });

  test("resumes once: an answer that is found several times is taken once", async () => {
    const { session, row, release } = await asking();
    await release();
    await session.requests.answer("use", ALLOW);
    session.parts.waiting.resumeAnswered();
    const length = session.store.transcripts.lastPosition();
    session.parts.waiting.resumeAnswered();
    expect(row().status).toBe("queued");
    expect(session.store.transcripts.lastPosition()).toBe(length);
  });

  test("resumes when its answer came while the process was being released", async () => {
    const { session, row, release } = await asking();
    session.container.answer = () => ({ taken: false });
    await session.requests.answer("use", ALLOW);
    expect(row().status).toBe("running");
    await release();
    expect(session.requests.get("use").status).toBe("answered");
    expect(row().status).toBe("queued");
    const statuses = (await session.events()).map((event) => "status" in event && event.status);
    expect(statuses).toContain("waiting");
  });

  test("voids its other questions when one is answered: the new process asks them again", async () => {
    const { session, turn, release } = await asking("other");
    session.ask(turn, "other");
    await release();
    await session.requests.answer("use", ALLOW);
    expect(session.requests.get("other").status).toBe("cancelled");
  });

  test("fails when the transcript does not hold the question, rather than asking for ever", async () => {
    const session = new TestSession();
    const turn = session.send();
    session.running(turn);
    session.ask(turn, "unknown");
    session.say({ kind: "turn", turn, status: "waiting" });
    await session.follow();
    await session.requests.answer("unknown", ALLOW);
    expect(session.store.turnResource(turn)).toMatchObject({
      status: "failed",
      error: { code: "turn_failed" },
    });
  });
});

describe("a turn whose container is gone", () => {
  test("is taken when it stands at a question that can outlive its process", async () => {
    const { session, row } = await asking();
    session.container.replace();
    await session.follow();
    expect(row().status).toBe("waiting");
    expect((await session.events()).at(-1)).toMatchObject({ status: "waiting" });
    expect(session.requests.get("use").status).toBe("pending");
  });

  test("is taken with an answer that nobody had taken", async () => {
    const { session, row } = await asking();
    session.container.answer = () => ({ taken: false });
    await session.requests.answer("use", ALLOW);
    expect(session.parts.waiting.takeOver(row())).toBe(true);
    session.parts.waiting.resumeAnswered();
    expect(row().status).toBe("queued");
  });

  test("is not taken when it was interrupted", async () => {
    const { session, turn, row } = await asking();
    session.store.markInterrupted(turn);
    expect(session.parts.waiting.takeOver(row())).toBe(false);
  });

  test("is not taken when it asks nothing, or only what cannot go on in another process", async () => {
    const session = new TestSession();
    const turn = session.send();
    session.running(turn);
    session.calls(turn, "use");
    await session.follow();
    expect(session.parts.waiting.takeOver(session.turn(turn))).toBe(false);
    session.ask(turn, "use", { held: true });
    session.askCaller(turn, "hook");
    await session.applied();
    expect(session.parts.waiting.takeOver(session.turn(turn))).toBe(false);
    expect(session.turn(turn).status).toBe("running");
  });
});
