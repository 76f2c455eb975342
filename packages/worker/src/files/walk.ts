import type { FileChange } from "@claude-edge/protocol";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import {
  byName,
  EMPTY,
  entryOf,
  isSameNode,
  type FolderNode,
  type Node,
  type Tree,
} from "./tree.js";
import type { TreeTable } from "./tree-table.js";

/** A path and its node. */
export interface Found {
  path: string;
  node: Node;
}

const join = (folder: string, name: string): string => (folder === "" ? name : `${folder}/${name}`);

const cursorNames = (after: string | undefined): string[] =>
  after === undefined ? [] : after.split("/");

/**
 * Walks a directory by name. A directory comes before its contents.
 * @param after Continues after this path, which is relative to the directory.
 */
export function* walk(
  trees: TreeTable,
  tree: string,
  { folder = "", deep = true, after }: { folder?: string; deep?: boolean; after?: string } = {},
): Generator<Found> {
  const [first, ...further] = cursorNames(after);
  const names = trees.get(tree);
  for (const name of [...names.keys()].toSorted(byName)) {
    if (first !== undefined && byName(name, first) < 0) continue;
    const isPassed = name === first;
    const node = names.get(name)!;
    const path = join(folder, name);
    if (!isPassed) yield { path, node };
    if (node.type !== "directory" || !deep) continue;
    const inside = isPassed && further.length > 0 ? { after: further.join("/") } : {};
    yield* walk(trees, node.tree, { folder: path, ...inside });
  }
}

/** A path that differs between two states; `undefined` where it does not exist. */
interface Difference {
  path: string;
  left: Node | undefined;
  right: Node | undefined;
}

/**
 * Differences between two directories, by name, a directory before its contents. Directories with the same hash are
 * skipped. A directory itself differs if its mode does or if it exists on one side only.
 * @param after Continues after this path.
 */
function* differences(
  trees: TreeTable,
  from: string,
  to: string,
  { folder = "", after }: { folder?: string; after?: string | undefined } = {},
): Generator<Difference> {
  if (from === to) return;
  const [first, ...further] = cursorNames(after);
  const [leftTree, rightTree]: [Tree, Tree] = [trees.get(from), trees.get(to)];
  const names = [...new Set([...leftTree.keys(), ...rightTree.keys()])].toSorted(byName);
  for (const name of names) {
    if (first !== undefined && byName(name, first) < 0) continue;
    const isPassed = name === first;
    const [left, right] = [leftTree.get(name), rightTree.get(name)];
    if (isSameNode(left, right)) continue;
    const path = join(folder, name);
    const [leftFolder, rightFolder] = [asFolder(left), asFolder(right)];
    const differsOnlyInside = leftFolder && rightFolder && leftFolder.mode === rightFolder.mode;
    if (!differsOnlyInside && !isPassed) yield { path, left, right };
    if (!leftFolder && !rightFolder) continue;
    const inside = isPassed && further.length > 0 ? { after: further.join("/") } : {};
    yield* differences(trees, leftFolder?.tree ?? EMPTY, rightFolder?.tree ?? EMPTY, {
      folder: path,
      ...inside,
    });
  }
}

/** Changes as callers see them. A directory is listed only if no change inside it implies it. */
export function* changesBetween(
  trees: TreeTable,
  from: string,
  to: string,
  after?: string,
): Generator<FileChange> {
  for (const { path, left, right } of differences(trees, from, to, { after })) {
    // The files of an added or deleted directory are listed themselves.
    const [leftFolder, rightFolder] = [asFolder(left), asFolder(right)];
    if (!right && leftFolder && leftFolder.files > 0) continue;
    if (!left && rightFolder && rightFolder.files > 0) continue;
    const change = left ? (right ? "modified" : "deleted") : "added";
    yield {
      path,
      change,
      ...(left ? { before: entryOf(path, left) } : {}),
      ...(right ? { after: entryOf(path, right) } : {}),
    };
  }
}

const asFolder = (node: Node | undefined): FolderNode | undefined =>
  node?.type === "directory" ? node : undefined;

/** The entries that bring a runner from one state to another, in an order that it can apply. */
export function* entriesBetween(
  trees: TreeTable,
  from: string,
  to: string,
): Generator<WorkspaceEntry> {
  let deleted: string | undefined;
  for (const { path, left, right } of differences(trees, from, to)) {
    // Deleting a directory deletes its contents.
    if (!right && deleted !== undefined && path.startsWith(deleted)) continue;
    if (left && left.type !== right?.type) {
      yield { path, type: "deleted" };
      if (left.type === "directory") deleted = `${path}/`;
    }
    if (right) yield workspaceEntry(path, right);
  }
}

function workspaceEntry(path: string, node: Node): WorkspaceEntry {
  if (node.type !== "directory") return { path, ...node };
  return { path, type: node.type, mode: node.mode };
}
