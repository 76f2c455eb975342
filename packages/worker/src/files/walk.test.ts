import { beforeAll, describe, expect, test } from "vitest";

import {
  deleted,
  directory,
  file,
  newTrees,
  stateOf,
  symlink,
} from "../../test/support/workspace-entries.js";
import { EMPTY } from "./tree.js";
import type { TreeTable } from "./tree-table.js";
import { changesBetween, entriesBetween, walk } from "./walk.js";

let trees: TreeTable;
const state = (entries: Parameters<typeof stateOf>[1], from = EMPTY) =>
  stateOf(trees, entries, from);

beforeAll(() => {
  trees = newTrees();
});

describe("a walk", () => {
  // A name that begins with another's, and what sorts before a slash: folders are not sorted as paths are.
  const names = ["a-b", "a/b", "a/b/c", "a.txt", "z", "a/b c", "empty"].map((path) =>
    path === "a/b" || path === "empty" ? directory(path) : file(path),
  );
  const all = ["a", "a/b", "a/b/c", "a/b c", "a-b", "a.txt", "empty", "z"];

  test("has a folder before what is in it, and all by name", () => {
    expect([...walk(trees, state(names))].map(({ path }) => path)).toEqual(all);
    const flat = [...walk(trees, state(names), { deep: false })].map(({ path }) => path);
    expect(flat).toEqual(["a", "a-b", "a.txt", "empty", "z"]);
  });

  test("goes on behind any path, one that is gone too", () => {
    const root = state(names);
    for (const [index, after] of all.entries()) {
      const rest = [...walk(trees, root, { after })].map(({ path }) => path);
      expect(rest).toEqual(all.slice(index + 1));
    }
    const rest = (after: string) => [...walk(trees, root, { after })].map(({ path }) => path);
    expect(rest("a/b/b")).toEqual(all.slice(2));
    expect(rest("a/nothing/here")).toEqual(all.slice(4));
    expect(rest("zz")).toEqual([]);
  });

  test("of a folder tells paths from the workspace on", () => {
    const root = state(names);
    const inA = trees.at(root, ["a"]);
    if (inA?.type !== "directory") throw new Error("a is a folder");
    const found = [...walk(trees, inA.tree, { folder: "a" })].map(({ path }) => path);
    expect(found).toEqual(["a/b", "a/b/c", "a/b c"]);
  });
});

describe("what differs between two states", () => {
  const told = (from: string, to: string, behind?: string) =>
    [...changesBetween(trees, from, to, behind)].map(({ change, path }) => `${change} ${path}`);

  test("is told of files; of folders where no file says it", () => {
    const from = state([file("a/b", "1"), directory("empty"), file("gone/deep/x"), file("m", "1")]);
    const to = state(
      [
        file("a/b", "2"),
        deleted("empty"),
        deleted("gone"),
        directory("new/empty"),
        file("in/deep/y"),
        file("m", "1", 0o755),
        directory("a", 0o700),
      ],
      from,
    );
    expect(told(from, to)).toEqual([
      "modified a",
      "modified a/b",
      "deleted empty",
      "deleted gone/deep/x",
      "added in/deep/y",
      "modified m",
      "added new",
      "added new/empty",
    ]);
    expect(told(to, to)).toEqual([]);
    expect(told(EMPTY, from)).toEqual(["added a/b", "added empty", "added gone/deep/x", "added m"]);
  });

  test("is told with what was and what is", () => {
    const from = state([file("a", "1")]);
    const to = state([symlink("a", "b")], from);
    expect([...changesBetween(trees, from, to)]).toEqual([
      {
        path: "a",
        change: "modified",
        before: file("a", "1"),
        after: { ...symlink("a", "b"), mode: 0o777, size: 0 },
      },
    ]);
  });

  test("goes on behind any path", () => {
    const from = state([file("a/b"), file("a/c/d"), file("e")]);
    const to = state([file("a/b", "2"), file("a/c", "now a file"), deleted("e"), file("f")], from);
    const all = told(from, to);
    expect(all).toEqual(["modified a/b", "modified a/c", "deleted a/c/d", "deleted e", "added f"]);
    for (const [index, one] of all.entries()) {
      expect(told(from, to, one.split(" ")[1])).toEqual(all.slice(index + 1));
    }
  });

  test("is told to a runner in an order in which it can be done", () => {
    const from = state([file("a/in", "1"), file("b", "1"), file("c/d/e", "1"), symlink("l", "a")]);
    const to = state([file("a", "2"), file("b/in", "2"), deleted("c"), directory("l")], from);
    expect([...entriesBetween(trees, from, to)]).toEqual([
      deleted("a"),
      file("a", "2"),
      deleted("b"),
      directory("b"),
      file("b/in", "2"),
      deleted("c"),
      deleted("l"),
      directory("l"),
    ]);
  });
});
