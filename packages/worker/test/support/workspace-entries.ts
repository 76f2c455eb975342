import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import { applyChanges } from "../../src/files/edit.js";
import { EMPTY } from "../../src/files/tree.js";
import { TreeTable } from "../../src/files/tree-table.js";
import { walk } from "../../src/files/walk.js";
import { sessionStorage } from "./storage.js";

export { deleted, directory, file, sha256, symlink } from "../../../../tests/support/entries.js";

export const newTrees = (): TreeTable => new TreeTable(sessionStorage().sql);

/** The state that some entries come to, one after the other. */
export const stateOf = (
  trees: TreeTable,
  entries: WorkspaceEntry[],
  from: string = EMPTY,
): string => applyChanges(trees, from, entries);

/** All paths of a state, folders with a slash behind. */
export const pathsOf = (trees: TreeTable, root: string): string[] =>
  [...walk(trees, root)].map(({ path, node }) => (node.type === "directory" ? `${path}/` : path));
