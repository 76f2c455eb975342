import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import { entryOf, isIn, isSame, type Known, type State } from "./state.js";

/**
 * What has changed between two states, in an order in which it can be done one after the other: what is deleted, then
 * the rest, a directory before what is in it. What `isLeft` says of a path that is not there any more stays as it was,
 * and is put into the newer state.
 */
export function compare(
  before: State,
  now: State,
  isLeft: (path: string, was: Known) => boolean,
): WorkspaceEntry[] {
  const gone = new Set<string>();
  const left: [string, Known][] = [];
  for (const [path, was] of before) {
    const is = now.get(path);
    if (!is) {
      if (isLeft(path, was)) left.push([path, was]);
      else gone.add(path);
    } else if ((was.type === "directory") !== (is.type === "directory")) gone.add(path);
  }
  for (const [path, was] of left) if (!isIn(path, gone)) now.set(path, was);

  const entries: WorkspaceEntry[] = [];
  for (const path of gone) if (!isIn(path, gone)) entries.push({ path, type: "deleted" });
  for (const [path, is] of now) {
    const was = before.get(path);
    // What nobody has touched is the very same.
    if (was === is) continue;
    if (!was || !isSame(was, is)) entries.push(entryOf(path, is));
  }
  return entries;
}
