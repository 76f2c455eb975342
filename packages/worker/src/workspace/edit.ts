import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import { EMPTY, FOLDER_MODE, sumOf, type FolderNode, type Node } from "./tree.js";
import type { TreeTable } from "./tree-table.js";

/** What becomes of a name: taken away, replaced, or, as a directory, gone into. */
interface Edit {
  /** What is there now does not count. */
  fresh: boolean;
  /** A file or link to be there instead. */
  leaf?: Node;
  /** The directory's mode, if it is said. */
  mode?: number;
  /** What becomes of the names in it. */
  names?: Map<string, Edit>;
}

/**
 * A workspace after some changes, taken one after the other. Whatever stands in the way of a path gives way to it.
 * Gives the hash of what comes of it; the trees are stored.
 */
export function applyChanges(
  trees: TreeTable,
  root: string,
  changes: Iterable<WorkspaceEntry>,
): string {
  const edit: Edit = { fresh: false, names: new Map() };
  for (const change of changes) note(edit, change);
  const names = applyTo(trees, root, edit.names!);
  return names.size === 0 ? EMPTY : trees.put(names);
}

function note(root: Edit, change: WorkspaceEntry): void {
  const names = change.path.split("/");
  const last = names.pop()!;
  let folder = root;
  for (const name of names) folder = into(folder, name);
  folder.names ??= new Map();
  if (change.type === "directory") into(folder, last).mode = change.mode;
  else if (change.type === "deleted") folder.names.set(last, { fresh: true });
  else {
    const { path: _path, ...leaf } = change;
    folder.names.set(last, { fresh: true, leaf });
  }
}

/** Goes into a directory, which comes to be if there is none. */
function into(folder: Edit, name: string): Edit {
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

function folderOf(trees: TreeTable, before: Node | undefined, edit: Edit): FolderNode {
  const known = !edit.fresh && before?.type === "directory" ? before : undefined;
  const names = applyTo(trees, known?.tree ?? EMPTY, edit.names!);
  const mode = edit.mode ?? known?.mode ?? FOLDER_MODE;
  return { type: "directory", mode, tree: trees.put(names), ...sumOf(names) };
}
