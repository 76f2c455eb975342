import { isUtf8 } from "node:buffer";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  type Stats,
} from "node:fs";

import { isForbidden, orUndefined } from "./failure.js";
import type { IgnoreRules } from "./ignore-rules.js";
import { modeOf, parentOf, parentsOf } from "./state.js";

/** The permissions needed to write into a directory. */
const OWNER_ALL = 0o700;
const SLASH = Buffer.from("/");
/** The mode of parent directories that have no entry of their own. */
const DEFAULT_MODE = 0o755;

/**
 * Changes the files of a workspace. Links are never followed: each parent directory of a path is checked first.
 */
export class Tree {
  readonly #root: string;
  /** Modes to set on directories at the end: a read-only directory could not be filled. */
  readonly #modes: Map<string, number>;
  /** Paths that were verified to be directories. */
  readonly #verified = new Set<string>();

  constructor(root: string, modes: Map<string, number>) {
    this.#root = root;
    this.#modes = modes;
  }

  absolute(path: string): string {
    return path === "" ? this.#root : `${this.#root}/${path}`;
  }

  /** The stats of a path; undefined if a parent is a link. */
  stat(path: string): Stats | undefined {
    for (const parent of parentsOf(path)) if (!this.#isDirectory(parent)) return undefined;
    return this.#lstatForced(path);
  }

  /** Creates the workspace itself. */
  makeRoot(): void {
    const stats = lstatSync(this.#root, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return;
    if (stats) unlinkSync(this.#root);
    mkdirSync(this.#root, { recursive: true });
  }

  remove(path: string): void {
    const stats = this.stat(path);
    if (!stats) return;
    this.#makeWritable(parentOf(path));
    if (stats.isDirectory()) this.#verified.clear();
    removeAll(Buffer.from(this.absolute(path)), stats.isDirectory());
    for (const directory of this.#modes.keys()) {
      if (directory === path || directory.startsWith(`${path}/`)) this.#modes.delete(directory);
    }
  }

  makeDirectory(path: string, mode: number): void {
    this.#makeParents(path);
    const stats = this.#lstatForced(path);
    if (stats?.isDirectory()) {
      if (modeOf(stats) !== mode || this.#modes.has(path)) this.#modes.set(path, mode);
      return;
    }
    this.#make(path, mode);
  }

  makeLink(path: string, target: string): void {
    const stats = this.stat(path);
    if (stats?.isSymbolicLink() && readlinkSync(this.absolute(path)) === target) return;
    this.#prepareFor(path);
    symlinkSync(target, this.absolute(path));
  }

  /** Moves a file of the same file system to its place. */
  placeFile(path: string, from: string): Stats {
    this.#prepareFor(path, true);
    renameSync(from, this.absolute(path));
    return lstatSync(this.absolute(path));
  }

  setMode(path: string, mode: number): Stats {
    chmodSync(this.absolute(path), mode);
    return lstatSync(this.absolute(path));
  }

  /** Deletes paths that are neither wanted nor left out. Returns whether the directory is now empty. */
  prune(wanted: ReadonlySet<string>, rules: IgnoreRules, directory = ""): boolean {
    const absolute = this.absolute(directory);
    this.#makeWritable(directory);
    rules.enter(directory, `${absolute}/.gitignore`);
    let isEmpty = true;
    // As bytes, to delete names that are not UTF-8 too.
    for (const entry of readdirSync(absolute, { withFileTypes: true, encoding: "buffer" })) {
      const name = String(entry.name);
      const path = directory === "" ? name : `${directory}/${name}`;
      const isDirectory = entry.isDirectory();
      if (!isUtf8(entry.name)) {
        removeAll(Buffer.concat([Buffer.from(absolute), SLASH, entry.name]), isDirectory);
      } else if (rules.leavesOut(path, isDirectory)) isEmpty = false;
      else if (isDirectory) {
        const isCleared = this.prune(wanted, rules, path);
        if (wanted.has(path) || !isCleared) isEmpty = false;
        else this.remove(path);
      } else if (wanted.has(path)) isEmpty = false;
      else unlinkSync(this.absolute(path));
    }
    return isEmpty;
  }

  /** Sets the final modes of directories. */
  finish(): void {
    // Innermost first: a closed directory blocks access to its contents.
    for (const [path, mode] of [...this.#modes].toSorted(([a], [b]) => b.length - a.length)) {
      if (this.stat(path)?.isDirectory()) chmodSync(this.absolute(path), mode);
    }
    this.#modes.clear();
  }

  #lstatForced(path: string): Stats | undefined {
    const look = () => orUndefined(() => lstatSync(this.absolute(path), { throwIfNoEntry: false }));
    try {
      return look();
    } catch (error) {
      if (!isForbidden(error)) throw error;
      for (const parent of parentsOf(path)) this.#makeWritable(parent);
      return look();
    }
  }

  #isDirectory(path: string): boolean {
    if (path === "" || this.#verified.has(path)) return true;
    if (!this.#lstatForced(path)?.isDirectory()) return false;
    this.#verified.add(path);
    return true;
  }

  #makeParents(path: string): void {
    for (const parent of parentsOf(path)) {
      if (!this.#isDirectory(parent)) this.#make(parent, DEFAULT_MODE);
    }
    this.#makeWritable(parentOf(path));
  }

  /** Creates a directory in an existing one, replacing a file. */
  #make(path: string, mode: number): void {
    this.#makeWritable(parentOf(path));
    orUndefined(() => unlinkSync(this.absolute(path)));
    mkdirSync(this.absolute(path), OWNER_ALL);
    this.#modes.set(path, mode);
  }

  /** Makes a directory writable until {@link finish}. */
  #makeWritable(path: string): void {
    if (path === "") return;
    const stats = this.#lstatForced(path);
    if (!stats?.isDirectory() || (modeOf(stats) & OWNER_ALL) === OWNER_ALL) return;
    if (!this.#modes.has(path)) this.#modes.set(path, modeOf(stats));
    chmodSync(this.absolute(path), modeOf(stats) | OWNER_ALL);
  }

  /** Creates a path's parents and removes an existing entry. `isReplacing`: keeps a file that a rename will replace. */
  #prepareFor(path: string, isReplacing = false): void {
    this.#makeParents(path);
    const stats = this.#lstatForced(path);
    if (stats?.isDirectory()) this.remove(path);
    else if (stats && !isReplacing) unlinkSync(this.absolute(path));
  }
}

/** Deletes a file or a directory with its contents, including closed directories and names that are not UTF-8. */
function removeAll(path: Buffer, isDirectory: boolean): void {
  if (!isDirectory) return void orUndefined(() => unlinkSync(path));
  chmodSync(path, OWNER_ALL);
  for (const entry of readdirSync(path, { withFileTypes: true, encoding: "buffer" })) {
    removeAll(Buffer.concat([path, SLASH, entry.name]), entry.isDirectory());
  }
  rmdirSync(path);
}
