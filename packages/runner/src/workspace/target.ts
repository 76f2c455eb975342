import { EdgeError, pathProblem } from "@claude-edge/protocol";
import type { WorkspaceEntry, WorkspaceTarget } from "@claude-edge/protocol/runner";

import { isSha256 } from "./blob-parser.js";
import { parentsOf } from "./state.js";

/** The desired entry of a path. */
export type TargetEntry = Exclude<WorkspaceEntry, { type: "deleted" }>;

/** The desired state of a workspace, its entries folded in order. */
export interface Target {
  full: boolean;
  /** By path; a directory comes before its contents. */
  entries: Map<string, TargetEntry>;
  /** Paths to delete first, with their contents. */
  deleted: Set<string>;
}

/**
 * Parses the body of `PUT …/workspace`.
 * @throws EdgeError `invalid_json`, or `path_invalid` for a path that could leave the workspace.
 */
export function readTarget(text: string): Target {
  const [head, ...lines] = text.split("\n").filter((line) => line !== "");
  const { full = false } = parse<WorkspaceTarget>(head ?? "");
  const entries = new Map<string, { entry: TargetEntry; at: number }>();
  const deletedAt = new Map<string, number>();
  for (const [at, line] of lines.entries()) {
    const entry = parse<WorkspaceEntry>(line);
    check(entry);
    if (entry.type === "deleted") deletedAt.set(entry.path, at);
    else entries.set(entry.path, { entry, at });
  }
  const isDeletedAfter = (path: string, at: number) => {
    if (deletedAt.size === 0) return false;
    if ((deletedAt.get(path) ?? -1) > at) return true;
    for (const parent of parentsOf(path)) if ((deletedAt.get(parent) ?? -1) > at) return true;
    return false;
  };
  const remaining = [...entries].filter(([path, { at }]) => !isDeletedAfter(path, at));
  // Sorted by path, a directory comes before its contents.
  const sorted = remaining.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    full,
    entries: new Map(sorted.map(([path, { entry }]) => [path, entry])),
    deleted: new Set(deletedAt.keys()),
  };
}

function parse<T>(line: string): T {
  try {
    const value = JSON.parse(line) as T | null;
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Reported below.
  }
  throw new EdgeError("invalid_json", `Not a line of a workspace: ${line.slice(0, 100)}`);
}

function check(entry: WorkspaceEntry): void {
  const problem = typeof entry.path === "string" ? pathProblem(entry.path) : "be a string";
  if (problem !== undefined) {
    throw new EdgeError("path_invalid", `A path must ${problem}: ${String(entry.path)}`);
  }
  if (!isEntry(entry)) {
    throw new EdgeError("invalid_json", `Not an entry of a workspace: ${JSON.stringify(entry)}`);
  }
}

function isEntry(entry: WorkspaceEntry): boolean {
  switch (entry.type) {
    case "file":
      return isMode(entry.mode) && Number.isSafeInteger(entry.size) && isSha256(entry.sha256);
    case "directory":
      return isMode(entry.mode);
    case "symlink":
      return typeof entry.target === "string" && !/^$|\0/.test(entry.target);
    default:
      return entry.type === "deleted";
  }
}

const isMode = (mode: number) => Number.isInteger(mode) && mode >= 0 && mode <= 0o777;
