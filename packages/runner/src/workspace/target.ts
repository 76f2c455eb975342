import { EdgeError, pathProblem } from "@claude-edge/protocol";
import type { WorkspaceEntry, WorkspaceTarget } from "@claude-edge/protocol/runner";

import { isSha256 } from "./blob-parser.js";
import { parentsOf } from "./state.js";

/** What a path is to hold. */
export type TargetEntry = Exclude<WorkspaceEntry, { type: "deleted" }>;

/** How a workspace is to be, with what its entries say one after the other brought to what they come to. */
export interface Target {
  full: boolean;
  /** By path; a directory comes before what is in it. */
  entries: Map<string, TargetEntry>;
  /** To be taken away first, with all that is in it. */
  deleted: Set<string>;
}

/**
 * Reads the body of `PUT …/workspace`.
 * @throws EdgeError `invalid_json`, or `path_invalid` for a path that could lead anywhere else.
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
  const left = [...entries].filter(([path, { at }]) => !isDeletedAfter(path, at));
  // By path, a directory comes before what is in it.
  const sorted = left.toSorted(([a], [b]) => (a < b ? -1 : 1));
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
    // Said below.
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
