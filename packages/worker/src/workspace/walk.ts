import type { FileChange } from "@claude-edge/protocol";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import { byName, EMPTY, entryOf, isSame, type FolderNode, type Node, type Tree } from "./tree.js";
import type { TreeTable } from "./tree-table.js";

/** A path and what is there. */
export interface Found {
  path: string;
  node: Node;
}

const join = (folder: string, name: string): string => (folder === "" ? name : `${folder}/${name}`);

/** What is behind a path in a list of paths; all of it behind none. */
const rest = (after: string | undefined): string[] => (after === undefined ? [] : after.split("/"));

/**
 * What is in a directory, by name, a directory before what is in it.
 * @param after The path, from that directory, behind which to go on.
 */
export function* walk(
  trees: TreeTable,
  tree: string,
  { folder = "", deep = true, after }: { folder?: string; deep?: boolean; after?: string } = {},
): Generator<Found> {
  const [first, ...further] = rest(after);
  const names = trees.get(tree);
  for (const name of [...names.keys()].toSorted(byName)) {
    if (first !== undefined && byName(name, first) < 0) continue;
    const isPassed = name === first;
    const node = names.get(name)!;
    const path = join(folder, name);
    if (!isPassed) yield { path, node };
    if (node.type !== "directory" || !deep) continue;
    const behind = isPassed && further.length > 0 ? { after: further.join("/") } : {};
    yield* walk(trees, node.tree, { folder: path, ...behind });
  }
}

/** A path that two states have differently; `undefined` where one has nothing. */
interface Difference {
  path: string;
  before: Node | undefined;
  after: Node | undefined;
}

/**
 * What differs between two directories, by name, a directory before what is in it. Directories with the same hash are
 * not looked into. A directory differs by its mode, or by being one on one side only; then all in it differs too.
 * @param behind The path behind which to go on.
 */
function* differences(
  trees: TreeTable,
  before: string,
  after: string,
  { folder = "", behind }: { folder?: string; behind?: string | undefined } = {},
): Generator<Difference> {
  if (before === after) return;
  const [first, ...further] = rest(behind);
  const [left, right]: [Tree, Tree] = [trees.get(before), trees.get(after)];
  const names = [...new Set([...left.keys(), ...right.keys()])].toSorted(byName);
  for (const name of names) {
    if (first !== undefined && byName(name, first) < 0) continue;
    const isPassed = name === first;
    const [was, is] = [left.get(name), right.get(name)];
    if (isSame(was, is)) continue;
    const path = join(folder, name);
    const [wasIn, isIn] = [asFolder(was), asFolder(is)];
    const isOnlyInside = wasIn && isIn && wasIn.mode === isIn.mode;
    if (!isOnlyInside && !isPassed) yield { path, before: was, after: is };
    if (!wasIn && !isIn) continue;
    const inside = isPassed && further.length > 0 ? { behind: further.join("/") } : {};
    const [from, to] = [wasIn?.tree ?? EMPTY, isIn?.tree ?? EMPTY];
    yield* differences(trees, from, to, { folder: path, ...inside });
  }
}

/** The same for callers: directories only where nothing in them says as much. */
export function* changesBetween(
  trees: TreeTable,
  from: string,
  to: string,
  behind?: string,
): Generator<FileChange> {
  for (const { path, before, after } of differences(trees, from, to, { behind })) {
    // One that came or went with files in it is told of by these.
    const [wasIn, isIn] = [asFolder(before), asFolder(after)];
    if (!after && wasIn && wasIn.files > 0) continue;
    if (!before && isIn && isIn.files > 0) continue;
    const change = before ? (after ? "modified" : "deleted") : "added";
    yield {
      path,
      change,
      ...(before ? { before: entryOf(path, before) } : {}),
      ...(after ? { after: entryOf(path, after) } : {}),
    };
  }
}

const asFolder = (node: Node | undefined): FolderNode | undefined =>
  node?.type === "directory" ? node : undefined;

/** What a runner has to do to come from one state to another, in an order in which it can be done. */
export function* entriesBetween(
  trees: TreeTable,
  from: string,
  to: string,
): Generator<WorkspaceEntry> {
  let gone: string | undefined;
  for (const { path, before, after } of differences(trees, from, to)) {
    // What is in a directory that is gone has gone with it.
    if (!after && gone !== undefined && path.startsWith(gone)) continue;
    if (before && before.type !== after?.type) {
      yield { path, type: "deleted" };
      if (before.type === "directory") gone = `${path}/`;
    }
    if (after) yield workspaceEntry(path, after);
  }
}

function workspaceEntry(path: string, node: Node): WorkspaceEntry {
  if (node.type !== "directory") return { path, ...node };
  return { path, type: node.type, mode: node.mode };
}
