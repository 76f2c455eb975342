import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { blobStream, deleted, directory, file, sha256 } from "./support/entries.js";
import { TestRunner, type Answer, type TestSession } from "./support/runner.js";
import { useRunner } from "./support/use-runner.js";

// What the runner's thread does with files is tested beside it, in src/workspace: here it is asked over the socket.

const runner = useRunner();
let session: TestSession;
const read = (path: string) => readFileSync(session.at(path), "utf8");
const told = ({ status, body }: Answer) => [status, JSON.parse(body.toString())] as unknown;

beforeEach(() => {
  session = runner.session();
});
// What one session has, another is not asked for.
afterEach(() => session.remove());

describe("a checkpoint", () => {
  test("is a frame of the log; entries and bytes can be had until it is stored", async () => {
    session.makeRoot();
    session.write("a.txt", "one");
    session.write("src/main.ts", "two", 0o755);
    const frame = await session.checkpoint({ reason: "sleep" });
    const entries = [file("a.txt", "one"), directory("src"), file("src/main.ts", "two", 0o755)];
    expect(frame).toEqual({
      kind: "checkpoint",
      cursor: expect.any(Number),
      at: expect.any(Number),
      turn: "",
      reason: "sleep",
      number: 1,
      full: false,
      entries,
      skipped: [],
    });
    expect(await session.entries(1)).toEqual(entries);
    const { status, body } = await session.blobs(1, [sha256("two"), sha256("one")]);
    expect([status, body.toString()]).toEqual([200, "twoone"]);
    expect(await session.checkpoint()).toBeUndefined();

    expect((await session.release(1)).status).toBe(200);
    expect((await session.release(1)).status).toBe(200);
    const gone = await runner.call("GET", `/sessions/${session.id}/checkpoints/1`);
    expect(told(gone)).toMatchObject([404, { error: "checkpoint_not_found" }]);
    const none = await session.blobs(1, [sha256("three")]);
    expect(told(none)).toMatchObject([404, { error: "file_not_found" }]);
    expect(await session.checkpoint({ full: true })).toMatchObject({ number: 2, full: true });
  });

  test("goes with the session", async () => {
    session.makeRoot();
    session.write("a", "one");
    await session.checkpoint();
    await session.remove();
    expect([existsSync(session.state), existsSync(session.root)]).toEqual([false, false]);
    session.makeRoot();
    session.write("a", "one");
    expect(await session.checkpoint()).toMatchObject({ number: 1 });
  });

  test("is one for requests that come at once and wait", async () => {
    session.makeRoot();
    session.write("a", "one");
    const path = `/sessions/${session.id}/checkpoints`;
    const asked = Array.from({ length: 20 }, () => runner.json("POST", path, { reason: "write" }));
    const cursors = (await Promise.all(asked)).map(({ cursor }) => cursor);
    expect(new Set(cursors).size).toBe(1);
    session.write("b", "two");
    expect(await session.checkpoint()).toMatchObject({ number: 2 });
  });

  test("that fails says so as often as somebody waits for it", async () => {
    session.makeRoot();
    await session.checkpoint();
    const folder = join(session.state, "checkpoints");
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(folder, "in the way");
    session.write("a", "one");
    const failed = { number: 0, full: false, error: { code: "workspace_unavailable" } };
    expect(await session.checkpoint()).toMatchObject(failed);
    expect(await session.checkpoint()).toMatchObject(failed);
    rmSync(folder);
    expect(await session.checkpoint()).toMatchObject({ number: 1 });
  });
});

describe("a workspace that is brought", () => {
  test("says what is missing, is in no checkpoint until nothing is, and then in none", async () => {
    const entries = [directory("d", 0o750), file("d/a", "one", 0o600), file("b", "two")];
    const { status, missing } = await session.put(entries);
    expect([status, missing.toSorted()]).toEqual([200, [sha256("one"), sha256("two")].toSorted()]);
    expect(await session.checkpoint()).toBeUndefined();
    expect(await session.send("one")).toEqual({ status: 200, missing: [sha256("two")] });
    expect(await session.checkpoint({ full: true })).toBeUndefined();
    expect(await session.send("two")).toEqual({ status: 200, missing: [] });
    expect([read("d/a"), read("b")]).toEqual(["one", "two"]);
    expect(await session.checkpoint()).toBeUndefined();
    writeFileSync(session.at("b"), "three");
    expect(await session.changes()).toEqual([file("b", "three")]);
    expect(await session.put([deleted("d")], false)).toEqual({ status: 200, missing: [] });
    expect(readdirSync(session.root)).toEqual(["b"]);
  });

  test("takes what another session here has", async () => {
    const origin = runner.session().makeRoot();
    origin.write("a", "held here already");
    await origin.checkpoint();
    expect(await session.put([file("b", "held here already")])).toMatchObject({ missing: [] });
    expect(read("b")).toBe("held here already");
    await origin.remove();
  });

  test("is refused with a status: a wrong path, a wrong line, a wrong content", async () => {
    expect(await session.put([file("../a", "1")])).toMatchObject({
      status: 400,
      error: "path_invalid",
    });
    const path = `/sessions/${session.id}/workspace`;
    const line = await runner.call("PUT", path, '{"full":true}\nnull\n');
    expect(told(line)).toMatchObject([400, { error: "invalid_json" }]);
    await session.put([file("a", "1")]);
    const damaged = Buffer.from(blobStream("1").toString().replace(/1$/, "2"));
    // In more pieces than one: what comes behind the damage is read to its end.
    expect(await session.sendRaw([damaged, blobStream("x".repeat(3_000_000))])).toMatchObject({
      status: 500,
      error: "file_damaged",
    });
    expect(await session.send("1")).toMatchObject({ missing: [] });
  });

  const staged = () => {
    const folder = join(runner.folder, "workspace/.staging", session.id);
    return existsSync(folder) ? readdirSync(folder) : [];
  };

  test("by a stream that is cut has nothing half there, and can be sent again", async () => {
    const large = "0123456789".repeat(300_000);
    await session.put([file("large", large)]);
    const stream = blobStream(large);
    const { socketPath } = runner;
    const path = `/sessions/${session.id}/workspace/blobs`;
    const sent = request({ socketPath, method: "PUT", path });
    sent.on("error", () => {});
    sent.write(stream.subarray(0, 2_000_000));
    await until("the blob is on its way", () => staged().length === 1);
    expect(existsSync(session.at("large"))).toBe(false);
    sent.destroy();
    await until("it is gone", () => staged().length === 0);
    expect(existsSync(session.at("large"))).toBe(false);
    expect(await session.send(large)).toEqual({ status: 200, missing: [] });
    expect(read("large")).toBe(large);
  });

  test("takes the same content twice at once", async () => {
    const large = "abcdefghij".repeat(200_000);
    await session.put([file("large", large), file("again", large, 0o600)]);
    const answers = await Promise.all([session.send(large), session.send(large)]);
    expect(answers.map(({ missing }) => missing)).toEqual([[], []]);
    expect([read("large") === large, read("again") === large]).toEqual([true, true]);
    expect(staged()).toEqual([]);
  });
});

describe("a runner that is not root", () => {
  // Root may do everything: the runner is then started as somebody else.
  const own = useRunner(process.getuid?.() === 0 ? { user: 65_534 } : {});
  const modeOf = (path: string) => lstatSync(session.at(path)).mode & 0o7777;

  beforeEach(() => {
    session = own.session();
  });

  test("skips what it cannot read, and leaves it as it was", async () => {
    session.makeRoot();
    for (const path of ["a", "d/b", "e/f"]) session.write(path, path);
    await session.checkpoint();
    session.write("new", "unread", 0o000);
    chmodSync(session.at("a"), 0o000);
    chmodSync(session.at("d"), 0o000);
    // Its names can be read, and nothing else.
    chmodSync(session.at("e"), 0o444);
    session.write("c", "three");
    const frame = await session.checkpoint();
    expect(frame!.skipped.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
      ["a", "d", "e/f", "new"].map((path) => ({ path, reason: "unreadable" })),
    );
    expect(await session.entries(2)).toEqual([
      file("c", "three"),
      directory("d", 0o000),
      directory("e", 0o444),
    ]);
    for (const path of ["d", "e"]) chmodSync(session.at(path), 0o755);
    chmodSync(session.at("a"), 0o644);
    rmSync(session.at("d/b"));
    expect(await session.changes()).toEqual([deleted("d/b"), directory("d"), directory("e")]);
  });

  test("brings a workspace as well, into directories that are closed", async () => {
    const entries = [directory("r", 0o555), directory("r/d", 0o500), file("r/d/a", "1", 0o444)];
    await session.put(entries);
    await session.send("1");
    expect(["r", "r/d", "r/d/a"].map(modeOf)).toEqual([0o555, 0o500, 0o444]);
    await session.put([file("r/d/b", "2"), deleted("r/d/a")], false);
    expect(await session.send("2")).toMatchObject({ missing: [] });
    expect(["r", "r/d"].map(modeOf)).toEqual([0o555, 0o500]);
    expect(await session.checkpoint()).toBeUndefined();
    chmodSync(session.at("r/d"), 0o000);
    expect(await session.put([file("r/d/b", "2")])).toMatchObject({ missing: [] });
    expect(await session.put([])).toMatchObject({ missing: [] });
    expect(readdirSync(session.root)).toEqual([]);
  });
});

test("a runner whose agent's definition is wrong says so in its health", async () => {
  const own = new TestRunner();
  const config = "export default { workspace: { ignored: [] } };";
  writeFileSync(join(own.folder, "agent.config.mjs"), config);
  try {
    await own.launch();
    const health = await own.json("GET", "/health");
    expect(health.error).toContain("workspace has no option ignored");
  } finally {
    await own.close();
  }
});
