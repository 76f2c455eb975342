import type { EdgeEvent, Session } from "@claude-edge/client";
import type { TurnList } from "@claude-edge/protocol";
import { beforeAll, describe, expect, test } from "vitest";

import { messages, read } from "../support/events.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "sessions";

const edge = useStack();

/** One session for most tests. */
let session: Session;
beforeAll(async () => {
  session = await edge.client(ACCOUNT).sessions.create({ title: "Origin", tags: ["a"] });
});

const remembers = async (id: string) =>
  (await edge.client(ACCOUNT).sessions.open(id).send("What did I say earlier?")).text;

describe("sessions", () => {
  test("are followed across turns, by any number of readers", async () => {
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

  test("are found by what they are, and tell their turns, newest first", async () => {
    const { sessions } = edge.client(ACCOUNT);
    const other = await sessions.create({ title: "Something else", tags: ["a", "b"] });
    const idsOf = async (filter: object) => {
      const ids = [];
      for await (const { id } of sessions.list(filter)) ids.push(id);
      return ids;
    };
    expect(await idsOf({ tag: "b" })).toEqual([other.id]);
    expect(await idsOf({ title: "ORIGIN", status: "idle" })).toEqual([session.id]);
    expect(await idsOf({ tag: "none" })).toEqual([]);
    expect(await sessions.retrieve(other.id)).toMatchObject({ title: "Something else" });
    const odd = await edge.fetch("/v1/sessions?status=odd", { account: ACCOUNT });
    expect(odd.status).toBe(400);

    for (const word of ["first", "second", "third"]) await other.send(`%say ${word}`);
    const texts = [];
    for await (const { status, result } of other.turns({ limit: 2 })) {
      texts.push([status, result?.text]);
    }
    expect(texts).toEqual([
      ["completed", "third"],
      ["completed", "second"],
    ]);
    const path = `/v1/sessions/${other.id}/turns?limit=2`;
    const page = async (cursor = "") =>
      (await (await edge.fetch(path + cursor, { account: ACCOUNT })).json()) as TurnList;
    const { turns, next_cursor } = await page();
    expect(turns).toHaveLength(2);
    const rest = await page(`&cursor=${next_cursor}`);
    expect([rest.turns.map(({ result }) => result!.text), rest.next_cursor]).toEqual([
      ["first"],
      undefined,
    ]);
  });

  test("are forked, whole or at a message, and the branches go apart", async () => {
    const first = await read(session.send("My first word is apple."));
    await session.send("My second word is pear.");
    const messageId = String(messages(first).findLast(({ type }) => type === "assistant")!.uuid);
    const whole = await session.fork();
    const early = await session.fork({ messageId });
    expect(await early.retrieve()).toMatchObject({
      title: "Origin",
      tags: ["a"],
      forked_from: { session_id: session.id, message_id: messageId },
    });
    const [ofWhole, ofEarly] = [await remembers(whole.id), await remembers(early.id)];
    expect(ofWhole).toContain("apple");
    expect(ofWhole).toContain("pear");
    expect(ofEarly).toContain("apple");
    expect(ofEarly).not.toContain("pear");
    await whole.send("My third word is plum.");
    expect(await remembers(session.id)).not.toContain("plum");
    await expect(session.fork({ messageId: "nope" })).rejects.toMatchObject({
      code: "message_not_found",
    });
  });

  test("are renamed, tagged and deleted, in mid-turn too", async () => {
    expect(await session.update({ title: "New", tags: ["x", "y"] })).toMatchObject({
      title: "New",
      tags: ["x", "y"],
    });
    const turn = session.send("%wait 60000");
    const reading = read(turn).catch((reason: unknown) => reason);
    await until("it runs", async () => (await session.retrieve()).status === "running");
    await session.delete();
    await expect(session.retrieve()).rejects.toMatchObject({ code: "session_not_found" });
    const ended = { status: "interrupted", error: { message: "The session was deleted." } };
    expect(((await reading) as EdgeEvent[]).at(-1)).toMatchObject(ended);
    // The account, which runs one turn at a time, is free again.
    expect((await edge.client(ACCOUNT).query("%say Free again.")).text).toBe("Free again.");
  });
});
