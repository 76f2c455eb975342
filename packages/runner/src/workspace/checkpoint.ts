import type { SkippedFile } from "@claude-edge/protocol";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import { compare } from "./compare.js";
import { isForbidden } from "./failure.js";
import type { IgnoreRules } from "./ignore-rules.js";
import { scan } from "./scan.js";
import type { Spool } from "./spool.js";
import { isAtOrIn, isSame, isUnchanged, knownFile, type Known, type State } from "./state.js";

export interface CheckpointInput {
  root: string;
  /** The workspace as the last checkpoint had it. */
  before: State;
  rules: IgnoreRules;
  /** The largest number of files. */
  limit: number;
  /** Where content goes that is new. */
  spool: Spool;
  /** Whether content is held elsewhere, by its hash. */
  isHeld(sha256: string): boolean;
}

export interface Checkpoint {
  now: State;
  entries: WorkspaceEntry[];
  skipped: SkippedFile[];
}

/** Looks at a workspace and says what has changed. Whoever calls it decides whether it counts. */
export function takeCheckpoint(input: CheckpointInput): Checkpoint {
  const { root, before, rules, limit, spool, isHeld } = input;
  const { found, skipped, unreadable } = scan(root, rules, limit);
  const now: State = new Map();
  for (const [path, what] of found) {
    const was = before.get(path);
    if (what.type !== "file") {
      now.set(path, was && isSame(was, what) ? was : what);
      continue;
    }
    if (was?.type === "file" && isUnchanged(was, what.stats)) {
      now.set(path, was);
      continue;
    }
    try {
      const read = spool.read(`${root}/${path}`, ({ sha256 }) => isHeld(sha256));
      // Gone since it was seen: the next look finds what has taken its place.
      if (read) now.set(path, knownFile(read.stats, read, read.readAt));
    } catch (error) {
      if (!isForbidden(error)) throw error;
      unreadable.add(path);
      if (skipped.length < 100) skipped.push({ path, reason: "unreadable" });
    }
  }
  const isLeft = (path: string, was: Known) =>
    isAtOrIn(path, unreadable) || rules.leavesOutAnyOf(path, was.type === "directory");
  return { now, entries: compare(before, now, isLeft), skipped };
}
