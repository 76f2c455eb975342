import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { Workspace } from "../src/workspace/workspace.js";
import {
  deleted,
  directory,
  file,
  sha256,
  TestRunner,
  type TestSession,
} from "./support/runner.js";

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

/** A disk of 8 MB for one of its folders, where this machine lets us have one. */
async function onSmallDisk(
  variable: "CLAUDE_EDGE_STATE" | "CLAUDE_EDGE_WORKSPACES",
  work: (own: TestRunner, disk: string) => Promise<void>,
) {
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
    await own.launch({ [variable]: join(disk, "folder") });
    await work(own, disk);
  } finally {
    await own.stop();
    execFileSync("umount", [disk]);
    await own.close();
  }
  return true;
}

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
  test("for want of room says so, leaves nothing, and the next one is whole", async (context) => {
    const couldMount = await onSmallDisk("CLAUDE_EDGE_STATE", async (own, disk) => {
      session = own.session().makeRoot();
      const checkpoints = join(disk, "folder", session.id, "checkpoints");
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

  test("with more files than it can have says so, until there are fewer", () => {
    const folder = mkdtempSync(join(tmpdir(), "workspace-"));
    try {
      const [root, checkpoints, staging] = ["root", "checkpoints", "staging"].map((name) =>
        join(folder, name),
      ) as [string, string, string];
      const options = { ignore: [], gitignore: false, maxFiles: 10 };
      const workspace = new Workspace({ root, checkpoints, staging }, options);
      mkdirSync(join(root, "d/e"), { recursive: true });
      for (let index = 0; index < 5; index += 1) {
        writeFileSync(join(root, `d/${index}`), "x");
        symlinkSync("x", join(root, `d/e/${index}`));
      }
      // Directories do not count.
      expect(workspace.checkpoint(1, false)).toMatchObject({ changed: true });
      writeFileSync(join(root, "d/one-more"), "x");
      expect(() => workspace.checkpoint(2, false)).toThrow(
        expect.objectContaining({ code: "workspace_too_large" }),
      );
      expect(readdirSync(checkpoints).toSorted()).toEqual(["1.blobs", "1.ndjson"]);
      rmSync(join(root, "d/0"));
      expect(workspace.checkpoint(2, false)).toMatchObject({ changed: true });
      expect(readFileSync(join(checkpoints, "2.ndjson"), "utf8").split("\n")).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test("a workspace that its disk has no room for is not whole until it has", async (context) => {
  const couldMount = await onSmallDisk("CLAUDE_EDGE_WORKSPACES", async (own, disk) => {
    session = own.session();
    const root = join(disk, "folder", session.id);
    const large = "x".repeat(9 * 1024 * 1024);
    await session.put([file("a", "one"), file("large", large)]);
    const refused = await session.send("one", large);
    expect(refused).toMatchObject({ status: 507, error: "disk_full" });
    expect(readdirSync(root)).toEqual(["a"]);
    expect(readdirSync(join(disk, "folder/.staging", session.id))).toEqual([]);
    expect(await session.checkpoint()).toBeUndefined();
    expect(await session.put([file("a", "one")])).toMatchObject({ status: 200, missing: [] });
    expect(await session.checkpoint()).toBeUndefined();
    expect(await session.checkpoint({ full: true })).toMatchObject({ number: 1 });
  });
  if (!couldMount) context.skip();
});
