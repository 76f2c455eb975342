import { readLines } from "@claude-edge/protocol/internal";
import { beforeEach, describe, expect, test } from "vitest";

import { sessionStorage } from "../../test/support/storage.js";
import { PART_CHARS } from "../sql/parts.js";
import { Transcripts } from "./transcripts.js";

let transcripts = new Transcripts(sessionStorage().sql);
beforeEach(() => {
  transcripts = new Transcripts(sessionStorage().sql);
});

const entry = (uuid: string, more: object = {}) => ({ type: "user", uuid, ...more });
const uuids = (entries: Iterable<{ uuid?: string }>) => [...entries].map(({ uuid }) => uuid);

async function streamed(): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const lines of readLines(transcripts.stream().getReader())) {
    for (const line of lines) all.push(JSON.parse(line));
  }
  return all;
}

/** Entries from a session `old`, as they are in one `new`. */
const forked = (upTo: Parameters<Transcripts["entriesFor"]>[2] = {}) =>
  [...transcripts.entriesFor("old", "new", upTo)].map(({ subpath, entry: { uuid } }) =>
    subpath === "" ? uuid : `${subpath}/${uuid}`,
  );

describe("a transcript", () => {
  test("is given as it was written, subagents' parts in their place, however large", async () => {
    const large = entry("large", { text: "é😀".repeat(PART_CHARS) });
    transcripts.append("", [entry("1"), large]);
    transcripts.append("agents/a", [entry("2")]);
    transcripts.append("", [entry("3")]);
    expect(await streamed()).toEqual([
      { entry: entry("1") },
      { entry: large },
      { subpath: "agents/a", entry: entry("2") },
      { entry: entry("3") },
    ]);
    expect(uuids(transcripts.entries())).toEqual(["1", "large", "3"]);
  });

  test("that has not begun is empty", async () => {
    expect([transcripts.isEmpty, transcripts.lastPosition()]).toEqual([true, 0]);
    expect(await streamed()).toEqual([]);
  });

  test("goes on where it was cut", () => {
    transcripts.append("", [entry("1"), entry("2")]);
    transcripts.append("", [entry("3")]);
    transcripts.append("", [entry("4")]);
    transcripts.append("", []);
    expect(transcripts.lastPosition()).toBe(3);
    transcripts.truncate(1);
    transcripts.append("", [entry("5")]);
    expect(uuids(transcripts.entries())).toEqual(["1", "2", "5"]);
    transcripts.truncate(0);
    expect(transcripts.isEmpty).toBe(true);
  });

  test("has the messages that are in its main part", () => {
    transcripts.append("", [entry("1")]);
    transcripts.append("agents/a", [entry("2")]);
    transcripts.assertHas("1", "s");
    const notFound = expect.objectContaining({ code: "message_not_found" });
    expect(() => transcripts.assertHas("2", "s")).toThrow(notFound);
    expect(() => transcripts.assertHas("3", "s")).toThrow(notFound);
  });

  test("is another session's with the id in it replaced, wherever that stands", () => {
    const cwd = (session: string) => `/workspaces/${session}/src`;
    transcripts.append("", [entry("1", { sessionId: "old", cwd: cwd("old") })]);
    expect([...transcripts.entriesFor("old", "new")]).toEqual([
      { subpath: "", entry: entry("1", { sessionId: "new", cwd: cwd("new") }) },
    ]);
  });

  test("is another's up to a position or a message, and subagents' parts with it", () => {
    transcripts.append("", [entry("1"), entry("2")]);
    transcripts.append("agents/a", [entry("a")]);
    transcripts.append("", [entry("3", { text: "x".repeat(PART_CHARS * 2) }), entry("4")]);
    transcripts.append("agents/b", [entry("b")]);
    expect(forked()).toEqual(["1", "2", "agents/a/a", "3", "4", "agents/b/b"]);
    expect(forked({ upTo: 2 })).toEqual(["1", "2", "agents/a/a"]);
    expect(forked({ upTo: 0 })).toEqual([]);
    expect(forked({ message: "2" })).toEqual(["1", "2", "agents/a/a", "agents/b/b"]);
    expect(forked({ message: "4" })).toEqual(["1", "2", "agents/a/a", "3", "4", "agents/b/b"]);
  });
});
