import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import { entryOf, isIn, isSame, type Known, type State } from "./state.js";

/**
 * The changes between two states, in an order that can be applied: deletions first, then the rest, a directory before its
 * contents. A path that has disappeared but `isKept` counts as unchanged, and is added to the newer state.
 */
export function compare(
  before: State,
  now: State,
  isKept: (path: string, was: Known) => boolean,
): WorkspaceEntry[] {
  const deleted = new Set<string>();
  const kept: [string, Known][] = [];
  for (const [path, was] of before) {
    const is = now.get(path);
    if (!is) {
      if (isKept(path, was)) kept.push([path, was]);
      else deleted.add(path);
    } else if ((was.type === "directory") !== (is.type === "directory")) deleted.add(path);
  }
  for (const [path, was] of kept) if (!isIn(path, deleted)) now.set(path, was);

  const entries: WorkspaceEntry[] = [];
  for (const path of deleted) if (!isIn(path, deleted)) entries.push({ path, type: "deleted" });
  for (const [path, is] of now) {
    const was = before.get(path);
    // Unchanged entries are the same object.
    if (was === is) continue;
    if (!was || !isSame(was, is)) entries.push(entryOf(path, is));
  }
  return entries;
}
