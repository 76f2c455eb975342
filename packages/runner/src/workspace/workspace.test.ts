import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

import { directory, file, sha256 } from "../../test/support/entries.js";
import { LocalWorkspace } from "../../test/support/local-workspace.js";

let workspace: LocalWorkspace;
const at = (path: string) => workspace.at(path);
const write = (path: string, content: string) => workspace.write(path, content);
const withCode = (code: string) => expect.objectContaining({ code });

beforeEach(() => {
  workspace = new LocalWorkspace().makeRoot();
});

describe("what is stored", () => {
  test("is forgotten: its entries, and its bytes", () => {
    write("a", "one");
    workspace.checkpoint();
    write("b", "two");
    workspace.checkpoint();
    write("c", "three");
    workspace.checkpoint();
    workspace.release(2);
    expect(readdirSync(workspace.checkpoints).toSorted()).toEqual(["3.blobs", "3.ndjson"]);
    workspace.release(2);
    // Content that is stored is not written down again.
    write("d", "one");
    expect(workspace.changes()).toEqual([file("d", "one")]);
    expect(lstatSync(join(workspace.checkpoints, "4.blobs")).size).toBe(0);
  });

  test("can be had from the workspace when it is asked for all the same, and else not at all", async () => {
    write("a", "one");
    workspace.checkpoint();
    workspace.release(1);
    write("b", "two");
    workspace.checkpoint();
    const bytes = await workspace.blobs(2, [sha256("two"), sha256("one")]);
    expect(bytes.toString()).toBe("twoone");
    workspace.release(2);
    expect(readdirSync(workspace.checkpoints)).toEqual([]);
    write("a", "another");
    await expect(workspace.blobs(2, [sha256("one")])).rejects.toThrow(withCode("file_not_found"));
  });

  test("is told anew with all there is", async () => {
    write("a", "one");
    write("d/b", "two");
    workspace.checkpoint();
    workspace.release(1);
    rmSync(at("a"));
    const frame = workspace.checkpoint({ full: true });
    expect(frame).toMatchObject({ number: 2, full: true });
    expect(workspace.entries(2)).toEqual([directory("d"), file("d/b", "two")]);
    expect(String(await workspace.blobs(2, [sha256("two")]))).toBe("two");
    expect(lstatSync(join(workspace.checkpoints, "2.blobs")).size).toBe(3);
    expect(workspace.checkpoint()).toBeUndefined();
    // With nothing there as well: it says that nothing is.
    rmSync(at("d"), { recursive: true });
    expect(workspace.checkpoint({ full: true })).toMatchObject({ number: 3, full: true });
    expect(workspace.entries(3)).toEqual([]);
  });
});

/** Puts a disk of 8 MB in the place of a folder; false where this machine does not allow it. */
function mountSmallDisk(folder: string): boolean {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return false;
  }
  onTestFinished(() => void execFileSync("umount", [folder]));
  return true;
}

const LARGE = "x".repeat(9 * 1024 * 1024);

/**
 * The room of a removed file is free once nothing has it open. A process that another test starts at this moment has it
 * until it runs its own program.
 */
const succeeds = (taken: object, ask: { full?: boolean } = {}) =>
  vi.waitFor(() => expect(workspace.checkpoint(ask)).toMatchObject(taken));

describe("a checkpoint that fails", () => {
  test("for want of room says so, leaves nothing, and the next one is whole", async (context) => {
    workspace = new LocalWorkspace().makeRoot();
    if (!mountSmallDisk(workspace.checkpoints)) return context.skip();
    write("a", "one");
    write("b", LARGE);
    expect(() => workspace.checkpoint()).toThrow(withCode("disk_full"));
    expect(readdirSync(workspace.checkpoints)).toEqual([]);
    expect(() => workspace.checkpoint()).toThrow(withCode("disk_full"));
    write("b", "small");
    await succeeds({ number: 1 });
    expect(workspace.entries(1)).toEqual([file("a", "one"), file("b", "small")]);
    expect(String(await workspace.blobs(1, [sha256("one"), sha256("small")]))).toBe("onesmall");
    // One that was to hold all still does when it comes about.
    workspace.release(1);
    write("c", LARGE);
    expect(() => workspace.checkpoint({ full: true })).toThrow(withCode("disk_full"));
    rmSync(at("c"));
    await succeeds({ number: 2, full: true });
    expect(workspace.entries(2)).toEqual([file("a", "one"), file("b", "small")]);
  });

  test("with more files than it can have says so, until there are fewer", () => {
    workspace = new LocalWorkspace({ maxFiles: 10 });
    workspace.makeDirectory("d/e");
    for (let index = 0; index < 5; index += 1) {
      writeFileSync(at(`d/${index}`), "x");
      symlinkSync("x", at(`d/e/${index}`));
    }
    // Directories do not count.
    expect(workspace.checkpoint()).toMatchObject({ number: 1 });
    writeFileSync(at("d/one-more"), "x");
    expect(() => workspace.checkpoint()).toThrow(withCode("workspace_too_large"));
    expect(readdirSync(workspace.checkpoints).toSorted()).toEqual(["1.blobs", "1.ndjson"]);
    rmSync(at("d/0"));
    expect(workspace.checkpoint()).toMatchObject({ number: 2 });
    expect(workspace.entries(2)).toHaveLength(2);
  });
});

test("a workspace that its disk has no room for is not whole until it has", async (context) => {
  workspace = new LocalWorkspace();
  if (!mountSmallDisk(workspace.folder)) return context.skip();
  workspace.put([file("a", "one"), file("large", LARGE)]);
  expect(() => workspace.send("one", LARGE)).toThrow(withCode("disk_full"));
  expect([readdirSync(workspace.root), workspace.staged]).toEqual([["a"], []]);
  expect(workspace.checkpoint()).toBeUndefined();
  expect(workspace.put([file("a", "one")])).toEqual([]);
  expect(workspace.checkpoint()).toBeUndefined();
  await succeeds({ number: 1 }, { full: true });
});
