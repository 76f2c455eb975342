import { setTimeout as sleep } from "node:timers/promises";

import type { EdgeEvent, Session } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

/**
 * What a restart of the account in mid-turn must not do: give a number twice, skip one that was given, tell a reader
 * anything twice. Every event that came from the agent has an id of its own, so it shows.
 */
const edge = useStack({ vars: { CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "2" } });

function idOf(event: EdgeEvent): string {
  if (event.kind === "turn") return `${event.turn_id} ${event.status}`;
  if (event.kind === "message" || event.kind === "delta") return String(event.message.uuid);
  if (event.kind === "checkpoint" || event.kind === "rewind") {
    return `${event.kind} ${event.checkpoint?.checkpoint}`;
  }
  return event.request.id;
}

/** Follows a session until it is told to stop; gives what it saw. */
function watch(session: Session) {
  const controller = new AbortController();
  const seen: EdgeEvent[] = [];
  const reading = (async () => {
    for await (const event of session.events({ signal: controller.signal })) seen.push(event);
  })().catch(() => {});
  return {
    seen,
    saw: (text: string, kind = "message") =>
      seen.some((event) => event.kind === kind && JSON.stringify(event).includes(text)),
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

  const again = watch(session);
  await until("all is read again", () => again.seen.at(-1)?.seq === seqs.at(-1));
  const known = new Map(seen.map((event) => [event.seq, idOf(event)]));
  const others = (await again.stop()).filter((event) => {
    return known.has(event.seq) && known.get(event.seq) !== idOf(event);
  });
  expect(others).toEqual([]);
}

const running = '%tokens 40\n%tool Bash {"command":"sleep 2.5"}\n%tokens 40';
const toolCalled = '"type":"tool_use"';
const options = { permissionMode: "bypassPermissions" } as const;

describe("an account that is restarted in mid-turn", () => {
  test("takes a prompt for the same session at once", async () => {
    const session = await edge.client("same").sessions.create(options);
    const reader = watch(session);
    const first = session.send(running).result();
    await until("the tool is called", () => reader.saw(toolCalled));
    await edge.stack.restartWorker();
    const second = await session.send("%say After.");
    expect((await first).text).toContain("word40");
    expect(second.text).toBe("After.");
    await expectSound(await reader.stop(), session);
  });

  test("keeps a prompt that was queued between pieces of an answer", async () => {
    const session = await edge.client("between").sessions.create(options);
    const reader = watch(session);
    const first = session.send("%tokens 30\n%wait 4000\n%tokens 10").result();
    await until("pieces have come", () => reader.saw("word30", "delta"));
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
    const session = await edge.client("second").sessions.create(options);
    const reader = watch(session);
    const turns = [session.send("%say First."), session.send(running)].map((turn) => turn.result());
    await until("the tool is called", () => reader.saw(toolCalled));
    await edge.stack.restartWorker();
    expect(await Promise.all(turns)).toHaveLength(2);
    await expectSound(await reader.stop(), session);
  });

  test("with another session running in the same container", async () => {
    const client = edge.client("two-sessions");
    const sessions = [await client.sessions.create(options), await client.sessions.create(options)];
    const readers = sessions.map(watch);
    const long = sessions[0]!
      .send('%tokens 30\n%tool Bash {"command":"sleep 5"}\n%tokens 30')
      .result();
    await until("the long one runs", () => readers[0]!.saw(toolCalled));
    await sessions[1]!.send("%tokens 20");
    const short = sessions[1]!.send(running).result();
    await until("the other runs", () => readers[1]!.saw(toolCalled));
    await edge.stack.restartWorker();
    expect((await Promise.all([long, short])).map(({ text }) => text.length > 0)).toEqual([
      true,
      true,
    ]);
    for (const [index, reader] of readers.entries()) {
      await expectSound(await reader.stop(), sessions[index]!);
    }
  });

  test("just after its container was lost and the turn begun again", async () => {
    const client = edge.client("both");
    const session = await client.sessions.create({ ...options, onContainerLost: "resume" });
    const reader = watch(session);
    const turn = session.send(running).result();
    await until("the tool is called", () => reader.saw(toolCalled));
    const { name } = edge.stack.containers().at(-1)!;
    await edge.stack.killContainer(name);
    await sleep(250);
    await edge.stack.restartWorker();
    expect((await turn).stopReason).toBe("end_turn");
    const seen = await reader.stop();
    const seqs = seen.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(seen.at(-1)!.seq).toBeGreaterThan(1_000_000);
  });
});

describe("a container that is told to end", () => {
  test("in mid-turn loses the turn, which says so: nobody interrupted it", async () => {
    const session = await edge.client("sigterm").sessions.create(options);
    const reader = watch(session);
    const turn = session
      .send(running)
      .result()
      .catch((reason: unknown) => reason);
    await until("the tool is called", () => reader.saw(toolCalled));
    process.kill(edge.stack.containers().at(-1)!.pid, "SIGTERM");
    expect(await turn).toMatchObject({ code: "container_lost" });
    expect((await session.send("%say On.")).text).toBe("On.");
    await reader.stop();
  });
});
