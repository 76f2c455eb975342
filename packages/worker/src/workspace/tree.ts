import { createHash } from "node:crypto";

import type { FileEntry } from "@claude-edge/protocol";

/** What a name in a directory stands for. */
export type Node = FileNode | LinkNode | FolderNode;

interface FileNode {
  type: "file";
  mode: number;
  size: number;
  sha256: string;
}

interface LinkNode {
  type: "symlink";
  target: string;
}

export interface FolderNode {
  type: "directory";
  mode: number;
  /** The hash of its tree. */
  tree: string;
  /** Files and links in it, however deep, and the files' bytes. */
  files: number;
  bytes: number;
}

/**
 * A directory's names and what they stand for. Like git's, a tree goes by its hash, which holds those of the trees below
 * it: two states of a workspace share all directories in which nothing differs, and a state is one hash.
 */
export type Tree = ReadonlyMap<string, Node>;

/** The hash that stands for a workspace with nothing in it. */
export const EMPTY = "";

/** The mode of a directory that nobody said anything of, and of a link. */
export const FOLDER_MODE = 0o755;
const LINK_MODE = 0o777;

type Row =
  | [name: string, kind: "f", mode: number, size: number, sha256: string]
  | [name: string, kind: "l", target: string]
  | [name: string, kind: "d", mode: number, tree: string, files: number, bytes: number];

/** A tree as it is stored and hashed: the same names and nodes give the same text. */
export function encodeTree(tree: Tree): string {
  const names = [...tree.keys()].toSorted(byName);
  return JSON.stringify(names.map((name) => toRow(name, tree.get(name)!)));
}

export function decodeTree(text: string): Map<string, Node> {
  const rows = JSON.parse(text) as Row[];
  return new Map(rows.map((row) => [row[0], toNode(row)]));
}

export const hashOf = (data: string | Uint8Array): string =>
  createHash("sha256").update(data).digest("hex");

/** The order of names in a directory, and so of paths in lists. */
export const byName = (left: string, right: string): number =>
  left < right ? -1 : left > right ? 1 : 0;

/** What a tree's files come to. */
export function sumOf(tree: Tree): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const node of tree.values()) {
    files += node.type === "directory" ? node.files : 1;
    bytes += node.type === "directory" ? node.bytes : node.type === "file" ? node.size : 0;
  }
  return { files, bytes };
}

/** Whether two nodes are the same to callers; undefined is none. */
export function isSame(left: Node | undefined, right: Node | undefined): boolean {
  if (!left || !right) return left === right;
  return JSON.stringify(toRow("", left)) === JSON.stringify(toRow("", right));
}

/** A node as callers see it. */
export function entryOf(path: string, node: Node): FileEntry {
  switch (node.type) {
    case "file":
      return { path, type: node.type, mode: node.mode, size: node.size, sha256: node.sha256 };
    case "symlink":
      return { path, type: node.type, mode: LINK_MODE, size: 0, target: node.target };
    case "directory":
      return { path, type: node.type, mode: node.mode, size: node.bytes };
  }
}

function toRow(name: string, node: Node): Row {
  if (node.type === "file") return [name, "f", node.mode, node.size, node.sha256];
  if (node.type === "symlink") return [name, "l", node.target];
  return [name, "d", node.mode, node.tree, node.files, node.bytes];
}

function toNode(row: Row): Node {
  if (row[1] === "f") return { type: "file", mode: row[2], size: row[3], sha256: row[4] };
  if (row[1] === "l") return { type: "symlink", target: row[2] };
  return { type: "directory", mode: row[2], tree: row[3], files: row[4], bytes: row[5] };
}
