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

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import {
  deleted,
  directory,
  file,
  sha256,
  symlink,
  TestRunner,
  type TestSession,
} from "./support/runner.js";

/** Longer than a file's times can stand still. */
const SETTLED_MS = 80;

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

describe("a checkpoint", () => {
  test("holds what has changed since the one before, and is none when nothing has", async () => {
    expect(await session.checkpoint()).toBeUndefined();
    write("a.txt", "one");
    write("src/main.ts", "two", 0o755);
    const frame = await session.checkpoint({ reason: "sleep" });
    const entries = [file("a.txt", "one"), directory("src"), file("src/main.ts", "two", 0o755)];
    expect(frame).toEqual({
      kind: "checkpoint",
      cursor: expect.any(Number),
      session: session.id,
      turn: "",
      reason: "sleep",
      number: 1,
      full: false,
      entries,
      skipped: [],
    });
    expect(await session.entries(1)).toEqual(entries);
    expect(await session.checkpoint()).toBeUndefined();
    write("a.txt", "three");
    expect(await session.changes()).toEqual([file("a.txt", "three")]);
    expect(await session.changes()).toEqual([]);
  });

  test("of a session without a folder is none", async () => {
    rmSync(session.root, { recursive: true });
    expect(await session.checkpoint()).toBeUndefined();
    symlinkSync("/etc", session.root);
    expect(await session.checkpoint()).toBeUndefined();
  });

  test("sees a file of the same size whose time was set back", async () => {
    write("a", "one");
    await sleep(SETTLED_MS);
    await session.checkpoint();
    const { atime, mtime } = lstatSync(at("a"));
    await sleep(SETTLED_MS);
    writeFileSync(at("a"), "two");
    utimesSync(at("a"), atime, mtime);
    expect(await session.changes()).toEqual([file("a", "two")]);
  });

  test("sees a change that came right behind the last one", async () => {
    for (let round = 0; round < 30; round += 1) {
      writeFileSync(at("a"), String(round).padStart(2, "0"));
      // Nothing between: the file's times may be those it had.
      expect(await session.changes()).toEqual([file("a", String(round).padStart(2, "0"))]);
    }
  });

  test("tells files, directories and links that took each other's place, in an order that works", async () => {
    write("a", "file");
    write("b/in/it", "deep");
    symlinkSync("a", at("c"));
    await session.checkpoint();
    rmSync(at("a"));
    rmSync(at("b"), { recursive: true });
    rmSync(at("c"));
    write("a/now", "a directory");
    writeFileSync(at("b"), "a file");
    write("c", "a file");
    expect(await session.changes()).toEqual([
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
    expect(await session.changes()).toEqual([
      deleted("a"),
      deleted("b"),
      symlink("a", "b"),
      directory("b"),
    ]);
  });

  test("names a deleted directory once", async () => {
    write("a/b/c", "1");
    write("a/d", "2");
    write("a-b", "3");
    await session.checkpoint();
    rmSync(at("a"), { recursive: true });
    expect(await session.changes()).toEqual([deleted("a")]);
  });

  test("of a rename has the new path, and no content again", async () => {
    write("a/b", "x".repeat(100_000));
    await session.checkpoint();
    renameSync(at("a"), at("c"));
    const frame = await session.checkpoint();
    expect(await session.entries(frame!.number)).toEqual([
      deleted("a"),
      directory("c"),
      file("c/b", "x".repeat(100_000)),
    ]);
    expect(readdirSync(join(session.state, "checkpoints")).toSorted()).toEqual([
      "1.blobs",
      "1.ndjson",
      "2.blobs",
      "2.ndjson",
    ]);
    expect(lstatSync(join(session.state, "checkpoints/2.blobs")).size).toBe(0);
    const { body } = await session.blobs(2, [sha256("x".repeat(100_000))]);
    expect(body.toString()).toBe("x".repeat(100_000));
  });

  test("has modes, of files and of directories", async () => {
    write("a", "one", 0o600);
    mkdirSync(at("d"));
    await session.checkpoint();
    chmodSync(at("a"), 0o4755);
    expect(await session.changes()).toEqual([file("a", "one", 0o755)]);
    chmodSync(at("d"), 0o1700);
    expect(await session.changes()).toEqual([directory("d", 0o700)]);
  });

  test("has empty directories and empty files", async () => {
    mkdirSync(at("a/b"), { recursive: true });
    write("c", "");
    expect(await session.changes()).toEqual([directory("a"), directory("a/b"), file("c", "")]);
    const { status, body } = await session.blobs(1, [sha256("")]);
    expect([status, body.length]).toEqual([200, 0]);
    rmSync(at("a/b"), { recursive: true });
    expect(await session.changes()).toEqual([deleted("a/b")]);
  });

  test("has links as they are, wherever they lead, and follows none", async () => {
    symlinkSync("/etc", at("etc"));
    symlinkSync("../../../../etc/passwd", at("up"));
    symlinkSync("nowhere", at("broken"));
    symlinkSync(".", at("loop"));
    expect(await session.changes()).toEqual([
      symlink("broken", "nowhere"),
      symlink("etc", "/etc"),
      symlink("loop", "."),
      symlink("up", "../../../../etc/passwd"),
    ]);
    rmSync(at("broken"));
    symlinkSync("elsewhere", at("broken"));
    expect(await session.changes()).toEqual([symlink("broken", "elsewhere")]);
  });

  test("has hard links as two files, with one content", async () => {
    write("a", "same");
    linkSync(at("a"), at("b"));
    expect(await session.changes()).toEqual([file("a", "same"), file("b", "same")]);
    writeFileSync(at("b"), "both");
    expect(await session.changes()).toEqual([file("a", "both"), file("b", "both")]);
  });

  test("skips pipes, sockets and devices, and names them", async () => {
    execFileSync("mkfifo", [at("pipe")]);
    const server = createServer();
    // A socket's path has 108 characters at the most.
    process.chdir(session.root);
    await new Promise<void>((resolve) => server.listen("socket", resolve));
    write("a", "one");
    const frame = await session.checkpoint();
    server.close();
    expect(frame!.skipped).toEqual([
      { path: "pipe", reason: "special" },
      { path: "socket", reason: "special" },
    ]);
    expect(await session.entries(1)).toEqual([file("a", "one")]);
    // One that has taken a file's place: the file is gone.
    rmSync(at("a"));
    execFileSync("mkfifo", [at("a")]);
    expect(await session.changes()).toEqual([deleted("a")]);
    process.chdir("/");
  });

  test("skips names that are not UTF-8, and tells apart those that only look alike", async () => {
    const bad = (name: Buffer) => Buffer.concat([Buffer.from(`${session.root}/`), name]);
    writeFileSync(bad(Buffer.from([0x66, 0xff])), "bad");
    mkdirSync(bad(Buffer.from([0x64, 0xc3])));
    write("sound-\uFFFD", "its own");
    write("n\u00E9", "composed");
    write("ne\u0301", "decomposed");
    write("Readme", "1");
    write("README", "2");
    const frame = await session.checkpoint();
    expect(frame!.skipped.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: "d\uFFFD", reason: "name" },
      { path: "f\uFFFD", reason: "name" },
    ]);
    const paths = (await session.entries(1)).map(({ path }) => path);
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
    const entries = await session.changes();
    expect(entries.map(({ path }) => path).toSorted()).toEqual(names.toSorted());
    const { body } = await session.blobs(
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
    write("writer.cjs", script);
    const busy = fork(at("writer.cjs"), [at("busy")]);
    await new Promise((resolve) => busy.once("message", resolve));
    try {
      for (let round = 0; round < 10; round += 1) {
        const frame = await session.checkpoint();
        const entries = await session.entries(frame!.number);
        const entry = entries.find(({ path }) => path === "busy");
        if (entry?.type !== "file") throw new Error("it changes all the time");
        const { body } = await session.blobs(frame!.number, [entry.sha256]);
        expect([body.length, sha256(body)]).toEqual([entry.size, entry.sha256]);
      }
    } finally {
      busy.kill("SIGKILL");
      await new Promise((resolve) => busy.once("exit", resolve));
    }
    await session.changes();
    expect(await session.changes()).toEqual([]);
    const known = await session.changes({ full: true });
    const last = known.find(({ path }) => path === "busy");
    expect(last).toMatchObject({ sha256: sha256(readFileSync(at("busy"))) });
  });

  test("can be had while files come and go", async () => {
    const busy = setInterval(() => {
      rmSync(at("d"), { recursive: true, force: true });
      for (let index = 0; index < 50; index += 1) write(`d/${Math.random()}`, "x");
    }, 1);
    try {
      for (let round = 0; round < 20; round += 1) {
        const frame = await session.checkpoint();
        expect(frame?.error).toBeUndefined();
      }
    } finally {
      clearInterval(busy);
    }
    await session.checkpoint();
    const known = (await session.changes({ full: true })).map(({ path }) => path);
    const there = ["d", ...readdirSync(at("d")).map((name) => `d/${name}`)];
    expect(known.toSorted()).toEqual(there.toSorted());
  });

  test("gives a file of many chunks as it was", async () => {
    const content = Buffer.alloc(5 * 1024 * 1024 + 13, "0123456789abcdef-");
    writeFileSync(at("large"), content);
    await session.checkpoint();
    const { body } = await session.blobs(1, [sha256(content)]);
    expect(body.equals(content)).toBe(true);
  });

  test("10 000 files: the first, and one in which one has changed", async () => {
    for (let folder = 0; folder < 500; folder += 1) {
      mkdirSync(at(`d${folder}`));
      for (let one = 0; one < 20; one += 1) writeFileSync(at(`d${folder}/${one}`), `${folder}`);
    }
    await sleep(SETTLED_MS);
    const first = await session.checkpoint();
    expect(await session.entries(first!.number)).toHaveLength(10_500);
    writeFileSync(at("d7/7"), "changed");
    expect(await session.changes()).toEqual([file("d7/7", "changed")]);
  });
});
