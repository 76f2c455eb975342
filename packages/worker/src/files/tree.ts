import { createHash } from "node:crypto";

import type { FileEntry } from "@claude-edge/protocol";

/** An entry of a directory. */
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
  /** Recursive count of files and links, and the files' total size. */
  files: number;
  bytes: number;
}

/**
 * A directory's entries by name. As in git, a tree is addressed by a hash that covers its subtrees: two states of a
 * workspace share all unchanged directories, and a state is one hash.
 */
export type Tree = ReadonlyMap<string, Node>;

/** The hash of an empty workspace. */
export const EMPTY = "";

/** Default mode of a directory, and the mode of every link. */
export const FOLDER_MODE = 0o755;
const LINK_MODE = 0o777;

type Row =
  | [name: string, kind: "f", mode: number, size: number, sha256: string]
  | [name: string, kind: "l", target: string]
  | [name: string, kind: "d", mode: number, tree: string, files: number, bytes: number];

/** Encodes a tree for storage and hashing. Deterministic. */
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

/** Order of names in a directory, and so of paths in lists. */
export const byName = (left: string, right: string): number =>
  left < right ? -1 : left > right ? 1 : 0;

/** Total count and size of a tree's files. */
export function totalsOf(tree: Tree): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const node of tree.values()) {
    files += node.type === "directory" ? node.files : 1;
    bytes += node.type === "directory" ? node.bytes : node.type === "file" ? node.size : 0;
  }
  return { files, bytes };
}

/** Whether two nodes are equal; undefined stands for a missing node. */
export function isSameNode(left: Node | undefined, right: Node | undefined): boolean {
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
