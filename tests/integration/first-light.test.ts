import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { EdgeEvent, Session, TurnOutcome } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { blocks, messages, read } from "../support/events.js";
import { Gate } from "../support/gate.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "first-light";

const edge = useStack();

/** One session for most tests: its process is hot after the first turn. */
let session: Session;
let first: TurnOutcome;

beforeAll(async () => {
  const client = edge.client(ACCOUNT);
  const options = { title: "Colours", permissionMode: "bypassPermissions" } as const;
  first = await client.query("%say The answer is 4.", options);
  session = client.sessions.open(first.sessionId);
});

describe("one prompt through the whole chain", () => {
  test("gives text, the model, usage and cost", () => {
    expect(first.text).toBe("The answer is 4.");
    expect(first.model).toBe("claude-opus-5-5");
    expect(first.stopReason).toBe("end_turn");
    expect(first.usage!.output_tokens).toBe(4);
    expect(first.usage!.cost_usd).toBeGreaterThan(0);
    expect(Object.keys(first.usage!.models)).toEqual(["claude-opus-5-5"]);
  });

  test("streams it piece by piece, every event once and in order", async () => {
    const events = await read(session.send("%tokens 300"));
    const seqs = events.map((event) => event.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(events.filter((event) => event.kind === "delta").length).toBeGreaterThanOrEqual(300);

    const statuses = events.flatMap((event) => (event.kind === "turn" ? [event.status] : []));
    expect(statuses).toEqual(["queued", "running", "completed"]);
    expect(events.at(-1)).toMatchObject({ kind: "turn", status: "completed" });
  });

  test("text() is the answer's text, with a blank line between what is said around a tool", async () => {
    const pieces: string[] = [];
    const prompt = '%say Looking.\n%tool Bash {"command":"echo hi"}\n%say Found it.';
    for await (const piece of session.send(prompt).text()) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join("")).toBe("Looking.\n\nFound it.");
  });

  test("runs tools: Write, then Read, in the session's workspace", async () => {
    const turn = session.send(
      [
        '%tool Write {"file_path":"notes.txt","content":"forty-two"}',
        "%say Written.",
        '%tool Read {"file_path":"notes.txt"}',
        "%say Read.",
      ].join("\n"),
    );
    const events = await read(turn);
    expect(events.at(-1)).toMatchObject({ status: "completed", result: { text: "Read." } });
    const results = blocks(events).filter((block) => block.type === "tool_result");
    expect(results).toHaveLength(2);
    expect(results.some((result) => result.is_error)).toBe(false);
    expect(JSON.stringify(results[1]!.content)).toContain("forty-two");

    const { cwd } = messages(events).find((message) => message.subtype === "init")!;
    expect(String(cwd)).toMatch(new RegExp(`/workspace/${session.id}$`));
    expect(await readFile(join(String(cwd), "notes.txt"), "utf8")).toBe("forty-two");
  });

  test("passes thinking on, whole and in pieces", async () => {
    const events = await read(session.send("%think Let me see.\n%say Yes."));
    expect(blocks(events)).toContainEqual(
      expect.objectContaining({ type: "thinking", thinking: "Let me see." }),
    );
    const deltas = events.filter((event) => event.kind === "delta").map((event) => event.message);
    expect(JSON.stringify(deltas)).toContain("thinking_delta");
    expect(events.at(-1)).toMatchObject({ result: { text: "Yes." } });
  });

  test("a prompt that looks like a command or a file is sent as it is", async () => {
    const prompt = `/clear @/etc/hostname ${randomUUID()}`;
    await session.send(prompt);
    expect(await edge.asked(prompt)).not.toEqual([]);
  });
});

describe("a session", () => {
  test("remembers its first turn in the second", async () => {
    await session.send("My favourite colour is teal.");
    const { text, sessionId } = await session.send("Which colour did I say earlier?");
    expect(text).toContain("My favourite colour is teal.");
    expect(sessionId).toBe(session.id);

    const about = await session.retrieve();
    expect(about).toMatchObject({ id: session.id, title: "Colours", status: "idle" });
  });

  test("counts each turn's usage by itself", async () => {
    const before = await session.send("%tokens 50");
    const after = await session.send("%tokens 70");
    expect(before.usage!.output_tokens).toBe(50);
    expect(after.usage!.output_tokens).toBe(70);
    expect(after.usage!.cost_usd).toBeLessThan(before.usage!.cost_usd * 1.5);
  });

  test("takes its turns one after the other", async () => {
    const turns = ["one", "two", "three"].map((word) => session.send(`%wait 50\n%say ${word}`));
    const events = await Promise.all(turns.map((turn) => read(turn)));
    for (const [index, of] of events.entries()) {
      expect(new Set(of.map(({ turn_id }) => turn_id)).size).toBe(1);
      expect(of.at(-1)).toMatchObject({ result: { text: ["one", "two", "three"][index] } });
    }
    const spans = events.map((of) => [of[1]!.seq, of.at(-1)!.seq] as const);
    const sorted = spans.toSorted((a, b) => a[0] - b[0]);
    for (const [index, [begin]] of sorted.entries()) {
      expect(begin).toBeGreaterThan(sorted[index - 1]?.[1] ?? 0);
    }
  });

  test("a turn can be interrupted, and the next one goes on", async () => {
    const turn = session.send("%say Starting.\n%wait 60000\n%say Never.");
    const seen: EdgeEvent[] = [];
    for await (const event of turn) {
      seen.push(event);
      if (event.kind === "delta" && JSON.stringify(event.message).includes("Starting"))
        await turn.interrupt();
    }
    expect(seen.at(-1)).toMatchObject({ kind: "turn", status: "interrupted" });
    await expect(turn.result()).rejects.toMatchObject({
      code: "interrupted",
      turnStatus: "interrupted",
    });
    expect((await session.send("%say Here again.")).text).toBe("Here again.");
  });

  test("a queued turn can be interrupted before it begins", async () => {
    const gate = new Gate();
    const running = session.send(`${gate.tool}\n%say first`);
    const reading = read(running);
    await until("the first is queued", () => running.id);
    const second = session.send("%say second");
    const other = read(second);
    await until("second is queued", () => second.id);
    await second.interrupt();
    expect((await other).at(-1)).toMatchObject({ status: "interrupted" });
    gate.open();
    expect((await reading).at(-1)).toMatchObject({ status: "completed" });
  });

  test("a client that leaves in mid-turn does not stop it", async () => {
    const gate = new Gate();
    const turn = session.send(`%say Begun.\n${gate.tool}\n%say Ended.`);
    for await (const event of turn) if (event.kind === "delta") break;

    const path = `/v1/sessions/${session.id}/turns/${turn.id}`;
    const seen = await edge.fetch(path, { account: ACCOUNT });
    expect(await seen.json()).toMatchObject({ status: "running" });
    gate.open();
    const ended = await until("the turn has ended", async () => {
      const state = (await (await edge.fetch(path, { account: ACCOUNT })).json()) as {
        status: string;
      };
      return state.status === "running" ? undefined : state;
    });
    expect(ended).toMatchObject({ status: "completed", result: { text: "Ended." } });
  });
});

describe("a session with a structured output", () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string" }, age: { type: "integer" } },
    required: ["name", "age"],
  };
  let asked: Session;
  let outcome: TurnOutcome;
  let events: EdgeEvent[];

  beforeAll(async () => {
    const client = edge.client(ACCOUNT);
    asked = await client.sessions.create({
      outputFormat: { type: "json_schema", schema },
      permissionMode: "bypassPermissions",
    });
    await session.send('%tool Write {"file_path":"secret.txt","content":"mine"}\n%say ok');
    const turn = asked.send(
      '%tool Read {"file_path":"secret.txt"}\n%say Looked.\n%tool StructuredOutput {"name":"Ada","age":36}',
    );
    events = await read(turn);
    outcome = await turn.result();
  });

  test("gives the one that was asked for", () => {
    expect(outcome.output).toEqual({ name: "Ada", age: 36 });
  });

  test("does not see the files of the account's other session", async () => {
    const result = blocks(events).find((block) => block.type === "tool_result")!;
    expect(result.is_error).toBe(true);
    const own = session.send('%tool Read {"file_path":"secret.txt"}\n%say Looked.');
    expect(JSON.stringify(blocks(await read(own)))).toContain("mine");
  });

  test("fails a turn that ends without it", async () => {
    await expect(asked.send("%say I would rather not.\n%say No.")).rejects.toMatchObject({
      name: "TurnError",
      code: "output_invalid",
      turnStatus: "failed",
    });
  });
});

describe("accounts", () => {
  const systemPrompt = `You are test ${randomUUID()}.`;

  test("run at the same time, each in its own container, with their own options, and do not see each other", async () => {
    const [one, two] = [edge.client(ACCOUNT), edge.client(`${ACCOUNT}-2`)];
    const gate = new Gate();
    const running = session.send(`${gate.tool}\n%say done`).result();
    await until("the first runs", async () => (await session.retrieve()).status === "running");
    const options = { model: "claude-haiku-4-5", systemPrompt, tools: [] };
    const second = await two.query("Hello", options);
    expect((await session.retrieve()).status).toBe("running");
    gate.open();
    expect((await running).text).toBe("done");

    expect(second.model).toBe("claude-haiku-4-5");
    const [asked] = await edge.asked(systemPrompt);
    expect(asked!.body.tools ?? []).toEqual([]);

    await expect(one.sessions.open(second.sessionId).retrieve()).rejects.toMatchObject({
      code: "session_not_found",
      status: 404,
    });
    await expect(two.sessions.open(session.id).send("hello")).rejects.toMatchObject({
      code: "session_not_found",
    });
    const listed: string[] = [];
    for await (const { id } of two.sessions.list()) listed.push(id);
    expect(listed).toEqual([second.sessionId]);
    const containers = [
      await edge.containerOf(session.id),
      await edge.containerOf(second.sessionId),
    ].map((container) => container?.name);
    expect(containers).toEqual([expect.any(String), expect.any(String)]);
    expect(containers[0]).not.toBe(containers[1]);
  });
});
