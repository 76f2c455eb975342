import type { SkippedFile } from "@claude-edge/protocol";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import { compare } from "./compare.js";
import { isForbidden } from "./failure.js";
import type { IgnoreRules } from "./ignore-rules.js";
import { scan } from "./scan.js";
import type { Paced } from "./read-hashed.js";
import type { Spool } from "./spool.js";
import { isAtOrIn, isSame, isUnchanged, knownFile, type Known, type State } from "./state.js";

export interface CheckpointInput {
  root: string;
  /** The state of the last checkpoint. */
  before: State;
  rules: IgnoreRules;
  /** The maximum number of files. */
  limit: number;
  /** Receives new content. */
  spool: Spool;
  /** Whether content is held already, by its hash. */
  isHeld(sha256: string): boolean;
}

export interface Checkpoint {
  now: State;
  entries: WorkspaceEntry[];
  skipped: SkippedFile[];
}

/** Files that are read without a pause: they are small mostly. */
const PAUSE_FILES = 200;

/** Scans a workspace and returns its changes. The caller decides whether to keep the new state. */
export function* takeCheckpoint(input: CheckpointInput): Paced<Checkpoint> {
  const { root, before, rules, limit, spool, isHeld } = input;
  const { found, skipped, unreadable } = scan(root, rules, limit);
  const now: State = new Map();
  let readFiles = 0;
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
      const read = yield* spool.read(`${root}/${path}`, ({ sha256 }) => isHeld(sha256));
      readFiles += 1;
      if (readFiles % PAUSE_FILES === 0) yield;
      // Undefined if the file has disappeared since the scan; the next checkpoint will see that.
      if (read) now.set(path, knownFile(read.stats, read, read.readAt));
    } catch (error) {
      if (!isForbidden(error)) throw error;
      unreadable.add(path);
      if (skipped.length < 100) skipped.push({ path, reason: "unreadable" });
    }
  }
  const isKept = (path: string, was: Known) =>
    isAtOrIn(path, unreadable) || rules.leavesOutAnyOf(path, was.type === "directory");
  return { now, entries: compare(before, now, isKept), skipped };
}
