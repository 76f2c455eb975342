import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import {
  deleted,
  directory,
  file,
  sha256,
  symlink,
  TestRunner,
  type TestSession,
} from "./support/runner.js";

let runner: TestRunner;
let session: TestSession;
const at = (path: string) => join(session.root, path);
const read = (path: string) => readFileSync(at(path), "utf8");
const modeOf = (path: string) => lstatSync(at(path)).mode & 0o7777;

beforeAll(async () => {
  process.umask(0o022);
  runner = new TestRunner();
  await runner.launch();
});
afterAll(() => runner.close());
beforeEach(() => {
  session = runner.session();
});
// What one session has, another is not asked for.
afterEach(() => session.remove());

/** Nothing is left of what was on its way. */
const staged = () => {
  const folder = join(runner.folder, "workspace/.staging", session.id);
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe("a workspace", () => {
  test("is brought: directories, links, files, modes; what came so is in no checkpoint", async () => {
    const entries = [
      directory("bin", 0o750),
      file("bin/run", "#!/bin/sh", 0o755),
      directory("empty", 0o700),
      file("a.txt", "one"),
      file("copy.txt", "one", 0o600),
      file("nothing", ""),
      symlink("link", "a.txt"),
      symlink("out", "/etc"),
    ];
    const { missing } = await session.put(entries);
    expect(missing.toSorted()).toEqual(["#!/bin/sh", "one", ""].map(sha256).toSorted());
    // Not whole: what is missing must not look deleted.
    expect(await session.checkpoint()).toBeUndefined();
    expect(await session.send("one", "")).toEqual({ status: 200, missing: [sha256("#!/bin/sh")] });
    expect(await session.checkpoint({ full: true })).toBeUndefined();
    expect(await session.send("#!/bin/sh")).toEqual({ status: 200, missing: [] });
    expect([read("a.txt"), read("copy.txt"), read("nothing")]).toEqual(["one", "one", ""]);
    expect(["bin", "bin/run", "empty", "a.txt", "copy.txt"].map(modeOf)).toEqual([
      0o750, 0o755, 0o700, 0o644, 0o600,
    ]);
    expect([readlinkSync(at("link")), readlinkSync(at("out"))]).toEqual(["a.txt", "/etc"]);
    expect(lstatSync(at("a.txt")).ino).not.toBe(lstatSync(at("copy.txt")).ino);
    expect(staged()).toEqual([]);
    expect(await session.checkpoint()).toBeUndefined();
    writeFileSync(at("a.txt"), "two");
    expect(await session.changes()).toEqual([file("a.txt", "two")]);
    // All there is, when all is wanted.
    const all = await session.changes({ full: true });
    const now = entries.map((entry) => (entry.path === "a.txt" ? file("a.txt", "two") : entry));
    const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
    expect(all.toSorted(byPath)).toEqual(now.toSorted(byPath));
  });

  test("can be brought again and again: what is in place stays, and nothing is asked for", async () => {
    const entries = [directory("d", 0o500), file("d/a", "one", 0o400), symlink("l", "d")];
    expect(await session.put(entries)).toMatchObject({ missing: [sha256("one")] });
    expect(await session.put(entries)).toMatchObject({ missing: [sha256("one")] });
    await session.send("one");
    expect(await session.send("one")).toEqual({ status: 200, missing: [] });
    const { ino } = lstatSync(at("d/a"));
    expect(await session.put(entries)).toMatchObject({ missing: [] });
    expect(await session.put(entries, false)).toMatchObject({ missing: [] });
    expect(lstatSync(at("d/a")).ino).toBe(ino);
    expect([modeOf("d"), modeOf("d/a")]).toEqual([0o500, 0o400]);
    expect(await session.checkpoint()).toBeUndefined();
  });

  test("that was there before is taken for what it holds", async () => {
    session.makeRoot();
    writeFileSync(at("a"), "one");
    writeFileSync(at("b"), "two");
    const { missing } = await session.put([file("a", "one", 0o755), file("b", "TWO")]);
    expect(missing).toEqual([sha256("TWO")]);
    expect(read("b")).toBe("two");
    await session.send("TWO");
    expect([read("a"), modeOf("a"), read("b")]).toEqual(["one", 0o755, "TWO"]);
    expect(await session.checkpoint()).toBeUndefined();
  });

  test("has nothing beside what is listed, but what is left out", async () => {
    session.makeRoot();
    for (const path of ["gone", "gone/deep", "kept", "only/node_modules"]) {
      mkdirSync(at(path), { recursive: true });
    }
    for (const path of ["a", "gone/b", "gone/deep/c", "only/node_modules/m", "kept/d"]) {
      writeFileSync(at(path), path);
    }
    writeFileSync(Buffer.concat([Buffer.from(`${session.root}/`), Buffer.from([0xff])]), "x");
    symlinkSync("/etc", at("etc"));
    await session.put([directory("kept"), file("kept/e", "new")]);
    await session.send("new");
    expect(readdirSync(session.root).toSorted()).toEqual(["kept", "only"]);
    expect(readdirSync(at("kept"))).toEqual(["e"]);
    expect(read("only/node_modules/m")).toBe("only/node_modules/m");
    expect(existsSync("/etc/passwd")).toBe(true);
    // It holds what is left out, and is there: so it is new.
    expect(await session.changes()).toEqual([directory("only")]);
  });

  test("is changed in part: what is not named stays", async () => {
    session.makeRoot();
    mkdirSync(at("d/node_modules"), { recursive: true });
    for (const path of ["a", "b", "d/c"]) writeFileSync(at(path), path);
    await session.checkpoint();
    writeFileSync(at("b"), "of the agent");
    const { missing } = await session.put(
      [deleted("d"), deleted("no/such"), file("e", "new")],
      false,
    );
    expect(missing).toEqual([sha256("new")]);
    await session.send("new");
    expect(readdirSync(session.root).toSorted()).toEqual(["a", "b", "e"]);
    expect(await session.changes()).toEqual([file("b", "of the agent")]);
  });

  test("has what took another's place: file, directory and link", async () => {
    await session.put([directory("a"), file("a/x", "1"), file("b", "2"), symlink("c", "a")]);
    await session.send("1", "2");
    const next = [
      deleted("a"),
      deleted("b"),
      file("a", "2"),
      directory("b"),
      file("b/x", "1"),
      directory("c"),
      file("c/y", "1"),
    ];
    // Both contents are here: in the files that go.
    expect(await session.put(next, false)).toMatchObject({ missing: [] });
    expect([read("a"), read("b/x"), read("c/y")]).toEqual(["2", "1", "1"]);
    const last = [symlink("a", "b"), symlink("b", "nowhere"), file("c", "2")];
    expect(await session.put(last)).toMatchObject({ missing: [] });
    expect([readlinkSync(at("a")), readlinkSync(at("b")), read("c")]).toEqual([
      "b",
      "nowhere",
      "2",
    ]);
    expect(await session.checkpoint()).toBeUndefined();
  });

  test("takes entries one after the other: what is deleted behind an entry is not there", async () => {
    await session.put([file("a/b", "1"), deleted("a"), directory("a"), file("a/c", "2")], false);
    await session.send("2");
    expect(readdirSync(at("a"))).toEqual(["c"]);
  });

  test("fills directories that are read-only, and closes them when all is there", async () => {
    const entries = [directory("r", 0o555), directory("r/r", 0o500), file("r/r/a", "1", 0o444)];
    const { missing } = await session.put(entries);
    expect(missing).toHaveLength(1);
    await session.send("1");
    expect(["r", "r/r", "r/r/a"].map(modeOf)).toEqual([0o555, 0o500, 0o444]);
    // Another file in it, and one that goes.
    await session.put([file("r/r/b", "1"), deleted("r/r/a")], false);
    expect(readdirSync(at("r/r"))).toEqual(["b"]);
    expect(["r", "r/r"].map(modeOf)).toEqual([0o555, 0o500]);
    expect(await session.checkpoint()).toBeUndefined();
    await session.put([]);
    expect(readdirSync(session.root)).toEqual([]);
  });

  test("replaces one that is incomplete", async () => {
    await session.put([file("a", "1"), file("b", "2")]);
    expect(await session.put([file("a", "3")])).toMatchObject({ missing: [sha256("3")] });
    expect(await session.send("1", "2")).toMatchObject({ missing: [sha256("3")] });
    expect(await session.send("3")).toMatchObject({ missing: [] });
    expect(readdirSync(session.root)).toEqual(["a"]);
  });

  test("that is forked is copied here, and checked while it is", async () => {
    const origin = runner.session().makeRoot();
    const large = "x".repeat(3_000_000);
    writeFileSync(join(origin.root, "large"), large);
    writeFileSync(join(origin.root, "small"), "one");
    writeFileSync(join(origin.root, "other"), "two");
    await origin.checkpoint();
    // Not what it was when it was last looked at.
    writeFileSync(join(origin.root, "other"), "TWO");
    const entries = [
      file("large", large),
      directory("d"),
      file("d/s", "one"),
      file("other", "two"),
    ];
    expect(await session.put(entries)).toMatchObject({ missing: [sha256("two")] });
    expect(await session.send("two")).toMatchObject({ missing: [] });
    expect([read("large") === large, read("d/s"), read("other")]).toEqual([true, "one", "two"]);
    // They are files of their own.
    writeFileSync(at("d/s"), "changed");
    expect(readFileSync(join(origin.root, "small"), "utf8")).toBe("one");
    expect(await session.changes()).toEqual([file("d/s", "changed")]);
    await origin.remove();
  });

  test("that was renamed and written back is what is listed", async () => {
    await session.put([file("a", "1"), file("b", "2")]);
    await session.send("1", "2");
    renameSync(at("a"), at("t"));
    renameSync(at("b"), at("a"));
    renameSync(at("t"), at("b"));
    const { missing } = await session.put([file("a", "1"), file("b", "2")]);
    expect(missing).toHaveLength(2);
    expect(await session.send("1", "2")).toMatchObject({ missing: [] });
    expect([read("a"), read("b")]).toEqual(["1", "2"]);
  });
});

describe("nothing is written outside of a workspace", () => {
  const outside = () => {
    const folder = join(runner.folder, "outside");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "kept"), "kept");
    return folder;
  };

  test("through a link that is a parent: it is replaced", async () => {
    const folder = outside();
    session.makeRoot();
    symlinkSync(folder, at("d"));
    symlinkSync(join(folder, "kept"), at("f"));
    await session.put([file("d/kept", "mine"), file("d/new", "mine"), file("f", "mine")], false);
    expect(await session.send("mine")).toMatchObject({ missing: [] });
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(readFileSync(join(folder, "kept"), "utf8")).toBe("kept");
    expect([read("d/kept"), read("f"), lstatSync(at("d")).isDirectory()]).toEqual([
      "mine",
      "mine",
      true,
    ]);
  });

  test("through a link that comes with it, in any order", async () => {
    const folder = outside();
    const entries = [directory("a/c"), symlink("a", folder), file("a/new", "mine"), deleted("a/x")];
    await session.put(entries);
    await session.send("mine");
    expect(readdirSync(folder)).toEqual(["kept"]);
  });

  test("through a link that somebody made while content was on its way", async () => {
    const folder = outside();
    await session.put([directory("d"), file("d/new", "mine")]);
    rmSync(at("d"), { recursive: true });
    symlinkSync(folder, at("d"));
    await session.send("mine");
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(read("d/new")).toBe("mine");
  });

  test("by deleting below a link, or what a link leads to", async () => {
    const folder = outside();
    session.makeRoot();
    symlinkSync(folder, at("d"));
    await session.put([deleted("d/kept")], false);
    expect(readdirSync(folder)).toEqual(["kept"]);
    await session.put([deleted("d")], false);
    expect([readdirSync(folder), readdirSync(session.root)]).toEqual([["kept"], []]);
    symlinkSync(folder, at("d"));
    await session.put([]);
    expect(readdirSync(folder)).toEqual(["kept"]);
  });

  test("when the workspace itself is a link", async () => {
    const folder = outside();
    symlinkSync(folder, session.root);
    await session.put([file("a", "mine")]);
    await session.send("mine");
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(lstatSync(session.root).isDirectory()).toBe(true);
  });

  test.each(["../a", "/etc/a", "a/../../b", "", "a//b", "./a", "a\0b", `${"x".repeat(256)}`])(
    "by the path %j: it is refused before anything is done",
    async (path) => {
      session.makeRoot();
      writeFileSync(at("there"), "1");
      const answer = await session.put([directory("d"), file(path, "1")]);
      expect(answer).toMatchObject({ status: 400, error: "path_invalid" });
      expect(readdirSync(session.root)).toEqual(["there"]);
      expect(await session.checkpoint()).toMatchObject({ number: 1 });
    },
  );

  test.each([
    ["no JSON", "{"],
    ["no entry", "null"],
    ["a hash that is a path", JSON.stringify({ ...file("a", "1"), sha256: "../../../a" })],
    ["a mode that is none", JSON.stringify({ ...file("a", "1"), mode: 0o4755 })],
    ["an unknown type", JSON.stringify({ path: "a", type: "device" })],
    ["an empty link", JSON.stringify(symlink("a", ""))],
  ])("nor by %s", async (_what, line) => {
    const path = `/sessions/${session.id}/workspace`;
    const { status, body } = await runner.call("PUT", path, `{"full":true}\n${line}\n`);
    expect([status, JSON.parse(body.toString())]).toMatchObject([400, { error: "invalid_json" }]);
    expect(await session.put([])).toMatchObject({ status: 200, missing: [] });
  });
});

test("a workspace is brought by somebody who is not root as well", async () => {
  const user = process.getuid?.() === 0 ? 65_534 : undefined;
  const own = new TestRunner(user);
  try {
    await own.launch();
    session = own.session();
    const entries = [directory("r", 0o555), directory("r/d", 0o500), file("r/d/a", "1", 0o444)];
    await session.put(entries);
    await session.send("1");
    expect(["r", "r/d", "r/d/a"].map(modeOf)).toEqual([0o555, 0o500, 0o444]);
    await session.put([file("r/d/b", "2"), deleted("r/d/a")], false);
    expect(await session.send("2")).toMatchObject({ missing: [] });
    expect(["r", "r/d"].map(modeOf)).toEqual([0o555, 0o500]);
    expect(await session.checkpoint()).toBeUndefined();
    chmodSync(at("r/d"), 0o000);
    expect(await session.put([file("r/d/b", "2")])).toMatchObject({ missing: [] });
    expect(await session.put([])).toMatchObject({ missing: [] });
    expect(readdirSync(session.root)).toEqual([]);
  } finally {
    await own.close();
    session = runner.session();
  }
});
