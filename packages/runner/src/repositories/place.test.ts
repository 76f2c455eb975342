import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { moveTo, placeOf } from "./place.js";

let root: string;
let workspace: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "place-"));
  workspace = join(root, "workspace");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
const make = (path: string) => mkdirSync(join(workspace, path), { recursive: true });

test("nothing, and an empty folder, are free", async () => {
  expect(await placeOf(workspace, "a/b")).toBe("free");
  make("a/b");
  expect(await placeOf(workspace, "a/b")).toBe("free");
});

test("a repository is told by its .git, and a link is the agent's own doing", async () => {
  make("a/.git");
  make("b");
  writeFileSync(join(workspace, "b/.git"), "gitdir: elsewhere");
  symlinkSync("/nowhere", join(workspace, "c"));
  for (const path of ["a", "b", "c"]) expect(await placeOf(workspace, path)).toBe("repository");
});

test("all else is in the way, a link on the way too", async () => {
  make("full");
  writeFileSync(join(workspace, "full/file"), "");
  writeFileSync(join(workspace, "file"), "");
  symlinkSync(root, join(workspace, "link"));
  for (const path of ["full", "file", "file/x", "link/x"]) {
    expect(await placeOf(workspace, path)).toBe("taken");
  }
});

test("a clone is moved to its place, and over nothing", async () => {
  const clone = join(root, "clone");
  const again = () => {
    mkdirSync(clone);
    writeFileSync(join(clone, "file"), "");
  };
  again();
  await moveTo(workspace, "a/b", clone);
  expect(readdirSync(join(workspace, "a/b"))).toEqual(["file"]);
  again();
  await expect(moveTo(workspace, "a/b", clone)).rejects.toThrow(/ENOTEMPTY|EEXIST/);
});
