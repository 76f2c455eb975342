import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { addTo, inChunks } from "../../test/support/test-blobs.js";
import { TestSession } from "../../test/support/test-session.js";
import { sha256 } from "../../test/support/workspace-entries.js";
import { streamOf } from "./byte-reader.js";
import { EMPTY } from "./tree.js";

let session = new TestSession();
beforeEach(() => {
  session = new TestSession();
});

const files = () => session.parts.files;
const stored = () => files().stored;
const write = (path: string, content: string) => {
  const body = streamOf(inChunks(content));
  return files().putFile(path, { body, size: undefined, mode: undefined }, {});
};
const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "none";
};

/** Runs a turn to its end; gives its id. */
function turn(): string {
  const id = session.send();
  session.parts.turns.end(id, { status: "completed" });
  return id;
}

describe("a state of the files", () => {
  test("is named by a turn, as of its end, or by a checkpoint; without a name it is the newest", async () => {
    const before = turn();
    const { checkpoint: one } = await write("a", "1");
    const between = turn();
    const { checkpoint: two } = await write("a", "2");
    const at = (name?: string) => stored().state(name).checkpoint;
    expect([at(before), at(between), at(), at("0"), at(String(one)), at(String(two))]).toEqual([
      0,
      one,
      two,
      0,
      one,
      two,
    ]);
    expect(stored().state("0").root).toBe(EMPTY);
  });

  test("is not there for a turn that has not ended, nor under a name that is none", () => {
    expect(codeOf(() => stored().state(session.queue()))).toBe("turn_running");
    for (const name of ["none", "5", "-1", "9".repeat(16)]) {
      expect(codeOf(() => stored().state(name))).toBe("checkpoint_not_found");
    }
  });
});

describe("upkeep", () => {
  const DAY = 24 * 3_600_000;
  const START = Date.parse("2026-11-29T12:00:00Z");
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: START }));
  afterEach(() => void vi.useRealTimers());

  const numbers = () =>
    files()
      .listCheckpoints(undefined, 99)
      .checkpoints.map((c) => c.checkpoint);
  const has = (content: string) => stored().blobs.has(sha256(content));
  const trees = () => session.storage.sql.exec("SELECT hash FROM trees").toArray().length;

  /** As the alarm does until nothing is due. */
  async function upkeepAll(): Promise<number> {
    let alarms = 0;
    for (; (stored().upkeepDue() ?? Infinity) <= Date.now(); alarms += 1) {
      if (alarms > 100) throw new Error("It does not come to an end.");
      await stored().upkeep(Date.now());
      vi.setSystemTime(Date.now() + 100);
    }
    return alarms;
  }
  const pass = (ms: number) => void vi.setSystemTime(Date.now() + ms);

  test("keeps all of the last day, then one a turn: what can be rewound to and forked from", async () => {
    const turns = [];
    for (const number of [1, 2, 3]) {
      const id = session.send();
      for (const step of ["a", "b"]) commit(`${number}${step}`);
      session.parts.turns.end(id, { status: "completed" });
      turns.push({ id, root: stored().state(id).root });
      await write("between.txt", `after ${number}`);
    }
    const before = numbers();
    expect([before.length, stored().upkeepDue()]).toEqual([9, START + 1.25 * DAY]);
    pass(1.25 * DAY - 1);
    expect(await upkeepAll()).toBe(0);
    pass(1);
    await upkeepAll();
    // Of each turn its last one, and the newest.
    expect(numbers()).toEqual([before[0], before[1], before[4], before[7]]);
    for (const { id, root } of turns) expect(stored().state(id).root).toBe(root);
    expect(codeOf(() => stored().state(String(before[2])))).toBe("checkpoint_not_found");
    expect(["1a", "1b", "2a", "2b", "after 3"].map(has)).toEqual([false, true, false, true, true]);
    expect(stored().upkeepDue()).toBeUndefined();
  });

  test("keeps what a turn without changes ended with, what a fork began with, and what is rewound to", async () => {
    const { checkpoint: first } = await write("a", "1");
    const nothing = turn();
    await write("a", "2");
    await write("a", "3");
    files().rewind(nothing);
    const root = stored().state(undefined).root;
    pass(2 * DAY);
    await upkeepAll();
    expect([numbers().length, numbers().at(-1)]).toEqual([2, first]);
    expect([stored().state(nothing).root, stored().state(undefined).root]).toEqual([root, root]);
    expect(["1", "2", "3"].map(has)).toEqual([true, false, false]);
  });

  test("leaves what an open turn began with and made, until it has ended", async () => {
    await write("a", "1");
    await write("a", "2");
    const id = session.send();
    for (const content of ["3", "4"]) commit(content);
    pass(2 * DAY);
    await upkeepAll();
    expect(["1", "2", "3", "4"].map(has)).toEqual([false, true, true, true]);
    expect(stored().upkeepDue()).toBeUndefined();
    session.parts.turns.end(id, { status: "completed" });
    await write("a", "5");
    await upkeepAll();
    expect(["2", "3", "4", "5"].map(has)).toEqual([false, false, true, true]);
  });

  test("collects what no state, no runner, no reader and no prompt in the queue holds", async () => {
    const { checkpoint } = await write("a/b", "read");
    const unpin = stored().pin(stored().state(String(checkpoint)).root);
    await write("a/b", "in the runner");
    stored().runner.set("boot", stored().state(undefined).root);
    await stored().blobs.write(async (writer) => {
      for (const content of ["in the queue", "nowhere"]) await addTo(writer, content);
      await writer.end();
    });
    await write("a/b", "old");
    await write("a/b", "new");
    const attached = { name: "a.txt", sha256: sha256("in the queue"), size: 12 };
    const id = session.queue({ attachments: [attached] });
    const contents = ["read", "in the runner", "in the queue", "nowhere", "old", "new"];
    pass(2 * DAY);
    await upkeepAll();
    expect(contents.map(has)).toEqual([true, true, true, false, false, true]);
    unpin();
    stored().runner.clear();
    session.parts.turns.end(id, { status: "interrupted" });
    for (const content of ["x", "y", "z"]) await write("a/b", content);
    pass(2 * DAY);
    await upkeepAll();
    const left = [...contents, "x", "z"].filter(has);
    expect(left).toEqual(["new", "z"]);
    // Of "new", which a turn ended with, and of "z": a root and a folder each.
    expect(trees()).toBe(4);
  });

  test("waits while something is written, and finds what it refers to by then", async () => {
    for (const content of ["1", "2", "3"]) await write("a", content);
    pass(2 * DAY);
    await stored().blobs.write(async (writer) => {
      // It is stored already, and will be garbage in a moment.
      await addTo(writer, "2");
      for (let count = 0; count < 3; count += 1) {
        await stored().upkeep(Date.now());
        pass(2_000);
      }
      expect([has("1"), has("2")]).toEqual([true, true]);
      files().commit("write", [
        { path: "b", type: "file", mode: 0o644, size: 1, sha256: sha256("2") },
      ]);
    });
    await upkeepAll();
    expect(["1", "2", "3"].map(has)).toEqual([false, true, true]);
    const { body } = await files().openFile("b", undefined, undefined);
    expect(await new Response(body).text()).toBe("2");
  });

  test("begins anew after a restart, and does not touch a session that was deleted", async () => {
    for (const content of ["1", "2", "3"]) await write("a", content);
    pass(2 * DAY);
    const cutOff = stored().upkeep(Date.now());
    session.restart();
    await cutOff;
    await upkeepAll();
    expect(["1", "2", "3"].map(has)).toEqual([false, false, true]);
    for (const content of ["4", "5"]) await write("a", content);
    pass(2 * DAY);
    const late = stored().upkeep(Date.now());
    stored().blobs.close();
    await late;
    expect(has("4")).toBe(true);
  });

  test("that fails is tried again an hour later, not in every alarm", async () => {
    for (const content of ["1", "2", "3"]) await write("a", content);
    pass(2 * DAY);
    captureLog();
    const remove = vi.spyOn(stored().checkpoints, "remove").mockImplementation(() => {
      throw new Error("The disk is full.");
    });
    expect(await upkeepAll()).toBe(1);
    expect(stored().upkeepDue()).toBeGreaterThan(Date.now() + 3_500_000);
    remove.mockRestore();
    pass(DAY);
    await upkeepAll();
    expect(["1", "2", "3"].map(has)).toEqual([false, false, true]);
  });

  /** What a turn's tool makes of a file. */
  function commit(content: string): void {
    const name = sha256(content);
    const { index } = stored().blobs;
    const { id } = index.addPack(undefined);
    index.add(id, content.length, new Map([[name, { start: 0, size: content.length }]]));
    const entry = { path: "a", type: "file", mode: 0o644, size: content.length } as const;
    files().commit("tool", [{ ...entry, sha256: name }], "turn");
  }
});
