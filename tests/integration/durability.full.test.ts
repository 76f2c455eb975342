import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import { query, type EdgeEvent, type Session } from "@claude-edge/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { statuses, toolResults } from "../support/events.js";
import { Gate } from "../support/gate.js";
import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const persist = mkdtempSync(join(tmpdir(), "durability-"));
/** With spares, as a deployment has them. */
const edge = useOwnStack({
  persist,
  containerEnv: { CLAUDE_EDGE_SPARES: "1" },
  vars: { CLAUDE_EDGE_SLEEP_AFTER: "3s", CLAUDE_EDGE_HOLD: "1s" },
});
afterAll(() => rmSync(persist, { recursive: true, force: true }));

/** What is due later is done seldom: the list of accounts is told every quarter of an hour, checkpoints thinned in a day. */
const SOON_MS = 5 * 60_000;

/** How many objects have an alarm that is due soon: miniflare keeps those of each class in a table of its own. */
function alarms(): number {
  const counts = ["AccountDO", "SessionDO", "ContainerDO"].map((name) => {
    const path = join(persist, "state", "v3", "do", `my-agent-${name}`, "metadata.sqlite");
    const database = new DatabaseSync(path, { readOnly: true });
    // In nanoseconds.
    const sql = `SELECT count(*) AS count FROM _cf_ALARM WHERE scheduled_time < ${Date.now() + SOON_MS} * 1000000`;
    const { count } = database.prepare(sql).get() as { count: number };
    database.close();
    return count;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

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

const ACCOUNT = "durability";
const client = () => edge.client(ACCOUNT);

const options = { permissionMode: "bypassPermissions" } as const;

/** One session for most tests. */
let session: Session;
beforeAll(async () => {
  session = await client().sessions.create(options);
});

const container = () => {
  // There is one account.
  const [found] = edge.stack.containers();
  if (!found) throw new Error("there is no container");
  return found;
};

/** Ends the container without warning. */
const killContainer = () => void process.kill(container().pid, "SIGKILL");

const remembers = async () => (await session.send("What did I say earlier?")).text;

describe("a Worker that is restarted", () => {
  test("in mid-turn: the reader gets every event once, as if nothing had been", async () => {
    // While a tool runs: a model call in flight goes through workerd too, and would be asked again.
    const gate = new Gate();
    const turn = session.send(`%tokens 60\n${gate.tool}\n%tokens 80`);
    const reading = read(turn);
    await gate.reached();
    await edge.stack.restartWorker();
    // One that reads it all only now, deltas included, reads the same.
    const whole = edge.fetch(`/v1/sessions/${session.id}/events?turn=${turn.id}`, {
      account: ACCOUNT,
      headers: { accept: "text/event-stream" },
    });
    gate.open();
    const events = await reading;
    expect(events.at(-1)).toMatchObject({ kind: "turn", status: "completed" });
    const text = events
      .map((event) => (event.kind === "delta" ? JSON.stringify(event.message) : ""))
      .join("");
    expect(text.match(/"text_delta"/g)).toHaveLength(140);
    const frames = await (await whole).text();
    const seqs = [...frames.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
    expect(seqs).toEqual(events.map(({ seq }) => seq));
  });

  test("between turns: the session goes on in its live process", async () => {
    await session.send("My boat is called Vega.");
    await edge.stack.restartWorker();
    expect(await remembers()).toContain("Vega");
  });
});

describe("a permission", () => {
  test("outlives Worker, process and container: answered later over HTTP it runs the tool, once", async () => {
    const asking = await client().sessions.create({ permissionMode: "default", canUseTool: true });
    const command = "echo approved > approved.txt; cat approved.txt";
    const prompt = `%tool Bash ${JSON.stringify({ command })}\n%say It ran.`;
    const reading = read(asking.send(prompt));
    const { requests } = client();
    const request = await until("a request", async () => (await requests.list())[0]);
    await edge.stack.restartWorker();
    expect((await requests.list()).map(({ id }) => id)).toEqual([request.id]);
    await until("the turn waits", async () => (await asking.retrieve()).status === "waiting");
    // It may sleep by now.
    if (edge.stack.containers().length > 0) killContainer();
    await edge.stack.restartWorker();

    const path = `/v1/sessions/${asking.id}/requests/${request.id}`;
    const account = ACCOUNT;
    const allow = { answer: { behavior: "allow" }, by: "ada" };
    expect((await edge.fetch(path, { json: allow, account })).status).toBe(200);
    const deny = { answer: { behavior: "deny" }, by: "bob" };
    const second = await edge.fetch(path, { json: deny, account });
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({
      error: { code: "request_resolved", details: { status: "answered", answered_by: "ada" } },
    });

    const events = await reading;
    expect(events.at(-1)).toMatchObject({ result: { text: "It ran." } });
    expect(statuses(events)).toEqual(["queued", "running", "waiting", "running", "completed"]);
    expect(toolResults(events)).toContain("approved");
    const kept = await requests.retrieve(request.id);
    expect(kept).toMatchObject({ status: "answered", answered_by: "ada" });
    expect(Date.parse(kept.resolved_at!)).toBeGreaterThan(Date.parse(kept.created_at));
  });
});

describe("a container that is lost", () => {
  test("in mid-turn: the turn fails, says which tools ran, and the session remembers", async () => {
    await session.send("My dog is called Rex.");
    const prompt = [
      '%tool Write {"file_path":"done.txt","content":"done"}',
      "%say Written.",
      '%tool Bash {"command":"true; sleep 600"}',
      "%say Never.",
    ].join("\n");
    let killed = false;
    const events = await read(session.send(prompt), (event) => {
      if (killed || event.kind !== "message" || !holds(event, '"command":"true; sleep 600"'))
        return;
      killed = true;
      // The agent hands its transcript on a moment after it tells of a tool.
      setTimeout(killContainer, 1_500);
    });
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
    const seen = JSON.stringify((await edge.asked(session.id)).at(-1)!.body.messages);
    expect(seen).toContain("done.txt");
    expect(seen).toMatch(/interrupted|unknown/i);
  });

  test("because it hangs: it is given up, ended, and another takes the next prompt", async () => {
    let stopped = false;
    const turn = session.send("%say Begun.\n%wait 600000\n%say Never.");
    const events = await read(turn, (event) => {
      if (stopped || !holds(event, "Begun.")) return;
      stopped = true;
      process.kill(container().pid, "SIGSTOP");
    });
    expect(events.at(-1)).toMatchObject({ status: "failed", error: { code: "container_lost" } });
    expect((await session.send("%say Again.")).text).toBe("Again.");
  });

  test("between turns: the next turn starts another, and the session remembers, the model too", async () => {
    await session.send("My cat is called Mia.");
    const model = "claude-haiku-4-5";
    await session.control("setModel", [model]);
    killContainer();
    const { text, model: used } = await session.send("What did I say earlier?");
    expect(text).toContain("Mia");
    expect(used).toBe(model);
    expect((await session.retrieve()).options).toEqual({ ...options, model });
  });

  test("in mid-turn: query() throws what ended the turn, which no result message tells of", async () => {
    const { url: baseURL, token } = edge.stack;
    const conversation = query({
      prompt: '%tool Bash {"command":"true; sleep 600"}',
      options: { ...options, allowDangerouslySkipPermissions: true, resume: session.id },
      edge: { baseURL, token, account: ACCOUNT },
    });
    const reading = (async () => {
      for await (const message of conversation) {
        if (JSON.stringify(message).includes('"command":"true; sleep 600"')) killContainer();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "container_lost" });
  });

  test("in mid-turn, with onContainerLost resume: the turn goes on by itself", async () => {
    const resumed = await client().sessions.create({ ...options, onContainerLost: "resume" });
    const prompt = [
      '%tool Bash {"command":"echo first"}',
      "%say Between.",
      '%tool Bash {"command":"sleep 4; echo second"}',
      "%say At the end.",
    ].join("\n");
    let killed = false;
    const events = await read(resumed.send(prompt), (event) => {
      if (killed || event.kind !== "message" || !holds(event, '"command":"sleep 4')) return;
      killed = true;
      setTimeout(killContainer, 300);
    });
    expect(statuses(events)).toEqual(["queued", "running", "running", "completed"]);
    expect(
      events.filter((event) => holds(event, '"command":"echo first"') && event.kind === "message"),
    ).toHaveLength(1);
  });
});

describe("what a container is lost with", () => {
  test("is in the next: a subagent's transcript, whose turn's usage holds it", async () => {
    const task = {
      description: "look",
      prompt: "%say From the subagent.",
      subagent_type: "general-purpose",
    };
    const outcome = await session.send(`%tool Task ${JSON.stringify(task)}\n%say Main done.`);
    expect(outcome.text).toBe("Main done.");
    // The call of the tool counts 20, its answer and the subagent's their words.
    expect(outcome.usage!.output_tokens).toBe(20 + 2 + 3);
    killContainer();
    expect((await session.send("%say On.")).text).toBe("On.");
    // Not all of the disks: a process makes and deletes files of its own meanwhile.
    const restored = readdirSync(join(persist, "disks"))
      .map((disk) => join(persist, "disks", disk, "state", "transcripts"))
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }));
    const subagents = restored.filter((path) => path.includes(session.id) && path.includes("sub-"));
    expect(subagents).toHaveLength(1);
  });

  test("is in the next: a message of 20 MB", async () => {
    const large = await client().sessions.create();
    const { text } = await large.send("%bytes 20000000");
    expect(text.length).toBeGreaterThan(19_900_000);
    // On a busy machine reading it takes longer than an idle container is kept.
    if (edge.stack.containers().length > 0) killContainer();
    expect((await large.send("%say Still here.")).text).toBe("Still here.");
    // Half a minute where nothing else runs.
  }, 300_000);
});

describe("a container without work", () => {
  const asleep = () => until("every container sleeps", () => edge.stack.containers().length === 0);

  test("sleeps, after a turn and after a control call, holds no alarm that is due soon, and the session wakes with all it knew", async () => {
    await session.send("My horse is called Bo.");
    expect(alarms()).toBeGreaterThan(0);
    await asleep();
    // The account looks at what it has granted once more, a minute later.
    await until("no alarm is due soon", () => alarms() === 0, 150_000);
    await sleep(1_000);
    expect(edge.stack.containers()).toEqual([]);
    expect(alarms()).toBe(0);
    await session.control("supportedModels");
    expect(edge.stack.containers()).toHaveLength(1);
    await asleep();
    expect(await remembers()).toContain("Bo");
    // Up to a minute each until it sleeps, twice, and until its last alarm has passed.
  }, 300_000);
});
