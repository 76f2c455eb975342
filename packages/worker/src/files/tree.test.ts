import { describe, expect, test } from "vitest";

import {
  decodeTree,
  encodeTree,
  entryOf,
  isSameNode,
  totalsOf,
  type Node,
  type Tree,
} from "./tree.js";

const file = (size: number, mode = 0o644): Node => ({
  type: "file",
  mode,
  size,
  sha256: String(size).repeat(64).slice(0, 64),
});
const link: Node = { type: "symlink", target: "../else where" };
const folder: Node = { type: "directory", mode: 0o700, tree: "t", files: 3, bytes: 12 };

describe("a tree", () => {
  test("is the same text whatever order its names came in, and is read again", () => {
    const nodes: [string, Node][] = [
      ["z", file(1)],
      ["a", link],
      ["\u{1F600}", folder],
      ["\uFFFD", file(2, 0o755)],
      ["__proto__", file(3)],
      ["", file(4)],
    ];
    const text = encodeTree(new Map(nodes));
    expect(encodeTree(new Map(nodes.toReversed()))).toBe(text);
    expect(new Map(decodeTree(text))).toEqual(new Map(nodes));
    // By code unit, as names are compared everywhere.
    expect([...decodeTree(text).keys()]).toEqual([
      "",
      "__proto__",
      "a",
      "z",
      "\u{1F600}",
      "\uFFFD",
    ]);
  });

  test("sums up its files and links, and those below it", () => {
    const tree: Tree = new Map([
      ["a", file(5)],
      ["b", link],
      ["c", folder],
    ]);
    expect(totalsOf(tree)).toEqual({ files: 5, bytes: 17 });
    expect(totalsOf(new Map())).toEqual({ files: 0, bytes: 0 });
  });
});

describe("two nodes", () => {
  test.each([
    ["both missing", undefined, undefined, true],
    ["one missing", file(1), undefined, false],
    ["equal files", file(1), { ...file(1) }, true],
    ["other modes", file(1), file(1, 0o600), false],
    ["a link and a file", link, file(1), false],
    ["other targets", link, { ...link, target: "x" } as Node, false],
    ["other folders", folder, { ...folder, tree: "u" } as Node, false],
  ])("are the same or not: %s", (_what, left, right, same) => {
    expect([isSameNode(left, right), isSameNode(right, left)]).toEqual([same, same]);
  });

  test("are entries to callers", () => {
    expect(entryOf("a/b", file(1))).toEqual({ path: "a/b", ...file(1) });
    expect(entryOf("l", link)).toEqual({ path: "l", ...link, mode: 0o777, size: 0 });
    expect(entryOf("d", folder)).toEqual({ path: "d", type: "directory", mode: 0o700, size: 12 });
  });
});
