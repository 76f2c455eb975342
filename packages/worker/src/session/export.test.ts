import { randomUUID } from "node:crypto";

import type { EdgeEvent } from "@claude-edge/protocol";
import { unpackTar } from "modern-tar";
import { beforeEach, describe, expect, test } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { inChunks } from "../../test/support/test-blobs.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { TestSession } from "../../test/support/test-session.js";
import { streamOf } from "../files/byte-reader.js";
import { Account } from "../http/account.js";
import { exportSession, exportTranscript } from "./export.js";

const OPTIONS = {
  model: "opus",
  mcpServers: { desk: { type: "http", url: "https://x.test/", headers: { key: "secret" } } },
};
/** More than a tar is packed ahead of its reader. */
const LARGE = "ünit ".repeat(1_500_000);
/** More than a page of rows. */
const LONG = "ünit ".repeat(150_000);

let session: TestSession;
beforeEach(async () => {
  session = new TestSession({ session: { title: "Plans", tags: ["a"], options: OPTIONS } });
  await session.follow();
});

const write = (path: string, content: string) =>
  session.parts.files.putFile(
    path,
    { body: streamOf(inChunks(content)), size: Buffer.byteLength(content), mode: 0o755 },
    {},
  );

/** A turn from its prompt to its end, whose messages and transcript are these texts. */
async function turn(...texts: string[]): Promise<string> {
  const id = session.send({ prompt: "Plan it" });
  session.running(id);
  for (const text of texts) {
    session.message(id, text);
    const entry = { type: "assistant", uuid: randomUUID(), text };
    session.say({ kind: "transcript", turn: id, entries: [entry] });
    session.say({ kind: "transcript", turn: id, subpath: "agents/a", entries: [entry] });
  }
  const result = { text: texts.join(""), stop_reason: "end_turn", num_turns: 1, duration_ms: 5 };
  session.ended(id, { result });
  await session.applied();
  return id;
}

const exported = (assertReadable = () => {}) => exportSession(session.parts, assertReadable);

/** What is in a tar, by name. */
async function contentsOf(tar: ReadableStream<Uint8Array>) {
  const entries = await unpackTar(tar, { strict: true });
  return new Map(entries.map(({ header, data }) => [header.name, { header, data }]));
}
const linesOf = (contents: Awaited<ReturnType<typeof contentsOf>>, name: string) =>
  new TextDecoder()
    .decode(contents.get(name)!.data)
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const silenceErrors = () => {
  captureLog();
};

describe("an export", () => {
  test("has the session, its turns, events, transcript and files", async () => {
    await write("src/main.ts", "one");
    const first = await turn("a 🙂 ", "b");
    const second = await turn("c");
    await write("notes.md", "two");
    const contents = await contentsOf(exported());
    expect([...contents.keys()]).toEqual([
      "session.json",
      "turns.ndjson",
      "events.ndjson",
      "transcript.ndjson",
      "files/",
      "files/notes.md",
      "files/src/",
      "files/src/main.ts",
    ]);
    const text = new TextDecoder().decode(contents.get("session.json")!.data);
    expect(JSON.parse(text)).toEqual(session.store.resource());
    expect(text).not.toContain("secret");
    const turns = [first, second].map((id) => session.store.turnResource(id));
    expect(linesOf(contents, "turns.ndjson")).toEqual(turns);
    const events = (await session.events()) as (EdgeEvent & Record<string, unknown>)[];
    expect(linesOf(contents, "events.ndjson")).toEqual(events);
    expect(linesOf(contents, "transcript.ndjson")).toMatchObject([
      { entry: { text: "a 🙂 " } },
      { subpath: "agents/a", entry: { text: "a 🙂 " } },
      { entry: { text: "b" } },
      { subpath: "agents/a" },
      { entry: { text: "c" } },
      { subpath: "agents/a" },
    ]);
    const { header, data } = contents.get("files/src/main.ts")!;
    expect([header.mode, new TextDecoder().decode(data)]).toEqual([0o755, "one"]);
  });

  test("of a session in which nothing has happened", async () => {
    const contents = await contentsOf(exported());
    expect(contents.size).toBe(5);
    for (const name of ["turns", "events", "transcript"]) {
      expect(linesOf(contents, `${name}.ndjson`)).toEqual([]);
    }
  });

  test("of texts larger than a page, and a file larger than what is packed ahead", async () => {
    await turn(LONG, LONG);
    for (let count = 0; count < 150; count += 1) session.queue();
    session.parts.turns.endAll("Enough.");
    await write("large.txt", LARGE);
    const contents = await contentsOf(exported());
    expect(linesOf(contents, "turns.ndjson")).toHaveLength(151);
    expect(linesOf(contents, "transcript.ndjson")[0]).toMatchObject({ entry: { text: LONG } });
    const events = await session.events();
    expect(linesOf(contents, "events.ndjson")).toHaveLength(events.length);
    expect(new TextDecoder().decode(contents.get("files/large.txt")!.data)).toBe(LARGE);
  });

  test("is of one moment: what a running turn adds meanwhile is not in it", async () => {
    await write("a.txt", LARGE);
    await turn("before");
    const running = session.send();
    session.running(running);
    session.message(running, "begun");
    await session.applied();
    const { last_seq } = session.store.resource();
    const events = await session.events();

    const reader = exported().getReader();
    const chunks = [(await reader.read()).value!];
    session.message(running, "later");
    session.say({ kind: "transcript", turn: running, entries: [{ type: "user", uuid: "later" }] });
    session.ended(running);
    await session.applied();
    await write("a.txt", "later");
    await turn("another");
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value);
    }
    const contents = await contentsOf(streamOf(inChunks(...chunks)));

    const text = new TextDecoder().decode(contents.get("session.json")!.data);
    expect(JSON.parse(text)).toMatchObject({ status: "running", last_seq });
    expect(linesOf(contents, "events.ndjson")).toEqual(events);
    const turns = linesOf(contents, "turns.ndjson");
    expect(turns).toMatchObject([{ status: "completed" }, { id: running, status: "running" }]);
    expect(turns[1]).not.toHaveProperty("ended_at");
    expect(linesOf(contents, "transcript.ndjson")).toHaveLength(2);
    expect(contents.get("files/a.txt")!.data).toHaveLength(Buffer.byteLength(LARGE));
  });

  test("breaks off when the session is rewound meanwhile: its transcript is not what it was", async () => {
    silenceErrors();
    await turn("before");
    const tar = exported();
    session.store.transcripts.truncate(0);
    await expect(contentsOf(tar)).rejects.toMatchObject({ code: "internal" });
  });

  test("breaks off at a file that is damaged", async () => {
    silenceErrors();
    await write("a.txt", "one");
    const bytes = new Uint8Array(Buffer.from("two")).buffer;
    session.storage.sql.exec("UPDATE pack_parts SET data = ?", bytes);
    await expect(contentsOf(exported())).rejects.toMatchObject({ code: "file_damaged" });
  });
});

describe("the transcript alone", () => {
  const textOf = (readable = () => {}) =>
    new Response(exportTranscript(session.parts, readable)).text();

  test("is lines of entries, subagents' too, and their number at the end", async () => {
    await turn("Hello", LONG);
    const lines = (await textOf()).trimEnd().split("\n");
    const read = lines.map(
      (line) => JSON.parse(line) as { subpath?: string; entry?: { text: string } },
    );
    expect(read.slice(0, -1).map(({ subpath, entry }) => [subpath, entry?.text])).toEqual([
      [undefined, "Hello"],
      ["agents/a", "Hello"],
      [undefined, LONG],
      ["agents/a", LONG],
    ]);
    expect(read.at(-1)).toEqual({ entries: 4 });
  });

  test("breaks off, without its last line, when the reader may no longer read", async () => {
    await turn("Hello");
    let reads = 0;
    const barred = () => {
      reads += 1;
      if (reads > 2) throw new Error("barred");
    };
    await expect(textOf(barred)).rejects.toThrow("barred");
  });
});

describe("an export that is being read", () => {
  const body = () => streamOf(inChunks(LARGE));

  /** A session with a file, and its export, of which the first piece was read. */
  async function begun(token?: { id: string; expiresAt: number | undefined }) {
    silenceErrors();
    const deployment = new TestDeployment();
    const caller = new Account(deployment.env, "ada");
    const { id } = await caller.createSession({});
    const size = Buffer.byteLength(LARGE);
    await caller.putFile(id, "a.txt", { body: body(), size, mode: undefined }, {});
    const tar = await new Account(
      deployment.env,
      "ada",
      token && { ...token, issuedAt: 0 },
    ).exportSession(id, token);
    const reader = tar.getReader();
    await reader.read();
    const rest = async () => {
      while (!(await reader.read()).done) {
        // To its end.
      }
    };
    return { caller, id, rest };
  }

  test("breaks off when the session is deleted, also when its id is used again", async () => {
    const { caller, id, rest } = await begun();
    await caller.deleteSession(id);
    await caller.createSession({ id });
    await expect(rest()).rejects.toMatchObject({ code: "session_not_found" });
  });

  test("breaks off when its token is revoked", async () => {
    const { caller, rest } = await begun({ id: "t", expiresAt: undefined });
    await caller.call("revokeToken", "t");
    await expect(rest()).rejects.toMatchObject({ code: "unauthorized" });
  });
});
