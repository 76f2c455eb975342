import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import { EMPTY, FOLDER_MODE, totalsOf, type FolderNode, type Node } from "./tree.js";
import type { TreeTable } from "./tree-table.js";

/** A change to one name: deletion, replacement, or changes inside a directory. */
interface Edit {
  /** Discards what the name holds now. */
  fresh: boolean;
  /** The new file or link. */
  leaf?: Node;
  /** The directory's mode, if it changes. */
  mode?: number;
  /** Changes inside the directory. */
  names?: Map<string, Edit>;
}

/**
 * Applies changes to a workspace in order and stores the new trees. A file or link in the way of a path is replaced by
 * a directory. Returns the new root hash.
 */
export function applyChanges(
  trees: TreeTable,
  root: string,
  changes: Iterable<WorkspaceEntry>,
): string {
  const edit: Edit = { fresh: false, names: new Map() };
  for (const change of changes) addChange(edit, change);
  const names = applyTo(trees, root, edit.names!);
  return names.size === 0 ? EMPTY : trees.put(names);
}

function addChange(root: Edit, change: WorkspaceEntry): void {
  const names = change.path.split("/");
  const last = names.pop()!;
  let folder = root;
  for (const name of names) folder = enterFolder(folder, name);
  folder.names ??= new Map();
  if (change.type === "directory") enterFolder(folder, last).mode = change.mode;
  else if (change.type === "deleted") folder.names.set(last, { fresh: true });
  else {
    const { path: _path, ...leaf } = change;
    folder.names.set(last, { fresh: true, leaf });
  }
}

/** Returns the edit of a subdirectory, creating it if needed. */
function enterFolder(folder: Edit, name: string): Edit {
  folder.names ??= new Map();
  const known = folder.names.get(name);
  if (known && !known.leaf) {
    known.names ??= new Map();
    return known;
  }
  const edit: Edit = { fresh: known?.fresh ?? false, names: new Map() };
  folder.names.set(name, edit);
  return edit;
}

function applyTo(trees: TreeTable, tree: string, edits: Map<string, Edit>): Map<string, Node> {
  const names = new Map(trees.get(tree));
  for (const [name, edit] of edits) {
    const node = edit.leaf ?? (edit.names && folderOf(trees, names.get(name), edit));
    if (node) names.set(name, node);
    else names.delete(name);
  }
  return names;
}

function folderOf(trees: TreeTable, existing: Node | undefined, edit: Edit): FolderNode {
  const known = !edit.fresh && existing?.type === "directory" ? existing : undefined;
  const names = applyTo(trees, known?.tree ?? EMPTY, edit.names!);
  const mode = edit.mode ?? known?.mode ?? FOLDER_MODE;
  return { type: "directory", mode, tree: trees.put(names), ...totalsOf(names) };
}
