import { randomUUID } from "node:crypto";

import type { EdgeEvent, Session, TurnEvent } from "@claude-edge/client";
import type { TurnResource } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { blocks, messages, read, statuses } from "../support/events.js";
import { Gate } from "../support/gate.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "steering";

const edge = useStack("impatient");

/** Calls a tool again and again, until another message comes. */
const LOOP = '%tool Bash {"command":"sleep 0.2"}\n%repeat';

const create = () =>
  edge.client(ACCOUNT).sessions.create({ permissionMode: "bypassPermissions", tools: ["Bash"] });

/** Begins a turn, and returns once it has called a tool. `done`: its events, when it has ended. */
async function begin(session: Session, prompt = LOOP): Promise<{ done: Promise<EdgeEvent[]> }> {
  const called = Promise.withResolvers<void>();
  const done = (async () => {
    const events: EdgeEvent[] = [];
    for await (const event of session.send(prompt)) {
      events.push(event);
      if (blocks([event]).some(({ type }) => type === "tool_use")) called.resolve();
    }
    return events;
  })();
  await called.promise;
  return { done };
}

async function turnsOf(session: Session): Promise<TurnResource[]> {
  const turns: TurnResource[] = [];
  for await (const turn of session.turns()) turns.push(turn);
  return turns;
}

const ended = async (session: Session, turnId: string): Promise<TurnEvent[]> => {
  const events = await read(session.resume({ turnId }));
  return events.filter((event) => event.kind === "turn");
};

const endOf = (events: EdgeEvent[]) => events.at(-1) as TurnEvent;
const textOf = (event: TurnEvent | undefined) => event?.result?.text;

/** The error code that a body is refused with. */
async function refusal(session: string, body: object, account = ACCOUNT): Promise<unknown> {
  const answer = await edge.fetch(`/v1/sessions/${session}/turns`, { account, json: body });
  return ((await answer.json()) as { error?: { code: string } }).error?.code ?? answer.status;
}

describe("a message to a turn that runs", () => {
  test("is taken in with the results of its tools, and ends with it", async () => {
    const session = await create();
    const { done } = await begin(session);
    const { id, status } = await session.steer("%say Turned.");
    expect(status).toBe("queued");
    const events = await done;
    expect(endOf(events)).toMatchObject({ status: "completed", result: { text: "Turned." } });
    const turn = endOf(events).turn_id;
    const of = await ended(session, id);
    expect(of.map((event) => [event.status, event.steered_turn_id])).toEqual([
      ["queued", undefined],
      ["running", turn],
      ["completed", turn],
    ]);
    expect(of[0]).toMatchObject({ prompt: "%say Turned.", priority: "next" });
    expect(of[2]).toMatchObject({ result: { text: "Turned." } });
    expect(of[2]!.usage).toBeUndefined();
    expect((await turnsOf(session))[0]).toMatchObject({
      id,
      status: "completed",
      steered_turn_id: turn,
    });
  });

  test("twice with the same id is one, and several are taken in together", async () => {
    const session = await create();
    const gate = new Gate();
    const { done } = await begin(session, `${gate.tool}\n%say Not turned.`);
    const id = randomUUID();
    const sent = [
      session.steer("%say Never said.", { id }),
      session.steer("%say Never said.", { id }),
    ];
    const [one, other] = await Promise.all(sent);
    expect([one!.id, other!.id]).toEqual([id, id]);
    const last = await session.steer("%say Turned.");
    gate.open();
    const events = await done;
    expect(textOf(endOf(events))).toBe("Turned.");
    const results = messages(events).filter(({ type }) => type === "result");
    expect(results).toMatchObject([{ user_message_uuids: [endOf(events).turn_id, id, last.id] }]);
    const again = await session.steer("%say Never said.", { id });
    expect(again).toMatchObject({
      id,
      status: "completed",
      steered_turn_id: endOf(events).turn_id,
    });
    expect(await turnsOf(session)).toHaveLength(3);
  });

  test("is the next turn when that one calls no more tools, before those that were queued", async () => {
    const session = await create();
    const running = session.send('%tool Bash {"command":"true"}\n%wait 3000\n%say Done.');
    const iterator = running[Symbol.asyncIterator]();
    await iterator.next();
    const queued = session.steer("%say Later.", { priority: "later" });
    // Its only tool is done by then.
    for (let done = false; !done;) {
      const { value } = await iterator.next();
      done = blocks([value as EdgeEvent]).some(({ type }) => type === "tool_result");
    }
    const { id } = await session.steer("%say Next.");
    const [next, later] = [await ended(session, id), await ended(session, (await queued).id)];
    expect(next.map(({ steered_turn_id: by }) => by)).toEqual([undefined, undefined, undefined]);
    expect(next.map(({ status }) => status)).toEqual(["queued", "running", "completed"]);
    expect([textOf(next.at(-1)), textOf(later.at(-1))]).toEqual(["Next.", "Later."]);
    expect(next.at(-1)!.seq).toBeLessThan(later[1]!.seq);
  });

  test("of priority now stops the turn, and is the next one", async () => {
    const session = await create();
    const { done } = await begin(session);
    const queued = await session.steer("%say Later.", { priority: "later" });
    const { id } = await session.steer("%say At once.", { priority: "now" });
    expect(statuses(await done)).toEqual(["queued", "running", "interrupted"]);
    const [now] = (await ended(session, id)).slice(-1);
    expect(textOf(now)).toBe("At once.");
    expect((await ended(session, queued.id))[1]!.seq).toBeGreaterThan(now!.seq);
  });

  test("is taken back by an interrupt of its own turn", async () => {
    const session = await create();
    const { done } = await begin(session, '%tool Bash {"command":"sleep 3"}\n%say Unmoved.');
    const { id } = await session.steer("%say Never said.");
    await session.resume({ turnId: id }).interrupt();
    expect((await ended(session, id)).map(({ status }) => status)).toEqual([
      "queued",
      "interrupted",
    ]);
    expect(textOf(endOf(await done))).toBe("Unmoved.");
  });

  test("that is still in Claude Code's queue when the turn ends is answered once, by the next turn", async () => {
    const session = await edge.client(ACCOUNT).sessions.create({
      permissionMode: "bypassPermissions",
      tools: ["Bash"],
      maxTurns: 1,
    });
    const { done } = await begin(session, '%tool Bash {"command":"sleep 2"}\n%say Never said.');
    const { id } = await session.steer("%say Next.");
    expect(endOf(await done)).toMatchObject({ status: "failed", error: { code: "max_turns" } });
    const of = await ended(session, id);
    expect(of.at(-1)).toMatchObject({ status: "completed", result: { text: "Next." } });
    expect(of.at(-1)!.steered_turn_id).toBeUndefined();
    const { text } = await session.send("What did I say?");
    expect(text.split("%say Next.")).toHaveLength(2);
  });

  test("that asks for no answer is remembered by the next", async () => {
    const session = await create();
    const { id, status } = await session.steer("My name is Ada.", {
      fields: { shouldQuery: false, isSynthetic: true, timestamp: "2026-11-30T00:00:00Z" },
    });
    expect(status).toBe("queued");
    expect((await ended(session, id)).at(-1)).toMatchObject({
      status: "completed",
      result: { text: "", num_turns: 0 },
    });
    const { text } = await session.send("What is my name?");
    expect(text).toContain("My name is Ada.");
  });

  test("to a turn that waits for an answer, with its process gone, is taken in when that goes on", async () => {
    const session = await edge.client(ACCOUNT).sessions.create({
      permissionMode: "default",
      canUseTool: true,
      tools: ["Bash"],
    });
    // The tool that waited runs before Claude Code looks into its queue.
    const turn = session.send(
      '%tool Bash {"command":"echo one > one.txt"}\n%say Then.\n%tool Bash {"command":"echo two > two.txt"}\n%say Never said.',
    );
    const done = read(turn);
    const { requests } = edge.client(ACCOUNT);
    const asked = () => requests.list({ sessionId: session.id });
    await until("it waits", async () => (await session.retrieve()).status === "waiting");
    const { id } = await session.steer("%say Turned.");
    for (const tool of ["first", "second"]) {
      const [request] = await until(`a question about the ${tool}`, async () => {
        const pending = await asked();
        return pending.length > 0 && pending;
      });
      await requests.answer(request!.id, { behavior: "allow" });
    }
    expect(textOf(endOf(await done))).toBe("Turned.");
    expect((await ended(session, id)).at(-1)).toMatchObject({
      status: "completed",
      steered_turn_id: turn.id,
    });
  });

  test("is refused when it cannot be one", async () => {
    const { id } = await create();
    const next = { priority: "next" };
    expect(await refusal(id, { ...next, prompt: " " })).toBe("prompt_empty");
    expect(await refusal(id, { ...next, prompt: [] })).toBe("prompt_empty");
    const long = "x".repeat(1024 * 1024);
    expect(await refusal(id, { ...next, prompt: `${long}x` })).toBe("prompt_too_long");
    expect(await refusal(id, { ...next, prompt: "x", fields: { long } })).toBe("prompt_too_long");
    for (const body of [
      { prompt: "x", priority: "soon" },
      { prompt: "x", fields: { uuid: randomUUID() } },
      { prompt: "x", fields: { shouldQuery: "no" } },
      { prompt: "x", ...next, attachments: [{ name: "a.txt", data: "YQ==" }] },
      { prompt: "x", ...next, id: "not a UUID" },
    ]) {
      expect(await refusal(id, body)).toBe("invalid_request");
    }
    expect(await refusal(id, { ...next, prompt: "x" }, "somebody-else")).toBe("session_not_found");
    expect(await refusal(randomUUID(), { ...next, prompt: "x" })).toBe("session_not_found");
  });
});
