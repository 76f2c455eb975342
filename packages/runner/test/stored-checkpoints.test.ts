import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { directory, file, sha256, TestRunner, type TestSession } from "./support/runner.js";

let runner: TestRunner;
let session: TestSession;
const at = (path: string) => session.at(path);
const write = (path: string, content: string, mode?: number) => session.write(path, content, mode);

beforeAll(async () => {
  process.umask(0o022);
  runner = new TestRunner();
  await runner.launch();
});
afterAll(() => runner.close());
beforeEach(() => {
  session = runner.session().makeRoot();
});

describe("what is stored", () => {
  test("is forgotten: its entries, and its bytes", async () => {
    write("a", "one");
    await session.checkpoint();
    write("b", "two");
    await session.checkpoint();
    write("c", "three");
    await session.checkpoint();
    expect((await session.release(2)).status).toBe(200);
    expect(readdirSync(join(session.state, "checkpoints")).toSorted()).toEqual([
      "3.blobs",
      "3.ndjson",
    ]);
    const gone = await runner.call("GET", `/sessions/${session.id}/checkpoints/2`);
    expect([gone.status, JSON.parse(gone.body.toString())]).toMatchObject([
      404,
      { error: "checkpoint_not_found" },
    ]);
    expect((await session.release(2)).status).toBe(200);
    // Content that is stored is not written down again.
    write("d", "one");
    expect(await session.changes()).toEqual([file("d", "one")]);
    expect(lstatSync(join(session.state, "checkpoints/4.blobs")).size).toBe(0);
  });

  test("can be had from the workspace when it is asked for all the same, and else not at all", async () => {
    write("a", "one");
    await session.checkpoint();
    await session.release(1);
    write("b", "two");
    await session.checkpoint();
    const { status, body } = await session.blobs(2, [sha256("two"), sha256("one")]);
    expect([status, body.toString()]).toEqual([200, "twoone"]);
    await session.release(2);
    expect(readdirSync(join(session.state, "checkpoints"))).toEqual([]);
    write("a", "another");
    const { status: none, body: why } = await session.blobs(2, [sha256("one")]);
    expect([none, JSON.parse(why.toString())]).toMatchObject([404, { error: "file_not_found" }]);
  });

  test("is told anew with all there is", async () => {
    write("a", "one");
    write("d/b", "two");
    await session.checkpoint();
    await session.release(1);
    rmSync(at("a"));
    const frame = await session.checkpoint({ full: true });
    expect(frame).toMatchObject({ number: 2, full: true });
    expect(await session.entries(2)).toEqual([directory("d"), file("d/b", "two")]);
    expect((await session.blobs(2, [sha256("two")])).body.toString()).toBe("two");
    expect(lstatSync(join(session.state, "checkpoints/2.blobs")).size).toBe(3);
    expect(await session.checkpoint()).toBeUndefined();
    // With nothing there as well: it says that nothing is.
    rmSync(at("d"), { recursive: true });
    expect(await session.checkpoint({ full: true })).toMatchObject({ number: 3, full: true });
    expect(await session.entries(3)).toEqual([]);
  });

  test("goes with the session", async () => {
    write("a", "one");
    await session.checkpoint();
    await session.remove();
    expect([existsSync(session.state), existsSync(session.root)]).toEqual([false, false]);
    session.makeRoot();
    write("a", "one");
    expect(await session.checkpoint()).toMatchObject({ number: 1 });
  });

  test("of requests that come at once, those that wait share a look", async () => {
    write("a", "one");
    const path = `/sessions/${session.id}/checkpoints`;
    const asked = Array.from({ length: 20 }, () => runner.json("POST", path, { reason: "write" }));
    const cursors = (await Promise.all(asked)).map(({ cursor }) => cursor);
    expect(new Set(cursors).size).toBe(1);
    write("b", "two");
    expect(await session.checkpoint()).toMatchObject({ number: 2 });
  });
});
