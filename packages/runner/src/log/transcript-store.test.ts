import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { TranscriptStore } from "./transcript-store.js";

/** What the Agent SDK asks of a session store, contract by contract (its `SessionStore` type says the rules). */
let folder: string;
let store: TranscriptStore;
let appended: unknown[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "transcripts-"));
  appended = [];
  store = new TranscriptStore(folder, (key, entries) => appended.push({ key, entries }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const main = { projectKey: "project", sessionId: "session" };
const sub = { ...main, subpath: "subagents/agent-1" };
const entry = (n: number) => ({ type: "user", uuid: `uuid-${n}`, n, nested: { text: `"é\n${n}` } });

describe("the session store", () => {
  test("gives back what was appended, deep-equal and in order", async () => {
    await store.append(main, [entry(1), entry(2)]);
    await store.append(main, [entry(3)]);
    expect(await store.load(main)).toEqual([entry(1), entry(2), entry(3)]);
  });

  test("keeps the order of appends that were not awaited", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.append(main, [entry(n)])));
    expect(await store.load(main)).toEqual(Array.from({ length: 50 }, (_, n) => entry(n)));
  });

  test("gives null for what was never written", async () => {
    expect(await store.load(main)).toBeNull();
    await store.append(main, []);
    expect(await store.load(main)).toBeNull();
  });

  test("takes an entry with an id once, also from another instance, and one without as often as it comes", async () => {
    await store.append(main, [entry(1), { type: "tag" }]);
    await store.append(main, [entry(1), { type: "tag" }]);
    const other = new TranscriptStore(folder, () => {});
    await other.append(main, [entry(1), entry(2)]);
    expect(await store.load(main)).toEqual([entry(1), { type: "tag" }, { type: "tag" }, entry(2)]);
    expect(appended).toHaveLength(2);
  });

  test("keeps main and subagent transcripts apart", async () => {
    await store.append(main, [entry(1)]);
    await store.append(sub, [entry(2)]);
    expect(await store.load(main)).toEqual([entry(1)]);
    expect(await store.load(sub)).toEqual([entry(2)]);
    expect(await store.listSubkeys(main)).toEqual([sub.subpath]);
  });

  test("keeps projects and sessions apart", async () => {
    await store.append(main, [entry(1)]);
    await store.append({ ...main, projectKey: "other" }, [entry(2)]);
    await store.append({ ...main, sessionId: "other" }, [entry(3)]);
    expect(await store.load(main)).toEqual([entry(1)]);
    const ids = (await store.listSessions("project")).map(({ sessionId }) => sessionId);
    expect(ids.toSorted()).toEqual(["other", "session"]);
  });

  test("lists sessions with the time of their last change, and no subagents among them", async () => {
    await store.append(main, [entry(1)]);
    await store.append(sub, [entry(2)]);
    const [listed, ...others] = await store.listSessions("project");
    expect(others).toEqual([]);
    expect(Number.isInteger(listed!.mtime)).toBe(true);
    expect(Math.abs(listed!.mtime - Date.now())).toBeLessThan(60_000);
    expect(await store.listSessions("nothing")).toEqual([]);
  });

  test("deletes a session with its subagents, or one subagent alone", async () => {
    await store.append(main, [entry(1)]);
    await store.append(sub, [entry(2)]);
    await store.delete(sub);
    expect(await store.load(sub)).toBeNull();
    expect(await store.load(main)).toEqual([entry(1)]);
    await store.append(sub, [entry(2)]);
    await store.delete(main);
    expect(await store.load(main)).toBeNull();
    expect(await store.load(sub)).toBeNull();
    expect(await store.listSubkeys(main)).toEqual([]);
    await store.delete(main);
  });

  test("does not leave its folder, whatever the names are", async () => {
    const odd = { projectKey: "../../etc", sessionId: "a/b", subpath: "../x y%" };
    await store.append(odd, [entry(1)]);
    expect(await store.load(odd)).toEqual([entry(1)]);
    expect(await store.listSubkeys(odd)).toEqual(["../x y%"]);
  });

  test("restores without telling of it", async () => {
    await store.restore(main, [entry(1)]);
    await store.append(main, [entry(1), entry(2)]);
    expect(appended).toEqual([{ key: main, entries: [entry(2)] }]);
  });
});
