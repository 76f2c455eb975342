import { beforeAll, describe, expect, test } from "vitest";

import {
  directory,
  file,
  newTrees,
  stateOf,
  symlink,
} from "../../test/support/workspace-entries.js";
import { assertWritablePath, namesOf, resolve, resolveFolder, linkTarget } from "./resolve.js";
import type { TreeTable } from "./tree-table.js";

let trees: TreeTable;
let root: string;
const withCode = (code: string) => expect.objectContaining({ code });

beforeAll(() => {
  trees = newTrees();
  root = stateOf(trees, [
    file("a/b/file", "1"),
    directory("empty"),
    symlink("to-file", "a/b/file"),
    symlink("a/to-folder", "./b/"),
    symlink("a/up", "../to-file"),
    symlink("to-root", "a/.."),
    symlink("out", "../x"),
    symlink("deep-out", "a/../../x"),
    symlink("absolute", "/etc/passwd"),
    symlink("broken", "nothing"),
    symlink("circle", "circle-2"),
    symlink("circle-2", "circle"),
  ]);
});

describe("a path", () => {
  test.each([
    ["a/b/file", "a/b/file"],
    ["to-file", "a/b/file"],
    ["a/to-folder/file", "a/b/file"],
    ["a/up", "a/b/file"],
    ["to-root/a/up", "a/b/file"],
    ["a/to-folder", "a/b"],
    ["empty", "empty"],
  ])("leads through links that stay inside: %s to %s", (path, found) => {
    expect(resolve(trees, root, path).path).toBe(found);
  });

  test.each([
    ["out", "not_a_file"],
    ["deep-out", "not_a_file"],
    ["absolute", "not_a_file"],
    ["circle", "not_a_file"],
    ["to-root", "not_a_file"],
    ["broken", "file_not_found"],
    ["nothing", "file_not_found"],
    ["a/b/file/in", "file_not_found"],
    ["to-file/in", "file_not_found"],
    ["../a", "path_invalid"],
  ])("leads nowhere else: %s is %s", (path, code) => {
    expect(() => resolve(trees, root, path)).toThrow(withCode(code));
  });

  test("as many links are followed as Linux follows", () => {
    const chain = (length: number) => {
      const links = Array.from({ length }, (_, at) => symlink(`l${at}`, `l${at + 1}`));
      return stateOf(trees, [...links, file(`l${length}`)]);
    };
    expect(resolve(trees, chain(40), "l0").path).toBe("l40");
    expect(() => resolve(trees, chain(41), "l0")).toThrow(withCode("not_a_file"));
  });

  test("of a folder is none of a file", () => {
    expect(resolveFolder(trees, root, "")).toEqual({ path: "", tree: root });
    expect(resolveFolder(trees, root, "a/to-folder").path).toBe("a/b");
    expect(() => resolveFolder(trees, root, "to-file")).toThrow(withCode("not_a_directory"));
  });

  test.each(["new/in/new", "a/b/file", "to-file", "broken"])(
    "is a place for a file: %s",
    (path) => {
      expect(() => assertWritablePath(trees, root, path)).not.toThrow();
    },
  );

  test.each([
    ["a/b/file/in", "not_a_directory"],
    ["to-file/in", "not_a_directory"],
    ["a/b", "not_a_file"],
    ["empty", "not_a_file"],
  ])("is no place for a file: %s is %s", (path, code) => {
    expect(() => assertWritablePath(trees, root, path)).toThrow(withCode(code));
  });

  test.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/..",
    "./a",
    "a\0b",
    "\uD800",
    "x".repeat(256),
    "é".repeat(128),
    "x/".repeat(2_047) + "xx",
  ])("that is none is refused: %.20j", (path) => {
    expect(() => namesOf(path)).toThrow(withCode("path_invalid"));
  });

  test.each(["a", "...", "a/.b", "é".repeat(127), "new\nline", "x/".repeat(2_047) + "x", " "])(
    "may be %.20j",
    (path) => {
      expect(namesOf(path)).toEqual(path.split("/"));
    },
  );
});

test.each([
  ["", "x", ["x"]],
  ["a/b", "x", ["a", "b", "x"]],
  ["a/b", "../../x", ["x"]],
  ["a/b", "../..", []],
  ["a/b", "../../..", undefined],
  ["a/b", "././/x/", ["a", "b", "x"]],
  ["a/b", "/x", undefined],
  ["a", "b/../../../a/x", undefined],
])("a link in %j to %j", (folder, target, names) => {
  expect(linkTarget(folder === "" ? [] : folder.split("/"), target)).toEqual(names);
});
