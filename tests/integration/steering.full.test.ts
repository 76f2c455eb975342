import type { EdgeEvent, Session, TurnEvent } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { blocks, read } from "../support/events.js";
import { resetObject, RESETTABLE_WORKER } from "../support/resets.js";
import { useOwnStack } from "../support/stack.js";
import { useProject } from "../support/use-project.js";
import { until } from "../support/wait.js";

/** What breaks while a message is under way to a turn that runs: it is answered once, or its turn says why not. */
const ACCOUNT = "steering";

const edge = useOwnStack({ project: useProject({ "src/worker.ts": RESETTABLE_WORKER }) });

const LOOP = '%tool Bash {"command":"sleep 0.5"}\n%repeat';
const STEER = "%say Turned.";

const create = (onContainerLost: "auto" | "resume" = "auto") =>
  edge.client(ACCOUNT).sessions.create({
    permissionMode: "bypassPermissions",
    tools: ["Bash"],
    onContainerLost,
  });

/** Begins a turn that calls tools without end, and returns once it has called one. */
async function begin(session: Session): Promise<{ end: Promise<TurnEvent> }> {
  const called = Promise.withResolvers<void>();
  const end = (async () => {
    let last: EdgeEvent | undefined;
    for await (const event of session.send(LOOP)) {
      last = event;
      if (blocks([event]).some(({ type }) => type === "tool_use")) called.resolve();
    }
    return last as TurnEvent;
  })();
  await called.promise;
  return { end };
}

const endOf = async (session: Session, turnId: string): Promise<TurnEvent> =>
  (await read(session.resume({ turnId }))).at(-1) as TurnEvent;

const isTakenIn = async (session: Session, id: string) => {
  for await (const turn of session.turns({ limit: 1 })) {
    if (turn.id === id && turn.steered_turn_id !== undefined) return true;
  }
  return false;
};

/** How often the model was shown the message, in the conversation as it is now. */
async function timesSeen(session: Session): Promise<number> {
  await session.send("%say Counted.");
  const last = (await edge.asked("%say Counted.")).findLast(({ text }) => text.includes(STEER));
  return JSON.stringify(last?.body.messages ?? []).split(STEER).length - 1;
}

const killContainer = () => {
  const { pid } = edge.stack.containers().at(-1)!;
  process.kill(pid, "SIGKILL");
};
const resetSession = ({ id }: Session) =>
  resetObject(edge.stack.url, "SESSION", `${ACCOUNT}/${id}`);

describe("a message to a turn that runs", () => {
  test.each<[string, (session: Session) => unknown]>([
    ["the Worker is restarted", () => edge.stack.restartWorker()],
    ["its session's object is reset", resetSession],
    ["the account's object is reset", () => resetObject(edge.stack.url, "ACCOUNT", ACCOUNT)],
  ])("is taken in once when %s", async (_what, strike) => {
    const session = await create();
    const { end } = await begin(session);
    const { id } = await session.steer(STEER);
    await strike(session);
    const ended = await end;
    expect(ended).toMatchObject({ status: "completed", result: { text: "Turned." } });
    const of = await endOf(session, id);
    expect(of).toMatchObject({ status: "completed", steered_turn_id: ended.turn_id });
    expect(await timesSeen(session)).toBe(1);
  });

  test.each([
    ["before it is taken in", false],
    ["after that", true],
  ])("goes along with a turn whose container is lost %s", async (_when, isLater) => {
    const session = await create("resume");
    const { end } = await begin(session);
    const { id } = await session.steer(isLater ? `%wait 5000\n${STEER}` : STEER);
    if (isLater) await until("it is taken in", () => isTakenIn(session, id));
    killContainer();
    const ended = await end;
    expect(ended).toMatchObject({ status: "completed", result: { text: "Turned." } });
    expect(await endOf(session, id)).toMatchObject({
      status: "completed",
      result: { text: "Turned." },
    });
    expect(await timesSeen(session)).toBe(1);
  });

  test("is the next turn, or fails with the one that has taken it in, when that fails with its container", async () => {
    const session = await create();
    const { end } = await begin(session);
    const { id } = await session.steer(STEER);
    killContainer();
    const [failed, of] = [await end, await endOf(session, id)];
    expect(failed).toMatchObject({ status: "failed", error: { code: "container_lost" } });
    const isTaken = of.steered_turn_id !== undefined;
    expect(of.status).toBe(isTaken ? "failed" : "completed");
    expect(await timesSeen(session)).toBe(1);
  });

  test("that stops the turn does so over a reset of its session", async () => {
    const session = await create();
    const { end } = await begin(session);
    const urgent = session.steer("%say At once.", { priority: "now" });
    await urgent;
    await resetSession(session);
    expect(await end).toMatchObject({ status: "interrupted" });
    expect(await endOf(session, (await urgent).id)).toMatchObject({
      status: "completed",
      result: { text: "At once." },
    });
  });
});
