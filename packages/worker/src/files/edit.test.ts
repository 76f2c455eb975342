import type { WorkspaceEntry } from "@claude-edge/protocol/runner";
import { beforeEach, describe, expect, test } from "vitest";

import {
  deleted,
  directory,
  file,
  newTrees,
  pathsOf,
  stateOf,
  symlink,
} from "../../test/support/workspace-entries.js";
import { EMPTY } from "./tree.js";
import type { TreeTable } from "./tree-table.js";
import { entriesBetween } from "./walk.js";

let trees: TreeTable;
const after = (entries: WorkspaceEntry[], from = EMPTY) => stateOf(trees, entries, from);
const paths = (root: string) => pathsOf(trees, root);

beforeEach(() => {
  trees = newTrees();
});

describe("changes of a workspace", () => {
  test("make the folders that they need, and keep a mode that was said", () => {
    const root = after([file("a/b/c"), directory("a", 0o700), file("a/d")]);
    expect(paths(root)).toEqual(["a/", "a/b/", "a/b/c", "a/d"]);
    expect(trees.at(root, ["a"])).toMatchObject({ mode: 0o700, files: 2 });
    expect(trees.at(root, ["a", "b"])).toMatchObject({ mode: 0o755 });
    // Something new in it leaves the mode.
    expect(trees.at(after([file("a/e")], root), ["a"])).toMatchObject({ mode: 0o700, files: 3 });
  });

  test("that change nothing come to the same hash; in whatever order entries were told", () => {
    const entries = [file("a/b", "1"), file("c", "2"), symlink("d", "c")];
    const root = after(entries);
    expect(after(entries.toReversed())).toBe(root);
    expect(after(entries, root)).toBe(root);
    expect(after([deleted("nothing"), deleted("a/nothing/at/all")], root)).not.toBe(EMPTY);
    expect(after([], root)).toBe(root);
  });

  test("leave a folder whose last file is deleted, and nothing where all is", () => {
    const root = after([file("a/b"), file("c")]);
    expect(paths(after([deleted("a/b")], root))).toEqual(["a/", "c"]);
    expect(after([deleted("a"), deleted("c")], root)).toBe(EMPTY);
  });

  test.each([
    ["a file that a folder was", [file("x", "new")], ["x", "y"]],
    ["a link that a folder was", [symlink("x", "y")], ["x", "y"]],
    ["a folder that a file was", [file("y/in", "new")], ["x/", "x/in", "y/", "y/in"]],
    ["a folder made anew", [deleted("x"), file("x/new", "1")], ["x/", "x/new", "y"]],
    ["nothing, deleted behind a write", [file("x/new", "1"), deleted("x")], ["y"]],
    ["a folder behind a file in its place", [file("x", "1"), file("x/b", "2")], ["x/", "x/b", "y"]],
    ["a folder that is only named", [directory("x", 0o700)], ["x/", "x/in", "y"]],
  ])("are taken one after the other: %s", (_what, entries, expected) => {
    const root = after(entries, after([file("x/in", "1"), file("y", "1")]));
    expect(paths(root)).toEqual(expected);
  });

  test("share the trees in which nothing changed", () => {
    const root = after([file("same/a"), file("other/b")]);
    const next = after([file("other/c")], root);
    expect(trees.at(next, ["same"])).toEqual(trees.at(root, ["same"]));
    expect(next).not.toBe(root);
  });

  test("with names that JavaScript's objects have are names", () => {
    const names = ["__proto__", "constructor", "toString"];
    expect(paths(after(names.map((name) => file(`${name}/${name}`))))).toEqual(
      names.flatMap((name) => [`${name}/`, `${name}/${name}`]),
    );
  });
});

/** Numbers that are the same in each run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

test("what leads from one state to another does, for any two", () => {
  const random = numbers(1);
  const pick = <Value>(values: Value[]): Value =>
    values[Math.floor(random.next().value * values.length)]!;
  const name = () => pick(["a", "b", "c"]);
  const path = () =>
    pick([() => name(), () => `${name()}/${name()}`, () => `${name()}/${name()}/${name()}`])();
  const entry = () =>
    pick([
      () => file(path(), pick(["1", "2"]), pick([0o644, 0o755])),
      () => directory(path(), pick([0o755, 0o700])),
      () => symlink(path(), pick(["a", "b"])),
      () => deleted(path()),
    ])();
  const entries = () => Array.from({ length: Math.floor(random.next().value * 12) }, entry);
  for (let round = 0; round < 300; round += 1) {
    const from = after(entries());
    const to = after(entries(), pick([from, EMPTY]));
    expect(after([...entriesBetween(trees, from, to)], from)).toBe(to);
    expect([...entriesBetween(trees, to, to)]).toEqual([]);
  }
});
