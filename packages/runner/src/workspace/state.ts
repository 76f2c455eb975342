import type { Stats } from "node:fs";

import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

/** A file as it was when its bytes were hashed. */
export interface KnownFile {
  type: "file";
  mode: number;
  size: number;
  sha256: string;
  ino: number;
  mtimeMs: number;
  ctimeMs: number;
  /** When reading it began, milliseconds. */
  hashedAt: number;
}

/** What a path holds, as it was last seen. */
export type Known =
  | KnownFile
  | { type: "directory"; mode: number }
  | { type: "symlink"; target: string };

/** The paths of a workspace. A directory comes before what is in it. */
export type State = Map<string, Known>;

/**
 * A file system's timestamps stand still for up to 10 ms (its clock's tick), so a file can change after it was read and
 * keep the times it had. One whose last change is this far behind its reading cannot, milliseconds.
 */
const RACY_MS = 50;

/** Whether a file's bytes must be those that were hashed. */
export function isUnchanged(known: KnownFile, stats: Stats): boolean {
  return (
    known.size === stats.size &&
    known.ino === stats.ino &&
    known.mtimeMs === stats.mtimeMs &&
    known.ctimeMs === stats.ctimeMs &&
    known.mode === modeOf(stats) &&
    known.ctimeMs < known.hashedAt - RACY_MS
  );
}

export function knownFile(
  { ino, mtimeMs, ctimeMs, mode }: Stats,
  { sha256, size }: { sha256: string; size: number },
  hashedAt: number,
): KnownFile {
  return { type: "file", mode: mode & 0o777, size, sha256, ino, mtimeMs, ctimeMs, hashedAt };
}

export const modeOf = (stats: Stats): number => stats.mode & 0o777;

/** Whether a checkpoint would say the same of both. */
export function isSame(a: Known, b: Known): boolean {
  if (a.type === "file") return b.type === "file" && a.sha256 === b.sha256 && a.mode === b.mode;
  if (a.type === "directory") return b.type === "directory" && a.mode === b.mode;
  return b.type === "symlink" && a.target === b.target;
}

export function entryOf(path: string, known: Known): WorkspaceEntry {
  if (known.type !== "file") return { path, ...known };
  const { type, mode, size, sha256 } = known;
  return { path, type, mode, size, sha256 };
}

/** The directories a path lies in, the outermost first. */
export function* parentsOf(path: string): Generator<string> {
  for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
    yield path.slice(0, end);
  }
}

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** A path lies in one of these, or is one. */
export function isAtOrIn(path: string, places: ReadonlySet<string>): boolean {
  return places.size > 0 && (places.has(path) || isIn(path, places));
}

/** A path lies in one of these. */
export function isIn(path: string, places: ReadonlySet<string>): boolean {
  if (places.size === 0) return false;
  for (const parent of parentsOf(path)) if (places.has(parent)) return true;
  return false;
}
