import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import type { ClaudeEdge, EdgeEvent } from "@claude-edge/client";
import { afterAll, describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const persist = mkdtempSync(join(tmpdir(), "durability-"));
const edge = useStack({ persist, vars: { CLAUDE_EDGE_SLEEP_AFTER: "3s" } });
afterAll(() => rmSync(persist, { recursive: true, force: true }));

/** How many accounts have an alarm set: miniflare keeps them in a table of its own. */
function alarms(): number {
  const path = join(persist, "state", "v3", "do", "my-agent-AccountDO", "metadata.sqlite");
  const database = new DatabaseSync(path, { readOnly: true });
  const { count } = database.prepare("SELECT count(*) AS count FROM _cf_ALARM").get() as {
    count: number;
  };
  database.close();
  return count;
}

const messageUuid = (events: EdgeEvent[], type: string): string => {
  const found = events.findLast((event) => event.kind === "message" && event.message.type === type);
  return String((found as { message: { uuid?: unknown } }).message.uuid);
};

async function read(
  turn: AsyncIterable<EdgeEvent>,
  onEvent?: (event: EdgeEvent) => void,
): Promise<EdgeEvent[]> {
  const events: EdgeEvent[] = [];
  for await (const event of turn) {
    events.push(event);
    onEvent?.(event);
  }
  return events;
}

/** Whether an event says it; the one that a turn begins with holds its prompt. */
const holds = (event: EdgeEvent, text: string) =>
  !(event.kind === "turn" && event.status === "queued") && JSON.stringify(event).includes(text);

/** Ends the account's container without warning. */
function killContainer(account: string): void {
  // One container a test: its account's is the newest.
  const container = edge.stack.containers().at(-1);
  if (!container) throw new Error(`${account} has no container`);
  process.kill(container.pid, "SIGKILL");
}

const remembers = async (client: ClaudeEdge, session: string) =>
  (await client.sessions.open(session).send("What did I say earlier?")).text;

describe("a Worker that is restarted", () => {
  test("in mid-turn: the reader gets every event once, as if nothing had been", async () => {
    const client = edge.client("restart");
    const session = await client.sessions.create();
    // While a tool runs: a model call in flight goes through workerd too, and would be asked again.
    const prompt = '%tokens 60\n%tool Bash {"command":"sleep 3"}\n%tokens 80';
    let restarted: Promise<void> | undefined;
    const turn = session.send(prompt);
    const events = await read(turn, (event) => {
      if (!restarted && holds(event, '"command":"sleep 3"')) restarted = edge.stack.restartWorker();
    });
    await restarted;
    expect(events.at(-1)).toMatchObject({ kind: "turn", status: "completed" });
    const text = events
      .map((event) => (event.kind === "delta" ? JSON.stringify(event.message) : ""))
      .join("");
    expect(text.match(/"text_delta"/g)).toHaveLength(140);

    // Whoever reads it all now, deltas included, reads the same.
    const whole = await edge.fetch(`/v1/sessions/${session.id}/events?turn=${turn.id}`, {
      account: "restart",
      headers: { accept: "text/event-stream" },
    });
    const seqs = [...(await whole.text()).matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
    expect(seqs).toEqual(events.map(({ seq }) => seq));
  });

  test("between turns: the session goes on in its live process", async () => {
    const client = edge.client("restart-idle");
    const { sessionId } = await client.query("My boat is called Vega.");
    await edge.stack.restartWorker();
    expect(await remembers(client, sessionId)).toContain("Vega");
  });
});

describe("a container that is lost", () => {
  test("in mid-turn: the turn fails, says which tools ran, and the session remembers", async () => {
    const client = edge.client("lost");
    const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
    await session.send("My dog is called Rex.");
    const prompt = [
      '%tool Write {"file_path":"done.txt","content":"done"}',
      "%say Written.",
      '%tool Bash {"command":"sleep 60"}',
      "%say Never.",
    ].join("\n");
    const turn = session.send(prompt);
    let killed = 0;
    const events = await read(turn, (event) => {
      if (killed || event.kind !== "message" || !holds(event, '"command":"sleep 60"')) return;
      killed = Date.now();
      setTimeout(() => killContainer("lost"), 300);
    });
    expect(Date.now() - killed).toBeLessThan(10_000);
    expect(events.at(-1)).toMatchObject({
      status: "failed",
      error: {
        code: "container_lost",
        message: expect.stringContaining("Finished: Write. Outcome unknown: Bash."),
        details: {
          tools: [
            { name: "Write", outcome: "finished" },
            { name: "Bash", outcome: "unknown" },
          ],
        },
      },
    });
    const after = await read(session.send("What did I say earlier?"));
    expect(after.at(-1)).toMatchObject({ status: "completed" });
    expect(holds(after.at(-1)!, "Rex")).toBe(true);
    expect(after[0]!.seq).toBeGreaterThan(events.at(-1)!.seq);
    // What had finished is shown to the model, and so is what may not have.
    const seen = JSON.stringify(edge.stack.model!.requests.at(-1)!.body.messages);
    expect(seen).toContain("done.txt");
    expect(seen).toMatch(/interrupted|unknown/i);
  });

  test("in mid-turn, with onContainerLost resume: the turn goes on by itself", async () => {
    const client = edge.client("lost-resume");
    const session = await client.sessions.create({
      onContainerLost: "resume",
      permissionMode: "bypassPermissions",
    });
    const prompt = [
      '%tool Bash {"command":"echo first"}',
      "%say Between.",
      '%tool Bash {"command":"sleep 4; echo second"}',
      "%say At the end.",
    ].join("\n");
    let killed = false;
    const events = await read(session.send(prompt), (event) => {
      if (killed || event.kind !== "message" || !holds(event, '"command":"sleep 4')) return;
      killed = true;
      setTimeout(() => killContainer("lost-resume"), 300);
    });
    const statuses = events.flatMap((event) => (event.kind === "turn" ? [event.status] : []));
    expect(statuses).toEqual(["queued", "running", "running", "completed"]);
    expect(
      events.filter((event) => holds(event, '"command":"echo first"') && event.kind === "message"),
    ).toHaveLength(1);
  });

  test("because it hangs: it is given up, ended, and another takes the next prompt", async () => {
    const client = edge.client("hung");
    const session = await client.sessions.create();
    const turn = session.send("%say Begun.\n%wait 60000\n%say Never.");
    let stopped = 0;
    const events = await read(turn, (event) => {
      if (stopped || !holds(event, "Begun.")) return;
      stopped = Date.now();
      process.kill(edge.stack.containers().at(-1)!.pid, "SIGSTOP");
    });
    expect(Date.now() - stopped).toBeLessThan(25_000);
    expect(events.at(-1)).toMatchObject({ status: "failed", error: { code: "container_lost" } });
    expect((await session.send("%say Again.")).text).toBe("Again.");
  }, 60_000);

  test("between turns: the next turn starts another, and the session remembers", async () => {
    const client = edge.client("lost-idle");
    const { sessionId } = await client.query("My cat is called Mia.");
    killContainer("lost-idle");
    expect(await remembers(client, sessionId)).toContain("Mia");
  });
});

describe("a subagent", () => {
  test("is in the turn's usage, and its transcript reaches the next container", async () => {
    const client = edge.client("subagent");
    const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
    const task = {
      description: "look",
      prompt: "%say From the subagent.",
      subagent_type: "general-purpose",
    };
    const outcome = await session.send(`%tool Task ${JSON.stringify(task)}\n%say Main done.`);
    expect(outcome.text).toBe("Main done.");
    // The call of the tool counts 20, its answer and the subagent's their words.
    expect(outcome.usage!.output_tokens).toBe(20 + 2 + 3);
    killContainer("subagent");
    expect((await session.send("%say On.")).text).toBe("On.");
    // Not all of the disks: a process makes and deletes files of its own meanwhile.
    const restored = readdirSync(join(persist, "disks"))
      .map((disk) => join(persist, "disks", disk, "state", "transcripts"))
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }));
    const subagents = restored.filter((path) => path.includes(session.id) && path.includes("sub-"));
    expect(subagents).toHaveLength(1);
  });
});

describe("a container without work", () => {
  test("sleeps, holds no alarm, and the session wakes with all it knew", async () => {
    const client = edge.client("sleep");
    const { sessionId } = await client.query("My horse is called Bo.");
    expect(alarms()).toBeGreaterThan(0);
    await until("every container sleeps", () => edge.stack.containers().length === 0, 20_000);
    await until("no alarm is left", () => alarms() === 0);
    await sleep(1_000);
    expect(edge.stack.containers()).toEqual([]);
    expect(alarms()).toBe(0);
    expect(await remembers(client, sessionId)).toContain("Bo");
  });
});

describe("sessions", () => {
  test("are forked, whole or at a message, and the branches go apart", async () => {
    const client = edge.client("fork");
    const session = await client.sessions.create({ title: "Origin", tags: ["a"] });
    const first = await read(session.send("My first word is apple."));
    await session.send("My second word is pear.");
    const whole = await session.fork();
    const early = await session.fork({ messageId: messageUuid(first, "assistant") });
    expect(await early.retrieve()).toMatchObject({
      title: "Origin",
      tags: ["a"],
      forked_from: { session_id: session.id, message_id: messageUuid(first, "assistant") },
    });
    const [ofWhole, ofEarly] = [
      await remembers(client, whole.id),
      await remembers(client, early.id),
    ];
    expect(ofWhole).toContain("apple");
    expect(ofWhole).toContain("pear");
    expect(ofEarly).toContain("apple");
    expect(ofEarly).not.toContain("pear");
    await whole.send("My third word is plum.");
    expect(await remembers(client, session.id)).not.toContain("plum");
    await expect(session.fork({ messageId: "nope" })).rejects.toMatchObject({
      code: "message_not_found",
    });
  });

  test("are renamed, tagged and deleted", async () => {
    const client = edge.client("crud");
    const session = await client.sessions.create();
    expect(await session.update({ title: "New", tags: ["x", "y"] })).toMatchObject({
      title: "New",
      tags: ["x", "y"],
    });
    const turn = session.send("%wait 30000");
    const reading = read(turn).catch((reason: unknown) => reason);
    await until("it runs", async () => (await session.retrieve()).status === "running");
    await session.delete();
    await expect(session.retrieve()).rejects.toMatchObject({ code: "session_not_found" });
    expect(await reading).toMatchObject({ code: "session_not_found" });
    expect((await client.query("%say Free again.")).text).toBe("Free again.");
  });

  test("hold a message of 20 MB", async () => {
    const client = edge.client("large");
    const turn = client.query("%bytes 20000000");
    const { text, sessionId } = await turn;
    expect(text.length).toBeGreaterThan(19_900_000);
    killContainer("large");
    expect((await client.sessions.open(sessionId).send("%say Still here.")).text).toBe(
      "Still here.",
    );
  });

  test("are followed across turns, by any number of readers", async () => {
    const client = edge.client("follow");
    const session = await client.sessions.create();
    const controller = new AbortController();
    const readers = Array.from({ length: 3 }, async () => {
      const seen: EdgeEvent[] = [];
      for await (const event of session.events({ signal: controller.signal })) {
        seen.push(event);
        if (seen.filter(({ kind }) => kind === "turn").length === 6) return seen;
      }
      return seen;
    });
    await session.send("%say one");
    await session.send("%say two");
    const [first, ...others] = await Promise.all(readers);
    controller.abort();
    expect(new Set(first!.map(({ turn_id }) => turn_id)).size).toBe(2);
    for (const other of others) expect(other).toEqual(first);
  });
});
