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

/** What a directory has that must be written into. */
const OPEN = 0o700;
const SLASH = Buffer.from("/");
/** A directory that nobody has named. */
const UNNAMED_MODE = 0o755;

/**
 * Changes the files of a workspace. No link is ever followed, whatever has put it there: each directory on the way to
 * a path is looked at first.
 */
export class Tree {
  readonly #root: string;
  /** Modes that directories get when all is in place: a read-only one could not be filled. */
  readonly #modes: Map<string, number>;
  /** Directories that were seen to be some. */
  readonly #seen = new Set<string>();

  constructor(root: string, modes: Map<string, number>) {
    this.#root = root;
    this.#modes = modes;
  }

  absolute(path: string): string {
    return path === "" ? this.#root : `${this.#root}/${path}`;
  }

  /** What is at a path; nothing when a link is on the way to it. */
  look(path: string): Stats | undefined {
    for (const parent of parentsOf(path)) if (!this.#isDirectory(parent)) return undefined;
    return this.#lstat(path);
  }

  /** The workspace itself. */
  makeRoot(): void {
    const stats = lstatSync(this.#root, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return;
    if (stats) unlinkSync(this.#root);
    mkdirSync(this.#root, { recursive: true });
  }

  remove(path: string): void {
    const stats = this.look(path);
    if (!stats) return;
    this.#open(parentOf(path));
    if (stats.isDirectory()) this.#seen.clear();
    removeAll(Buffer.from(this.absolute(path)), stats.isDirectory());
    for (const directory of this.#modes.keys()) {
      if (directory === path || directory.startsWith(`${path}/`)) this.#modes.delete(directory);
    }
  }

  makeDirectory(path: string, mode: number): void {
    this.#makeParents(path);
    const stats = this.#lstat(path);
    if (stats?.isDirectory()) {
      if (modeOf(stats) !== mode || this.#modes.has(path)) this.#modes.set(path, mode);
      return;
    }
    this.#make(path, mode);
  }

  makeLink(path: string, target: string): void {
    const stats = this.look(path);
    if (stats?.isSymbolicLink() && readlinkSync(this.absolute(path)) === target) return;
    this.#clearWay(path);
    symlinkSync(target, this.absolute(path));
  }

  /** Puts a file that lies elsewhere in this file system where it belongs. */
  placeFile(path: string, from: string): Stats {
    this.#clearWay(path, true);
    renameSync(from, this.absolute(path));
    return lstatSync(this.absolute(path));
  }

  setMode(path: string, mode: number): Stats {
    chmodSync(this.absolute(path), mode);
    return lstatSync(this.absolute(path));
  }

  /** Deletes what is neither wanted nor left out. Gives whether the directory is empty now. */
  prune(wanted: ReadonlySet<string>, rules: IgnoreRules, directory = ""): boolean {
    const absolute = this.absolute(directory);
    this.#open(directory);
    rules.enter(directory, `${absolute}/.gitignore`);
    let isEmpty = true;
    // As bytes: names that are not UTF-8 go too.
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

  /** Gives directories the modes they are to have. */
  finish(): void {
    // The innermost first: one that is closed lets nobody in.
    for (const [path, mode] of [...this.#modes].toSorted(([a], [b]) => b.length - a.length)) {
      if (this.look(path)?.isDirectory()) chmodSync(this.absolute(path), mode);
    }
    this.#modes.clear();
  }

  #lstat(path: string): Stats | undefined {
    const look = () => orUndefined(() => lstatSync(this.absolute(path), { throwIfNoEntry: false }));
    try {
      return look();
    } catch (error) {
      if (!isForbidden(error)) throw error;
      for (const parent of parentsOf(path)) this.#open(parent);
      return look();
    }
  }

  #isDirectory(path: string): boolean {
    if (path === "" || this.#seen.has(path)) return true;
    if (!this.#lstat(path)?.isDirectory()) return false;
    this.#seen.add(path);
    return true;
  }

  #makeParents(path: string): void {
    for (const parent of parentsOf(path)) {
      if (!this.#isDirectory(parent)) this.#make(parent, UNNAMED_MODE);
    }
    this.#open(parentOf(path));
  }

  /** Makes a directory in one that is there, in place of whatever is there. */
  #make(path: string, mode: number): void {
    this.#open(parentOf(path));
    orUndefined(() => unlinkSync(this.absolute(path)));
    mkdirSync(this.absolute(path), OPEN);
    this.#modes.set(path, mode);
  }

  /** Sees to it that a directory can be written into, until all is in place. */
  #open(path: string): void {
    if (path === "") return;
    const stats = this.#lstat(path);
    if (!stats?.isDirectory() || (modeOf(stats) & OPEN) === OPEN) return;
    if (!this.#modes.has(path)) this.#modes.set(path, modeOf(stats));
    chmodSync(this.absolute(path), modeOf(stats) | OPEN);
  }

  /** Makes a path's directories, and takes away what is there. */
  #clearWay(path: string, isReplacing = false): void {
    this.#makeParents(path);
    const stats = this.#lstat(path);
    if (stats?.isDirectory()) this.remove(path);
    else if (stats && !isReplacing) unlinkSync(this.absolute(path));
  }
}

/** Deletes a file, or a directory with all that is in it: closed ones too, and names that are not UTF-8. */
function removeAll(path: Buffer, isDirectory: boolean): void {
  if (!isDirectory) return void orUndefined(() => unlinkSync(path));
  chmodSync(path, OPEN);
  for (const entry of readdirSync(path, { withFileTypes: true, encoding: "buffer" })) {
    removeAll(Buffer.concat([path, SLASH, entry.name]), entry.isDirectory());
  }
  rmdirSync(path);
}
