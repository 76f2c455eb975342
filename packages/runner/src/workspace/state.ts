import type { Stats } from "node:fs";

import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

/** A file's stats and hash at the time of hashing. */
export interface KnownFile {
  type: "file";
  mode: number;
  size: number;
  sha256: string;
  ino: number;
  mtimeMs: number;
  ctimeMs: number;
  /** When reading started, milliseconds. */
  hashedAt: number;
}

/** The last known entry of a path. */
export type Known =
  | KnownFile
  | { type: "directory"; mode: number }
  | { type: "symlink"; target: string };

/** The entries of a workspace by path. A directory comes before its contents. */
export type State = Map<string, Known>;

/**
 * File timestamps have a granularity of up to 10 ms (a clock tick), so a file can change after it was read and keep its
 * times. A file whose last change was this long before the read cannot, milliseconds.
 */
const RACY_MS = 50;

/** Whether a file certainly has the content that was hashed. */
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

/** Whether two entries are equal in a checkpoint. */
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

/** The parent directories of a path, outermost first. */
export function* parentsOf(path: string): Generator<string> {
  for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
    yield path.slice(0, end);
  }
}

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** Whether a path is one of these, or inside one. */
export function isAtOrIn(path: string, places: ReadonlySet<string>): boolean {
  return places.size > 0 && (places.has(path) || isIn(path, places));
}

/** Whether a path is inside one of these. */
export function isIn(path: string, places: ReadonlySet<string>): boolean {
  if (places.size === 0) return false;
  for (const parent of parentsOf(path)) if (places.has(parent)) return true;
  return false;
}
