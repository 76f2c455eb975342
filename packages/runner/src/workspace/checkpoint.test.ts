import { execFileSync, fork } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { beforeEach, describe, expect, test } from "vitest";

import { until } from "../../../../tests/support/wait.js";
import { deleted, directory, file, sha256, symlink } from "../../test/support/entries.js";
import { LocalWorkspace } from "../../test/support/local-workspace.js";

/** Longer than a file's times can stand still. */
const SETTLED_MS = 80;

let workspace: LocalWorkspace;
const at = (path: string) => workspace.at(path);
const write = (path: string, content: string, mode?: number) =>
  workspace.write(path, content, mode);

beforeEach(() => {
  workspace = new LocalWorkspace().makeRoot();
});

/** Runs a script in a process of its own until it is stopped: an agent that works while its files are looked at. */
async function work(script: string, path: string): Promise<() => Promise<void>> {
  const program = join(workspace.folder, "script.cjs");
  writeFileSync(program, script);
  const busy = fork(program, [path]);
  await new Promise((resolve) => busy.once("message", resolve));
  return async () => {
    const exited = new Promise((resolve) => busy.once("exit", resolve));
    busy.kill("SIGKILL");
    await exited;
  };
}

describe("a checkpoint", () => {
  test("holds what has changed since the one before, and is none when nothing has", () => {
    expect(workspace.checkpoint()).toBeUndefined();
    write("a.txt", "one");
    write("src/main.ts", "two", 0o755);
    const taken = workspace.checkpoint();
    const entries = [file("a.txt", "one"), directory("src"), file("src/main.ts", "two", 0o755)];
    expect(taken).toEqual({ number: 1, changed: true, full: false, entries, skipped: [] });
    expect(workspace.entries(1)).toEqual(entries);
    expect(workspace.checkpoint()).toBeUndefined();
    write("a.txt", "three");
    expect(workspace.changes()).toEqual([file("a.txt", "three")]);
    expect(workspace.changes()).toEqual([]);
  });

  test("of a session without a folder is none", () => {
    rmSync(workspace.root, { recursive: true });
    expect(workspace.checkpoint()).toBeUndefined();
    symlinkSync("/etc", workspace.root);
    expect(workspace.checkpoint()).toBeUndefined();
  });

  test("sees a file of the same size whose time was set back", async () => {
    write("a", "one");
    await sleep(SETTLED_MS);
    workspace.checkpoint();
    const { atime, mtime } = lstatSync(at("a"));
    await sleep(SETTLED_MS);
    writeFileSync(at("a"), "two");
    utimesSync(at("a"), atime, mtime);
    expect(workspace.changes()).toEqual([file("a", "two")]);
  });

  test("sees a change that came right behind the last one", () => {
    for (let round = 0; round < 30; round += 1) {
      writeFileSync(at("a"), String(round).padStart(2, "0"));
      // Nothing between: the file's times may be those it had.
      expect(workspace.changes()).toEqual([file("a", String(round).padStart(2, "0"))]);
    }
  });

  test("tells files, directories and links that took each other's place, in an order that works", () => {
    write("a", "file");
    write("b/in/it", "deep");
    symlinkSync("a", at("c"));
    workspace.checkpoint();
    rmSync(at("a"));
    rmSync(at("b"), { recursive: true });
    rmSync(at("c"));
    write("a/now", "a directory");
    writeFileSync(at("b"), "a file");
    write("c", "a file");
    expect(workspace.changes()).toEqual([
      deleted("a"),
      deleted("b"),
      directory("a"),
      file("a/now", "a directory"),
      file("b", "a file"),
      file("c", "a file"),
    ]);
    rmSync(at("a"), { recursive: true });
    rmSync(at("b"));
    symlinkSync("b", at("a"));
    mkdirSync(at("b"));
    expect(workspace.changes()).toEqual([
      deleted("a"),
      deleted("b"),
      symlink("a", "b"),
      directory("b"),
    ]);
  });

  test("names a deleted directory once", () => {
    write("a/b/c", "1");
    write("a/d", "2");
    write("a-b", "3");
    workspace.checkpoint();
    rmSync(at("a"), { recursive: true });
    expect(workspace.changes()).toEqual([deleted("a")]);
  });

  test("of a rename has the new path, and no content again", async () => {
    write("a/b", "x".repeat(100_000));
    workspace.checkpoint();
    renameSync(at("a"), at("c"));
    const frame = workspace.checkpoint();
    expect(workspace.entries(frame!.number)).toEqual([
      deleted("a"),
      directory("c"),
      file("c/b", "x".repeat(100_000)),
    ]);
    expect(readdirSync(workspace.checkpoints).toSorted()).toEqual([
      "1.blobs",
      "1.ndjson",
      "2.blobs",
      "2.ndjson",
    ]);
    expect(lstatSync(join(workspace.checkpoints, "2.blobs")).size).toBe(0);
    const body = await workspace.blobs(2, [sha256("x".repeat(100_000))]);
    expect(body.toString()).toBe("x".repeat(100_000));
  });

  test("has modes, of files and of directories", () => {
    write("a", "one", 0o600);
    mkdirSync(at("d"));
    workspace.checkpoint();
    chmodSync(at("a"), 0o4755);
    expect(workspace.changes()).toEqual([file("a", "one", 0o755)]);
    chmodSync(at("d"), 0o1700);
    expect(workspace.changes()).toEqual([directory("d", 0o700)]);
  });

  test("has empty directories and empty files", async () => {
    mkdirSync(at("a/b"), { recursive: true });
    write("c", "");
    expect(workspace.changes()).toEqual([directory("a"), directory("a/b"), file("c", "")]);
    expect(await workspace.blobs(1, [sha256("")])).toHaveLength(0);
    rmSync(at("a/b"), { recursive: true });
    expect(workspace.changes()).toEqual([deleted("a/b")]);
  });

  test("has links as they are, wherever they lead, and follows none", () => {
    symlinkSync("/etc", at("etc"));
    symlinkSync("../../../../etc/passwd", at("up"));
    symlinkSync("nowhere", at("broken"));
    symlinkSync(".", at("loop"));
    expect(workspace.changes()).toEqual([
      symlink("broken", "nowhere"),
      symlink("etc", "/etc"),
      symlink("loop", "."),
      symlink("up", "../../../../etc/passwd"),
    ]);
    rmSync(at("broken"));
    symlinkSync("elsewhere", at("broken"));
    expect(workspace.changes()).toEqual([symlink("broken", "elsewhere")]);
  });

  test("has hard links as two files, with one content", () => {
    write("a", "same");
    linkSync(at("a"), at("b"));
    expect(workspace.changes()).toEqual([file("a", "same"), file("b", "same")]);
    writeFileSync(at("b"), "both");
    expect(workspace.changes()).toEqual([file("a", "both"), file("b", "both")]);
  });

  test("skips pipes, sockets and devices, and names them", async () => {
    execFileSync("mkfifo", [at("pipe")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
    write("a", "one");
    const frame = workspace.checkpoint();
    server.close();
    expect(frame!.skipped).toEqual([
      { path: "pipe", reason: "special" },
      { path: "socket", reason: "special" },
    ]);
    expect(workspace.entries(1)).toEqual([file("a", "one")]);
    // One that has taken a file's place: the file is gone.
    rmSync(at("a"));
    execFileSync("mkfifo", [at("a")]);
    expect(workspace.changes()).toEqual([deleted("a")]);
  });

  test("skips names that are not UTF-8, and tells apart those that only look alike", () => {
    const bad = (name: Buffer) => Buffer.concat([Buffer.from(`${workspace.root}/`), name]);
    writeFileSync(bad(Buffer.from([0x66, 0xff])), "bad");
    mkdirSync(bad(Buffer.from([0x64, 0xc3])));
    write("sound-\uFFFD", "its own");
    write("n\u00E9", "composed");
    write("ne\u0301", "decomposed");
    write("Readme", "1");
    write("README", "2");
    const frame = workspace.checkpoint();
    expect(frame!.skipped.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: "d\uFFFD", reason: "name" },
      { path: "f\uFFFD", reason: "name" },
    ]);
    const paths = workspace.entries(1).map(({ path }) => path);
    const expected = ["README", "Readme", "n\u00E9", "ne\u0301", "sound-\uFFFD"];
    expect(paths.toSorted()).toEqual(expected.toSorted());
  });

  test("takes names and content of any kind", async () => {
    const names = [
      "-rf",
      "a b",
      'q"uote',
      "new\nline",
      "\u{1F600}",
      "back\\slash",
      "x".repeat(255),
    ];
    for (const name of names) write(name, `in ${name}`);
    const entries = workspace.changes();
    expect(entries.map(({ path }) => path).toSorted()).toEqual(names.toSorted());
    const body = await workspace.blobs(
      1,
      names.map((name) => sha256(`in ${name}`)),
    );
    expect(body.toString()).toBe(names.map((name) => `in ${name}`).join(""));
  });

  test("is right of a file that is written meanwhile: its hash is that of its bytes", async () => {
    const script = `
      const { openSync, writeSync } = require("node:fs");
      const file = openSync(process.argv[2], "w");
      const block = Buffer.alloc(65536);
      for (let round = 0; ; round += 1) {
        block.fill(round % 256);
        for (let at = 0; at < 64; at += 1) writeSync(file, block, 0, block.length, at * 65536);
        if (round === 0) process.send("begun");
      }`;
    const stop = await work(script, at("busy"));
    try {
      for (let round = 0; round < 10; round += 1) {
        // On a busy machine the writer may not have had a turn since the last one.
        const frame = await until("the file has changed", () => workspace.checkpoint());
        const entries = workspace.entries(frame.number);
        const entry = entries.find(({ path }) => path === "busy");
        if (entry?.type !== "file") throw new Error("it changes all the time");
        const body = await workspace.blobs(frame.number, [entry.sha256]);
        expect([body.length, sha256(body)]).toEqual([entry.size, entry.sha256]);
      }
    } finally {
      await stop();
    }
    workspace.changes();
    expect(workspace.changes()).toEqual([]);
    const known = workspace.changes({ full: true });
    const last = known.find(({ path }) => path === "busy");
    expect(last).toMatchObject({ sha256: sha256(readFileSync(at("busy"))) });
  });

  test("can be had while files come and go", async () => {
    const script = `
      const { mkdirSync, rmSync, writeFileSync } = require("node:fs");
      const folder = process.argv[2];
      for (let round = 0; ; round += 1) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        for (let index = 0; index < 50; index += 1) writeFileSync(folder + "/" + Math.random(), "x");
        if (round === 0) process.send("begun");
      }`;
    const stop = await work(script, at("d"));
    try {
      for (let round = 0; round < 50; round += 1) workspace.checkpoint();
    } finally {
      await stop();
    }
    workspace.checkpoint();
    const known = workspace.changes({ full: true }).map(({ path }) => path);
    const there = readdirSync(workspace.root, { recursive: true, encoding: "utf8" });
    expect(known.toSorted()).toEqual(there.toSorted());
  });

  test("gives a file of many chunks as it was", async () => {
    const content = Buffer.alloc(5 * 1024 * 1024 + 13, "0123456789abcdef-");
    writeFileSync(at("large"), content);
    workspace.checkpoint();
    const body = await workspace.blobs(1, [sha256(content)]);
    expect(body.equals(content)).toBe(true);
  });

  test("1 000 files: the first, and one in which one has changed", async () => {
    for (let folder = 0; folder < 50; folder += 1) {
      mkdirSync(at(`d${folder}`));
      for (let one = 0; one < 20; one += 1) writeFileSync(at(`d${folder}/${one}`), `${folder}`);
    }
    await sleep(SETTLED_MS);
    const first = workspace.checkpoint();
    expect(workspace.entries(first!.number)).toHaveLength(1_050);
    writeFileSync(at("d7/7"), "changed");
    expect(workspace.changes()).toEqual([file("d7/7", "changed")]);
  });
});
