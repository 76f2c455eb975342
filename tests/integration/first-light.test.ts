import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { EdgeEvent, SdkMessage } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const edge = useStack();

const messages = (events: EdgeEvent[]): SdkMessage[] =>
  events.flatMap((event) => (event.kind === "message" ? [event.message] : []));

const blocks = (events: EdgeEvent[]) =>
  messages(events).flatMap((message) => {
    const { content } = (message.message ?? {}) as { content?: unknown };
    return Array.isArray(content) ? (content as { type: string; [key: string]: unknown }[]) : [];
  });

async function read(turn: AsyncIterable<EdgeEvent>): Promise<EdgeEvent[]> {
  const events: EdgeEvent[] = [];
  for await (const event of turn) events.push(event);
  return events;
}

describe("one prompt through the whole chain", () => {
  test("gives text, the model, usage and cost", async () => {
    const outcome = await edge.client("text").query("%say The answer is 4.");
    expect(outcome.text).toBe("The answer is 4.");
    expect(outcome.model).toBe("claude-opus-5-5");
    expect(outcome.stopReason).toBe("end_turn");
    expect(outcome.usage!.output_tokens).toBe(4);
    expect(outcome.usage!.cost_usd).toBeGreaterThan(0);
    expect(Object.keys(outcome.usage!.models)).toEqual(["claude-opus-5-5"]);
  });

  test("streams it piece by piece, every event once and in order", async () => {
    const events = await read(edge.client("stream").query("%tokens 300"));
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
    for await (const piece of edge.client("pieces").query(prompt).text()) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join("")).toBe("Looking.\n\nFound it.");
  });

  test("runs tools: Write, then Read, in the session's workspace", async () => {
    const turn = edge
      .client("tools")
      .query(
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
    expect(String(cwd)).toMatch(new RegExp(`/workspace/${turn.sessionId}$`));
    expect(await readFile(join(String(cwd), "notes.txt"), "utf8")).toBe("forty-two");
  });

  test("passes thinking on, whole and in pieces", async () => {
    const events = await read(edge.client("thinking").query("%think Let me see.\n%say Yes."));
    expect(blocks(events)).toContainEqual(
      expect.objectContaining({ type: "thinking", thinking: "Let me see." }),
    );
    const deltas = events.filter((event) => event.kind === "delta").map((event) => event.message);
    expect(JSON.stringify(deltas)).toContain("thinking_delta");
    expect(events.at(-1)).toMatchObject({ result: { text: "Yes." } });
  });

  test("gives the structured output that was asked for", async () => {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, age: { type: "integer" } },
      required: ["name", "age"],
    };
    const outcome = await edge
      .client("output")
      .query('%tool StructuredOutput {"name":"Ada","age":36}', {
        outputFormat: { type: "json_schema", schema },
      });
    expect(outcome.output).toEqual({ name: "Ada", age: 36 });
  });

  test("a turn without the structured output that was asked for has failed", async () => {
    const turn = edge.client("no-output").query("%say I would rather not.\n%say No.", {
      outputFormat: { type: "json_schema", schema: { type: "object", required: ["name"] } },
    });
    await expect(turn).rejects.toMatchObject({
      name: "TurnError",
      code: "output_invalid",
      turnStatus: "failed",
    });
  });

  test("passes a session's options on to the agent", async () => {
    const systemPrompt = `You are test ${randomUUID()}.`;
    const turn = edge
      .client("options")
      .query("Hello", { model: "claude-haiku-4-5", systemPrompt, tools: [] });
    expect((await turn).model).toBe("claude-haiku-4-5");
    const sent = edge.stack.model!.requests.map(({ body }) => body);
    const own = sent.find((body) => JSON.stringify(body.system).includes(systemPrompt))!;
    expect(own.tools ?? []).toEqual([]);
  });

  test("a prompt that looks like a command or a file is sent as it is", async () => {
    const prompt = "/clear @/etc/hostname";
    await edge.client("verbatim").query(prompt);
    const sent = JSON.stringify(edge.stack.model!.requests.at(-1)!.body.messages);
    expect(sent).toContain(prompt);
  });
});

describe("a session", () => {
  test("remembers its first turn in the second", async () => {
    const session = await edge.client("memory").sessions.create({ title: "Colours" });
    await session.send("My favourite colour is teal.");
    const { text, sessionId } = await session.send("Which colour did I say earlier?");
    expect(text).toContain("My favourite colour is teal.");
    expect(sessionId).toBe(session.id);

    const about = await session.retrieve();
    expect(about).toMatchObject({ id: session.id, title: "Colours", status: "idle" });
  });

  test("counts each turn's usage by itself", async () => {
    const session = await edge.client("usage").sessions.create();
    const first = await session.send("%tokens 50");
    const second = await session.send("%tokens 70");
    expect(first.usage!.output_tokens).toBe(50);
    expect(second.usage!.output_tokens).toBe(70);
    expect(second.usage!.cost_usd).toBeLessThan(first.usage!.cost_usd * 1.5);
  });

  test("takes its turns one after the other", async () => {
    const session = await edge.client("order").sessions.create();
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
    const session = await edge.client("interrupt").sessions.create();
    const turn = session.send("%say Starting.\n%wait 30000\n%say Never.");
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
    const session = await edge.client("interrupt-queued").sessions.create();
    const first = read(session.send("%wait 1000\n%say first"));
    const second = session.send("%say second");
    const reading = read(second);
    await until("second is queued", () => second.id);
    await second.interrupt();
    expect((await reading).at(-1)).toMatchObject({ status: "interrupted" });
    expect((await first).at(-1)).toMatchObject({ status: "completed" });
  });

  test("a client that leaves in mid-turn does not stop it", async () => {
    const session = await edge.client("leave").sessions.create();
    const turn = session.send("%say Begun.\n%wait 700\n%say Ended.");
    for await (const event of turn) if (event.kind === "delta") break;

    const path = `/v1/sessions/${session.id}/turns/${turn.id}`;
    const seen = await edge.fetch(path, { account: "leave" });
    expect(await seen.json()).toMatchObject({ status: "running" });
    const ended = await until("the turn has ended", async () => {
      const state = (await (await edge.fetch(path, { account: "leave" })).json()) as {
        status: string;
      };
      return state.status === "running" ? undefined : state;
    });
    expect(ended).toMatchObject({ status: "completed", result: { text: "Ended." } });
  });
});

describe("accounts", () => {
  test("run at the same time, each in its own container, and do not see each other", async () => {
    const [one, two] = [edge.client("tenant-one"), edge.client("tenant-two")];
    const [first, second] = await Promise.all([
      one.query("%say one\n%wait 500\n%say done"),
      two.query("%say two\n%wait 500\n%say done"),
    ]);
    await expect(one.sessions.open(second.sessionId).retrieve()).rejects.toMatchObject({
      code: "session_not_found",
      status: 404,
    });
    await expect(two.sessions.open(first.sessionId).send("hello")).rejects.toMatchObject({
      code: "session_not_found",
    });
    const listed: string[] = [];
    for await (const { id } of one.sessions.list()) listed.push(id);
    expect(listed).toEqual([first.sessionId]);
    expect(edge.stack.containers().length).toBeGreaterThanOrEqual(2);
  });

  test("two sessions of an account do not see each other's files", async () => {
    const client = edge.client("two-sessions");
    await client.query('%tool Write {"file_path":"secret.txt","content":"mine"}\n%say ok');
    const events = await read(client.query('%tool Read {"file_path":"secret.txt"}\n%say looked'));
    const result = blocks(events).find((block) => block.type === "tool_result")!;
    expect(result.is_error).toBe(true);
  });
});
