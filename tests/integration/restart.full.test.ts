import { setTimeout as sleep } from "node:timers/promises";

import type { EdgeEvent, Session } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { Gate } from "../support/gate.js";
import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";

/**
 * What a restart of the account in mid-turn must not do: give a number twice, skip one that was given, tell a reader
 * anything twice. Every event that came from the agent has an id of its own, so it shows.
 */
const edge = useOwnStack({
  vars: { CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "2" },
});
const client = () => edge.client("restart");
/** That of the one account. */
const container = () => edge.stack.containers()[0]!;

function idOf(event: EdgeEvent): string {
  if (event.kind === "turn") return `${event.turn_id} ${event.status}`;
  if (event.kind === "message" || event.kind === "delta") return String(event.message.uuid);
  if (event.kind === "checkpoint" || event.kind === "rewind") {
    return `${event.kind} ${event.checkpoint?.checkpoint}`;
  }
  if (event.kind === "repository") return `repository ${event.path} ${event.status}`;
  if (event.kind === "secret") return `secret ${event.name} ${event.host}`;
  return event.kind === "network" ? `network ${event.host}` : event.request.id;
}

/** Follows a session from now on, or from a seq, until it is told to stop; gives what it saw. */
async function watch(session: Session, from?: number) {
  const after = from ?? (await session.retrieve()).last_seq;
  const controller = new AbortController();
  const seen: EdgeEvent[] = [];
  const reading = (async () => {
    for await (const event of session.events({ after, signal: controller.signal }))
      seen.push(event);
  })().catch(() => {});
  return {
    seen,
    /** Whether a piece of a message held the text. */
    saw: (text: string) =>
      seen.some((event) => event.kind === "delta" && JSON.stringify(event).includes(text)),
    async stop() {
      await sleep(300);
      controller.abort();
      await reading;
      return seen;
    },
  };
}

/** The reader was told each thing once, in order, and whoever reads it all again is told the same of the same number. */
async function expectSound(seen: EdgeEvent[], session: Session): Promise<void> {
  const seqs = seen.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect(new Set(seqs).size).toBe(seqs.length);
  const ids = seen.map(idOf);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);

  const again = await watch(session, seqs[0]! - 1);
  await until("all is read again", () => again.seen.at(-1)?.seq === seqs.at(-1));
  const known = new Map(seen.map((event) => [event.seq, idOf(event)]));
  const others = (await again.stop()).filter((event) => {
    return known.has(event.seq) && known.get(event.seq) !== idOf(event);
  });
  expect(others).toEqual([]);
}

/** A turn that says 40 words before the gate and 40 behind it. */
const running = (gate: Gate) => `%tokens 40\n${gate.tool}\n%tokens 40`;
const options = { permissionMode: "bypassPermissions" } as const;

/** One session for most tests. */
let session: Session;
beforeAll(async () => {
  session = await client().sessions.create(options);
});

describe("an account that is restarted in mid-turn", () => {
  test("takes a prompt for the same session at once", async () => {
    const gate = new Gate();
    const reader = await watch(session);
    const first = session.send(running(gate)).result();
    await gate.reached();
    await edge.stack.restartWorker();
    const second = session.send("%say After.").result();
    const statuses = () => reader.seen.filter(({ kind }) => kind === "turn");
    await until("it is queued", () => statuses().length === 3);
    gate.open();
    expect((await first).text).toContain("word40");
    expect((await second).text).toBe("After.");
    await expectSound(await reader.stop(), session);
  });

  test("keeps a prompt that was queued between pieces of an answer", async () => {
    const reader = await watch(session);
    // Its model call goes through workerd too and is cut: whether Claude Code asks again depends on how much had arrived.
    const first = session
      .send("%tokens 30\n%wait 4000\n%tokens 10")
      .result()
      .catch(() => {});
    await until("pieces have come", () => reader.saw("word30"));
    const second = session.send("%say Queued.").result();
    await until(
      "it is queued",
      () => reader.seen.filter(({ kind }) => kind === "turn").length === 3,
    );
    await edge.stack.restartWorker();
    await first;
    expect((await second).text).toBe("Queued.");
    await expectSound(await reader.stop(), session);
  });

  test("in the second of two turns that were sent together", async () => {
    const gate = new Gate();
    const reader = await watch(session);
    const turns = [session.send("%say First."), session.send(running(gate))].map((turn) =>
      turn.result(),
    );
    await gate.reached();
    await edge.stack.restartWorker();
    gate.open();
    expect(await Promise.all(turns)).toHaveLength(2);
    await expectSound(await reader.stop(), session);
  });

  test("with another session running in the same container", async () => {
    const sessions = [session, await client().sessions.create(options)] as const;
    const readers = await Promise.all(sessions.map((of) => watch(of)));
    const gates = [new Gate(), new Gate()] as const;
    const long = sessions[0].send(running(gates[0])).result();
    await gates[0].reached();
    await sessions[1].send("%tokens 20");
    const short = sessions[1].send(running(gates[1])).result();
    await gates[1].reached();
    await edge.stack.restartWorker();
    for (const gate of gates) gate.open();
    for (const { text } of await Promise.all([long, short])) expect(text).toContain("word40");
    for (const [index, reader] of readers.entries()) {
      await expectSound(await reader.stop(), sessions[index]!);
    }
  });

  test("just after its container was lost and the turn begun again", async () => {
    const lost = await client().sessions.create({ ...options, onContainerLost: "resume" });
    const gate = new Gate();
    const reader = await watch(lost);
    const turn = lost.send(running(gate)).result();
    await gate.reached();
    await edge.stack.killContainer(container().name);
    await sleep(250);
    await edge.stack.restartWorker();
    gate.open();
    expect((await turn).stopReason).toBe("end_turn");
    const seen = await reader.stop();
    const seqs = seen.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(seen.at(-1)!.seq).toBeGreaterThan(1_000_000);
  });
});

test("what is asked once the restart is complete reaches the new Worker", async () => {
  const turn = session.send("%say Soon.");
  await edge.stack.restartWorker();
  const answer = await edge.fetch(`/v1/sessions/${session.id}/events`, {
    account: "restart",
    headers: { accept: "text/event-stream" },
  });
  const reader = answer.body!.getReader();
  const reading = (async () => {
    while (!(await reader.read()).done);
  })();
  await turn;
  // A stream of the old Worker breaks within this time; one of the new stays open until its reader leaves.
  await Promise.race([reading.then(() => expect.fail("the stream ended")), sleep(2000)]);
  await reader.cancel();
});

describe("a container that is told to end", () => {
  test("lets its turn end, while another takes the next ones", async () => {
    const gate = new Gate();
    const [told, other] = [await client().sessions.create(options), session];
    const reader = await watch(told);
    const turn = told.send(running(gate)).result();
    await gate.reached();
    const { name } = container();
    const stopped = edge.stack.stopContainer(name);
    expect((await other.send("%say Elsewhere.")).text).toBe("Elsewhere.");
    expect(edge.stack.containers()).toHaveLength(2);
    gate.open();
    expect((await turn).stopReason).toBe("end_turn");
    await stopped;
    expect((await told.send("%say On.")).text).toBe("On.");
    expect(edge.stack.containers().map((one) => one.name)).not.toContain(name);
    await expectSound(await reader.stop(), told);
  });

  test("and does not in its time loses the turn, which says what may run twice", async () => {
    const gate = new Gate();
    const turn = session.send(running(gate));
    const ended = turn.result().catch((reason: unknown) => reason);
    await gate.reached();
    await edge.stack.stopContainer(container().name, 500);
    expect(await ended).toMatchObject({
      code: "container_lost",
      details: { tools: [{ name: "Bash", outcome: "unknown" }] },
    });
    gate.open();
    expect((await session.send("%say On.")).text).toBe("On.");
  });
});
