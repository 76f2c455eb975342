import { execFileSync, fork } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
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

/** Longer than a file's times can stand still. */
const SETTLED_MS = 80;

let runner: TestRunner;
let session: TestSession;
const at = (path: string) => join(session.root, path);
const write = (path: string, content: string, mode = 0o644) => {
  mkdirSync(join(at(path), ".."), { recursive: true });
  writeFileSync(at(path), content, { mode });
  chmodSync(at(path), mode);
};

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
    expect(frame).toEqual({
      kind: "checkpoint",
      cursor: expect.any(Number),
      session: session.id,
      turn: "",
      reason: "sleep",
      number: 1,
      full: false,
      skipped: [],
    });
    const entries = [file("a.txt", "one"), directory("src"), file("src/main.ts", "two", 0o755)];
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
    const [last] = await session.changes();
    if (last)
      expect(last).toMatchObject({ path: "busy", sha256: sha256(readFileSync(at("busy"))) });
    expect(await session.changes()).toEqual([]);
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

describe("what is left out", () => {
  let own: TestRunner;
  afterEach(() => own?.close());

  async function withConfig(workspace: object): Promise<void> {
    own = new TestRunner();
    const text = `export default { workspace: ${JSON.stringify(workspace)} };`;
    writeFileSync(join(own.folder, "agent.config.mjs"), text);
    await own.launch();
    session = own.session().makeRoot();
  }
  const paths = async () => (await session.changes()).map(({ path }) => path);

  test("are folders that are made again, wherever they lie, and nothing else of these names", async () => {
    for (const name of ["node_modules", ".venv", "__pycache__", ".cache"]) {
      write(`${name}/a`, "1");
      write(`deep/${name}/a`, "1");
    }
    write("file/node_modules", "a file");
    mkdirSync(at("link"));
    symlinkSync("..", at("link/.venv"));
    write("node_modules.md", "1");
    write("my_node_modules/a", "1");
    expect(await paths()).toEqual([
      "deep",
      "file",
      "file/node_modules",
      "link",
      "link/.venv",
      "my_node_modules",
      "my_node_modules/a",
      "node_modules.md",
    ]);
  });

  test("is what the agent's definition names", async () => {
    await withConfig({ ignore: ["data/", "*.log", "!keep.log", "/only-here", "!.cache/"] });
    for (const path of ["data/a", "deep/data/a", "a.log", "deep/keep.log", "only-here"]) {
      write(path, "1");
    }
    write("deep/only-here", "1");
    write(".cache/taken-back", "1");
    write(".gitignore", "b");
    write("b", "1");
    write("A.LOG", "names differ in case");
    expect((await paths()).toSorted()).toEqual(
      [
        ".cache",
        ".cache/taken-back",
        ".gitignore",
        "A.LOG",
        "b",
        "deep",
        "deep/keep.log",
        "deep/only-here",
      ].toSorted(),
    );
  });

  test("is what .gitignore files name, each from where it lies", async () => {
    await withConfig({ gitignore: true });
    write(".gitignore", "*.tmp\n/build/\n");
    write("a.tmp", "1");
    write("build/a", "1");
    write("sub/build/a", "1");
    write("sub/.gitignore", "!b.tmp\n/local\n");
    write("sub/b.tmp", "1");
    write("sub/c.tmp", "1");
    write("sub/local", "1");
    write("sub/deep/local", "1");
    expect(await paths()).toEqual([
      ".gitignore",
      "sub",
      "sub/.gitignore",
      "sub/b.tmp",
      "sub/build",
      "sub/build/a",
      "sub/deep",
      "sub/deep/local",
    ]);
    // What is left out from now on is left as it was.
    appendFileSync(at("sub/.gitignore"), "deep\n");
    writeFileSync(at("sub/deep/local"), "2");
    expect(await paths()).toEqual(["sub/.gitignore"]);
    rmSync(at("sub/deep"), { recursive: true });
    expect(await paths()).toEqual([]);
    rmSync(at("sub"), { recursive: true });
    expect(await session.changes()).toEqual([deleted("sub")]);
  });

  test("stays as it was brought", async () => {
    const entries = [directory("node_modules"), file("node_modules/a", "1"), file("b", "2")];
    await session.put(entries);
    expect(await session.send("1", "2")).toMatchObject({ missing: [] });
    writeFileSync(at("node_modules/a"), "changed");
    write("c", "3");
    expect(await session.changes()).toEqual([file("c", "3")]);
    rmSync(at("node_modules"), { recursive: true });
    expect(await session.changes()).toEqual([]);
  });

  test.each([
    [{ ignore: "data/" }, "workspace.ignore must be a list of patterns"],
    [{ ignore: [1] }, "workspace.ignore must be a list of patterns"],
    [{ gitignore: "yes" }, "workspace.gitignore must be true or false"],
    [{ ignored: [] }, "workspace has no option ignored"],
  ])("by a definition that is wrong is told: %j", async (workspace, problem) => {
    await withConfig(workspace);
    const health = await own.json("GET", "/health");
    expect(health.error).toContain(problem);
  });
});

describe("what cannot be read", () => {
  // Root reads everything: the runner is then started as somebody else.
  const user = process.getuid?.() === 0 ? 65_534 : undefined;

  test("is skipped, and left as it was", async () => {
    const own = new TestRunner(user);
    try {
      await own.launch();
      session = own.session().makeRoot();
      for (const path of ["a", "d/b", "e/f"]) write(path, path);
      await session.checkpoint();
      write("new", "unread", 0o000);
      chmodSync(at("a"), 0o000);
      chmodSync(at("d"), 0o000);
      // Its names can be read, and nothing else.
      chmodSync(at("e"), 0o444);
      write("c", "three");
      const frame = await session.checkpoint();
      expect(frame!.skipped.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
        ["a", "d", "e/f", "new"].map((path) => ({ path, reason: "unreadable" })),
      );
      expect(await session.entries(2)).toEqual([
        file("c", "three"),
        directory("d", 0o000),
        directory("e", 0o444),
      ]);
      for (const path of ["d", "e"]) chmodSync(at(path), 0o755);
      chmodSync(at("a"), 0o644);
      rmSync(at("d/b"));
      expect(await session.changes()).toEqual([deleted("d/b"), directory("d"), directory("e")]);
    } finally {
      await own.close();
    }
  });
});

describe("a checkpoint that fails", () => {
  /** A disk of 8 MB for state and workspaces, where this machine lets us have one. */
  async function onSmallDisk(work: (own: TestRunner, disk: string) => Promise<void>) {
    const own = new TestRunner();
    const disk = join(own.folder, "disk");
    mkdirSync(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      await own.close();
      return false;
    }
    try {
      await own.launch({ CLAUDE_EDGE_STATE: join(disk, "state") });
      await work(own, disk);
    } finally {
      await own.stop();
      execFileSync("umount", [disk]);
      await own.close();
    }
    return true;
  }

  test("for want of room says so, leaves nothing, and the next one is whole", async (context) => {
    const couldMount = await onSmallDisk(async (own, disk) => {
      session = own.session().makeRoot();
      const checkpoints = join(disk, "state", session.id, "checkpoints");
      write("a", "one");
      write("b", "x".repeat(9 * 1024 * 1024));
      const failed = await session.checkpoint();
      expect(failed).toMatchObject({ number: 0, full: false, error: { code: "disk_full" } });
      expect(readdirSync(checkpoints)).toEqual([]);
      // The same again, as somebody waits for it.
      expect(await session.checkpoint()).toMatchObject({ error: { code: "disk_full" } });
      write("b", "small");
      expect(await session.checkpoint()).toMatchObject({ number: 1 });
      expect(await session.entries(1)).toEqual([file("a", "one"), file("b", "small")]);
      expect((await session.blobs(1, [sha256("one"), sha256("small")])).body.toString()).toBe(
        "onesmall",
      );
      // One that was to hold all still does when it comes about.
      await session.release(1);
      write("c", "y".repeat(9 * 1024 * 1024));
      expect(await session.checkpoint({ full: true })).toMatchObject({ number: 0 });
      rmSync(at("c"));
      expect(await session.checkpoint()).toMatchObject({ number: 2, full: true });
      expect(await session.entries(2)).toEqual([file("a", "one"), file("b", "small")]);
    });
    if (!couldMount) context.skip();
  });

  test("with more files than it can have says so, until there are fewer", async () => {
    const many = 100_001;
    for (let index = 0; index < many; index += 1) {
      if (index % 1000 === 0) mkdirSync(at(`d${index / 1000}`));
      symlinkSync("x", at(`d${Math.floor(index / 1000)}/${index}`));
    }
    const failed = await session.checkpoint();
    expect(failed).toMatchObject({ number: 0, error: { code: "workspace_too_large" } });
    rmSync(at("d100"), { recursive: true });
    const taken = await session.checkpoint();
    expect(taken).toMatchObject({ number: 1 });
    expect(await session.entries(1)).toHaveLength(100_100);
  });
});
