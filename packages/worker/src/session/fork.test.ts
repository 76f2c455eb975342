import { randomUUID } from "node:crypto";

import type { ForkSessionRequest } from "@claude-edge/protocol";
import { beforeAll, describe, expect, test } from "vitest";

import { inChunks } from "../../test/support/test-blobs.js";
import { newSession, TestSession } from "../../test/support/test-session.js";
import { streamOf } from "../files/byte-reader.js";
import { exportFork, forkPoint, importFork } from "./fork.js";

const OPTIONS = { model: "opus", env: { KEY: "secret" } };
const LARGE = "large ".repeat(400_000);

let origin: TestSession;
let turns: string[];

const entry = (uuid: string, more: object = {}) => ({
  type: "assistant",
  uuid,
  sessionId: origin.id,
  ...more,
});
const write = (path: string, content: string) =>
  origin.parts.files.putFile(
    path,
    { body: streamOf(inChunks(content)), size: Buffer.byteLength(content), mode: undefined },
    {},
  );

/** A turn from its prompt to its end, with a message of this id and something that is written between turns after it. */
async function turn(uuid: string, path: string, content: string): Promise<string> {
  const id = origin.send();
  origin.running(id);
  origin.say({ kind: "message", turn: id, message: { type: "assistant", uuid } });
  origin.say({ kind: "transcript", turn: id, entries: [entry(uuid, { cwd: `/w/${origin.id}` })] });
  origin.say({ kind: "transcript", turn: id, subpath: "agents/a", entries: [entry(`${uuid}-a`)] });
  origin.ended(id);
  await origin.applied();
  await write(path, content);
  return id;
}

beforeAll(async () => {
  const session = { title: "Origin", tags: ["a", "b"], options: OPTIONS };
  const more = { onContainerLost: "resume", approvalTimeoutMs: 5_000 } as const;
  origin = new TestSession({ session: { ...session, ...more } });
  await origin.follow();
  await write("start.txt", "start");
  turns = [
    await turn("one", "one.txt", "one"),
    await turn("two", "folder/large.txt", LARGE),
    await turn("three", "one.txt", "changed"),
  ];
});

function exported(request: ForkSessionRequest, to: string): ReadableStream<Uint8Array> {
  const point = forkPoint(origin.store, origin.parts.files.stored, request);
  return exportFork(origin.store, origin.parts.files.stored, point, to, request.title);
}

/** Without R2 there are no packs to share. */
const share = () => Promise.reject(new Error("Nothing is shared."));

/** The object of a session that does not exist. */
async function emptySession(): Promise<TestSession> {
  const session = new TestSession();
  await session.store.clear();
  session.restart();
  session.store.open();
  return session;
}

async function fork(request: ForkSessionRequest = {}): Promise<TestSession> {
  const to = await emptySession();
  const { store, files } = to.parts;
  await importFork(store, files, exported(request, to.id), { id: to.id, container: "ada", share });
  return to;
}

const messages = ({ store }: TestSession) =>
  [...store.transcripts.entriesFor("", "")].map(({ subpath, entry: { uuid } }) =>
    subpath === "" ? uuid : `${subpath}/${uuid}`,
  );

async function contents({ parts: { files } }: TestSession): Promise<Record<string, string>> {
  const query = { path: "", recursive: true, at: undefined, cursor: undefined, limit: 100 };
  const { entries } = files.listFiles(query);
  const found: [string, string][] = [];
  for (const { path, type } of entries) {
    if (type !== "file") continue;
    const { body } = await files.openFile(path, undefined, undefined);
    found.push([path, await new Response(body).text()]);
  }
  return Object.fromEntries(found);
}

describe("a fork", () => {
  test("has the conversation, written for its own id, and the files as they are now", async () => {
    const to = await fork();
    expect(messages(to)).toEqual([
      "one",
      "agents/a/one-a",
      "two",
      "agents/a/two-a",
      "three",
      "agents/a/three-a",
    ]);
    expect([...to.store.transcripts.entries()][0]).toEqual({
      ...entry("one"),
      sessionId: to.id,
      cwd: `/w/${to.id}`,
    });
    expect(await contents(to)).toEqual({
      "start.txt": "start",
      "one.txt": "changed",
      "folder/large.txt": LARGE,
    });
  });

  test("has nothing of what a turn adds while it is copied", async () => {
    const to = await emptySession();
    const { store, files } = to.parts;
    const { transcripts } = origin.store;
    const end = transcripts.lastPosition();
    const stream = exported({}, to.id);
    transcripts.append("", [entry("late")]);
    await importFork(store, files, stream, { id: to.id, container: "ada", share });
    transcripts.truncate(end);
    expect(messages(to)).not.toContain("late");
  });

  test("has the session's title, tags and options, secrets included; none of its turns and events", async () => {
    const to = await fork();
    expect(to.store.resource()).toMatchObject({
      id: to.id,
      title: "Origin",
      tags: ["a", "b"],
      status: "idle",
      on_container_lost: "resume",
      approval_timeout_ms: 5_000,
      forked_from: { session_id: origin.id },
      last_seq: 0,
    });
    expect(to.store.options.get()).toEqual(OPTIONS);
    expect(to.store.settings.account).toBe("ada");
    expect([to.store.container, to.store.isEphemeral]).toEqual(["ada", false]);
    expect([await to.events(), to.store.openTurns()]).toEqual([[], []]);
    expect((await fork({ title: "Other" })).store.resource().title).toBe("Other");
  });

  test("continues by itself: what is written to it is not in its origin", async () => {
    const to = await fork();
    const body = streamOf(inChunks("new"));
    await to.parts.files.putFile("new.txt", { body, size: 3, mode: undefined }, {});
    expect(Object.keys(await contents(to))).toContain("new.txt");
    expect(Object.keys(await contents(origin))).not.toContain("new.txt");
    expect(to.parts.files.listCheckpoints(undefined, 9).checkpoints).toMatchObject([
      { reason: "write" },
      { reason: "fork", checkpoint: 0 },
    ]);
  });

  test("goes up to a turn: conversation and files as they were at its end", async () => {
    const to = await fork({ turn_id: turns[1]! });
    expect(messages(to)).toEqual(["one", "agents/a/one-a", "two", "agents/a/two-a"]);
    expect(await contents(to)).toEqual({ "start.txt": "start", "one.txt": "one" });
    const { forked_from } = to.store.resource();
    expect(forked_from).toEqual({ session_id: origin.id, turn_id: turns[1] });
  });

  test("goes up to a message, with the files as of it", async () => {
    const to = await fork({ message_id: "two" });
    expect(messages(to).filter((id) => !id!.startsWith("agents/"))).toEqual(["one", "two"]);
    expect(await contents(to)).toEqual({ "start.txt": "start", "one.txt": "one" });
    const { forked_from } = to.store.resource();
    expect(forked_from).toEqual({ session_id: origin.id, message_id: "two" });
    // A message that it brought along is one of its own: a fork of the fork can go up to it.
    const { store, files } = to.parts;
    expect(forkPoint(store, files.stored, { message_id: "one" }).root).toBe(
      files.stored.checkpoints.stateAt().root,
    );
  });

  test("of a session without files and conversation is one without them", async () => {
    const from = new TestSession();
    const to = await emptySession();
    const { store, parts } = from;
    const point = forkPoint(store, parts.files.stored, {});
    const copy = exportFork(store, parts.files.stored, point, to.id, undefined);
    await importFork(to.store, to.parts.files, copy, { id: to.id, container: "ada", share });
    expect([messages(to), await contents(to)]).toEqual([[], {}]);
    expect(to.store.exists).toBe(true);
  });

  test.each<[what: string, request: () => ForkSessionRequest, code: string]>([
    ["a turn that is not there", () => ({ turn_id: randomUUID() }), "turn_not_found"],
    ["a message that is not there", () => ({ message_id: "none" }), "message_not_found"],
    ["a subagent's message", () => ({ message_id: "one-a" }), "message_not_found"],
    ["a turn and a message", () => ({ turn_id: turns[0]!, message_id: "one" }), "invalid_request"],
  ])("does not go up to %s", (_what, request, code) => {
    expect(() => exported(request(), "x")).toThrow(expect.objectContaining({ code }));
  });

  test("does not go up to a turn that has not ended", () => {
    const from = new TestSession();
    const turn_id = from.queue();
    expect(() => forkPoint(from.store, from.parts.files.stored, { turn_id })).toThrow(
      expect.objectContaining({ code: "turn_running" }),
    );
  });
});

describe("a copy that is cut off", () => {
  /** Where each line of the copy ends, and where each blob does. */
  async function copyAndCuts(): Promise<{ copy: Buffer; cuts: number[] }> {
    const stream = exported({}, "x");
    const copy = Buffer.from(await new Response(stream).arrayBuffer());
    const cuts: number[] = [];
    for (let at = 0; at < copy.length;) {
      const end = copy.indexOf("\n", at) + 1;
      const { size = 0 } = JSON.parse(copy.subarray(at, end).toString()) as { size?: number };
      cuts.push(at, end);
      at = end + size;
    }
    return { copy, cuts };
  }

  test("in any place makes no session, and leaves nothing once it is cleared", async () => {
    const { copy, cuts } = await copyAndCuts();
    expect(cuts.length).toBeGreaterThan(20);
    for (const cut of [...cuts, 10, copy.length - 1]) {
      const to = await emptySession();
      const stream = streamOf(inChunks(copy.subarray(0, cut)));
      const { store, files } = to.parts;
      const made = importFork(store, files, stream, { id: to.id, container: "ada", share });
      await expect(made, `cut at ${cut}`).rejects.toMatchObject({ code: "upload_cut" });
      expect(store.exists).toBe(false);
      await store.clear();
      expect(store.isEmpty).toBe(true);
      expect(to.storage.sql.exec("SELECT * FROM sqlite_master").toArray()).toEqual([]);
      store.open();
      store.insertSession(newSession(to.id), 0);
      expect(messages(to)).toEqual([]);
    }
  });

  test("by its origin makes none either: a content that is damaged there", async () => {
    const { storage } = origin;
    const to = await emptySession();
    const rows = storage.sql.exec("SELECT * FROM pack_parts LIMIT 1").toArray();
    const { id, data } = rows[0] as { id: number; data: ArrayBuffer };
    const update = "UPDATE pack_parts SET data = ? WHERE id = ?";
    storage.sql.exec(update, new Uint8Array(data.byteLength).buffer, id);
    const { store, files } = to.parts;
    const made = importFork(store, files, exported({}, to.id), {
      id: to.id,
      container: "ada",
      share,
    });
    await expect(made).rejects.toMatchObject({
      code: expect.stringMatching(/^(upload_cut|file_damaged)$/),
    });
    expect(store.exists).toBe(false);
  });
});
