import {
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

import { beforeEach, describe, expect, test } from "vitest";

import { deleted, directory, file, sha256, symlink } from "../../test/support/entries.js";
import { LocalWorkspace } from "../../test/support/local-workspace.js";

let workspace: LocalWorkspace;
const at = (path: string) => workspace.at(path);
const read = (path: string) => workspace.read(path);
const modeOf = (path: string) => lstatSync(at(path)).mode & 0o7777;

beforeEach(() => {
  workspace = new LocalWorkspace();
});

describe("a workspace", () => {
  test("is brought: directories, links, files, modes; what came so is in no checkpoint", () => {
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
    const missing = workspace.put(entries);
    expect(missing.toSorted()).toEqual(["#!/bin/sh", "one", ""].map(sha256).toSorted());
    // Not whole: what is missing must not look deleted.
    expect(workspace.checkpoint()).toBeUndefined();
    expect(workspace.send("one", "")).toEqual([sha256("#!/bin/sh")]);
    expect(workspace.checkpoint({ full: true })).toBeUndefined();
    expect(workspace.send("#!/bin/sh")).toEqual([]);
    expect([read("a.txt"), read("copy.txt"), read("nothing")]).toEqual(["one", "one", ""]);
    expect(["bin", "bin/run", "empty", "a.txt", "copy.txt"].map(modeOf)).toEqual([
      0o750, 0o755, 0o700, 0o644, 0o600,
    ]);
    expect([readlinkSync(at("link")), readlinkSync(at("out"))]).toEqual(["a.txt", "/etc"]);
    expect(lstatSync(at("a.txt")).ino).not.toBe(lstatSync(at("copy.txt")).ino);
    expect(workspace.staged).toEqual([]);
    expect(workspace.checkpoint()).toBeUndefined();
    writeFileSync(at("a.txt"), "two");
    expect(workspace.changes()).toEqual([file("a.txt", "two")]);
    // All there is, when all is wanted.
    const all = workspace.changes({ full: true });
    const now = entries.map((entry) => (entry.path === "a.txt" ? file("a.txt", "two") : entry));
    const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
    expect(all.toSorted(byPath)).toEqual(now.toSorted(byPath));
  });

  test("can be brought again and again: what is in place stays, and nothing is asked for", () => {
    const entries = [directory("d", 0o500), file("d/a", "one", 0o400), symlink("l", "d")];
    expect(workspace.put(entries)).toEqual([sha256("one")]);
    expect(workspace.put(entries)).toEqual([sha256("one")]);
    workspace.send("one");
    expect(workspace.send("one")).toEqual([]);
    const { ino } = lstatSync(at("d/a"));
    expect(workspace.put(entries)).toEqual([]);
    expect(workspace.put(entries, false)).toEqual([]);
    expect(lstatSync(at("d/a")).ino).toBe(ino);
    expect([modeOf("d"), modeOf("d/a")]).toEqual([0o500, 0o400]);
    expect(workspace.checkpoint()).toBeUndefined();
  });

  test("that was there before is taken for what it holds", () => {
    workspace.makeRoot();
    writeFileSync(at("a"), "one");
    writeFileSync(at("b"), "two");
    const missing = workspace.put([file("a", "one", 0o755), file("b", "TWO")]);
    expect(missing).toEqual([sha256("TWO")]);
    expect(read("b")).toBe("two");
    workspace.send("TWO");
    expect([read("a"), modeOf("a"), read("b")]).toEqual(["one", 0o755, "TWO"]);
    expect(workspace.checkpoint()).toBeUndefined();
  });

  test("has nothing beside what is listed, but what is left out", () => {
    workspace.makeRoot();
    for (const path of ["gone", "gone/deep", "kept", "only/node_modules"]) {
      mkdirSync(at(path), { recursive: true });
    }
    for (const path of ["a", "gone/b", "gone/deep/c", "only/node_modules/m", "kept/d"]) {
      writeFileSync(at(path), path);
    }
    writeFileSync(Buffer.concat([Buffer.from(`${workspace.root}/`), Buffer.from([0xff])]), "x");
    symlinkSync("/etc", at("etc"));
    workspace.put([directory("kept"), file("kept/e", "new")]);
    workspace.send("new");
    expect(readdirSync(workspace.root).toSorted()).toEqual(["kept", "only"]);
    expect(readdirSync(at("kept"))).toEqual(["e"]);
    expect(read("only/node_modules/m")).toBe("only/node_modules/m");
    expect(existsSync("/etc/passwd")).toBe(true);
    // It holds what is left out, and is there: so it is new.
    expect(workspace.changes()).toEqual([directory("only")]);
  });

  test("is changed in part: what is not named stays", () => {
    workspace.makeRoot();
    mkdirSync(at("d/node_modules"), { recursive: true });
    for (const path of ["a", "b", "d/c"]) writeFileSync(at(path), path);
    workspace.checkpoint();
    writeFileSync(at("b"), "of the agent");
    const missing = workspace.put([deleted("d"), deleted("no/such"), file("e", "new")], false);
    expect(missing).toEqual([sha256("new")]);
    workspace.send("new");
    expect(readdirSync(workspace.root).toSorted()).toEqual(["a", "b", "e"]);
    expect(workspace.changes()).toEqual([file("b", "of the agent")]);
  });

  test("has what took another's place: file, directory and link", () => {
    workspace.put([directory("a"), file("a/x", "1"), file("b", "2"), symlink("c", "a")]);
    workspace.send("1", "2");
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
    expect(workspace.put(next, false)).toEqual([]);
    expect([read("a"), read("b/x"), read("c/y")]).toEqual(["2", "1", "1"]);
    const last = [symlink("a", "b"), symlink("b", "nowhere"), file("c", "2")];
    expect(workspace.put(last)).toEqual([]);
    expect([readlinkSync(at("a")), readlinkSync(at("b")), read("c")]).toEqual([
      "b",
      "nowhere",
      "2",
    ]);
    expect(workspace.checkpoint()).toBeUndefined();
  });

  test("takes entries one after the other: what is deleted behind an entry is not there", () => {
    workspace.put([file("a/b", "1"), deleted("a"), directory("a"), file("a/c", "2")], false);
    workspace.send("2");
    expect(readdirSync(at("a"))).toEqual(["c"]);
  });

  test("fills directories that are read-only, and closes them when all is there", () => {
    const entries = [directory("r", 0o555), directory("r/r", 0o500), file("r/r/a", "1", 0o444)];
    const missing = workspace.put(entries);
    expect(missing).toHaveLength(1);
    workspace.send("1");
    expect(["r", "r/r", "r/r/a"].map(modeOf)).toEqual([0o555, 0o500, 0o444]);
    // Another file in it, and one that goes.
    workspace.put([file("r/r/b", "1"), deleted("r/r/a")], false);
    expect(readdirSync(at("r/r"))).toEqual(["b"]);
    expect(["r", "r/r"].map(modeOf)).toEqual([0o555, 0o500]);
    expect(workspace.checkpoint()).toBeUndefined();
    workspace.put([]);
    expect(readdirSync(workspace.root)).toEqual([]);
  });

  test("replaces one that is incomplete", () => {
    workspace.put([file("a", "1"), file("b", "2")]);
    expect(workspace.put([file("a", "3")])).toEqual([sha256("3")]);
    expect(workspace.send("1", "2")).toEqual([sha256("3")]);
    expect(workspace.send("3")).toEqual([]);
    expect(readdirSync(workspace.root)).toEqual(["a"]);
  });

  test("that is forked is copied here, and checked while it is", () => {
    const origin = new LocalWorkspace().makeRoot();
    workspace = new LocalWorkspace({}, [origin]);
    const large = "x".repeat(3_000_000);
    writeFileSync(join(origin.root, "large"), large);
    writeFileSync(join(origin.root, "small"), "one");
    writeFileSync(join(origin.root, "other"), "two");
    origin.checkpoint();
    // Not what it was when it was last looked at.
    writeFileSync(join(origin.root, "other"), "TWO");
    const entries = [
      file("large", large),
      directory("d"),
      file("d/s", "one"),
      file("other", "two"),
    ];
    expect(workspace.put(entries)).toEqual([sha256("two")]);
    expect(workspace.send("two")).toEqual([]);
    expect([read("large") === large, read("d/s"), read("other")]).toEqual([true, "one", "two"]);
    // They are files of their own.
    writeFileSync(at("d/s"), "changed");
    expect(readFileSync(join(origin.root, "small"), "utf8")).toBe("one");
    expect(workspace.changes()).toEqual([file("d/s", "changed")]);
  });

  test("that was renamed and written back is what is listed", () => {
    workspace.put([file("a", "1"), file("b", "2")]);
    workspace.send("1", "2");
    renameSync(at("a"), at("t"));
    renameSync(at("b"), at("a"));
    renameSync(at("t"), at("b"));
    const missing = workspace.put([file("a", "1"), file("b", "2")]);
    expect(missing).toHaveLength(2);
    expect(workspace.send("1", "2")).toEqual([]);
    expect([read("a"), read("b")]).toEqual(["1", "2"]);
  });
});

describe("nothing is written outside of a workspace", () => {
  const outside = () => {
    const folder = join(workspace.folder, "outside");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "kept"), "kept");
    return folder;
  };

  test("through a link that is a parent: it is replaced", () => {
    const folder = outside();
    workspace.makeRoot();
    symlinkSync(folder, at("d"));
    symlinkSync(join(folder, "kept"), at("f"));
    workspace.put([file("d/kept", "mine"), file("d/new", "mine"), file("f", "mine")], false);
    expect(workspace.send("mine")).toEqual([]);
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(readFileSync(join(folder, "kept"), "utf8")).toBe("kept");
    expect([read("d/kept"), read("f"), lstatSync(at("d")).isDirectory()]).toEqual([
      "mine",
      "mine",
      true,
    ]);
  });

  test("through a link that comes with it, in any order", () => {
    const folder = outside();
    const entries = [directory("a/c"), symlink("a", folder), file("a/new", "mine"), deleted("a/x")];
    workspace.put(entries);
    workspace.send("mine");
    expect(readdirSync(folder)).toEqual(["kept"]);
  });

  test("through a link that somebody made while content was on its way", () => {
    const folder = outside();
    workspace.put([directory("d"), file("d/new", "mine")]);
    rmSync(at("d"), { recursive: true });
    symlinkSync(folder, at("d"));
    workspace.send("mine");
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(read("d/new")).toBe("mine");
  });

  test("by deleting below a link, or what a link leads to", () => {
    const folder = outside();
    workspace.makeRoot();
    symlinkSync(folder, at("d"));
    workspace.put([deleted("d/kept")], false);
    expect(readdirSync(folder)).toEqual(["kept"]);
    workspace.put([deleted("d")], false);
    expect([readdirSync(folder), readdirSync(workspace.root)]).toEqual([["kept"], []]);
    symlinkSync(folder, at("d"));
    workspace.put([]);
    expect(readdirSync(folder)).toEqual(["kept"]);
  });

  test("when the workspace itself is a link", () => {
    const folder = outside();
    symlinkSync(folder, workspace.root);
    workspace.put([file("a", "mine")]);
    workspace.send("mine");
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(lstatSync(workspace.root).isDirectory()).toBe(true);
  });

  test.each(["../a", "/etc/a", "a/../../b", "", "a//b", "./a", "a\0b", `${"x".repeat(256)}`])(
    "by the path %j: it is refused before anything is done",
    (path) => {
      workspace.makeRoot();
      writeFileSync(at("there"), "1");
      expect(() => workspace.put([directory("d"), file(path, "1")])).toThrow(
        expect.objectContaining({ code: "path_invalid" }),
      );
      expect(readdirSync(workspace.root)).toEqual(["there"]);
      expect(workspace.checkpoint()).toMatchObject({ number: 1 });
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
    expect(() => workspace.putLines([JSON.stringify({ full: true }), line])).toThrow(
      expect.objectContaining({ code: "invalid_json" }),
    );
    expect(workspace.put([])).toEqual([]);
  });
});
