import { EdgeError } from "@claude-edge/protocol";
import type { BlobHead } from "@claude-edge/protocol/runner";

import type { BlobSink } from "./blob-parser.js";
import { isForbidden } from "./failure.js";
import type { IgnoreRules } from "./ignore-rules.js";
import { hashFile } from "./read-hashed.js";
import type { Incoming, Staging } from "./staging.js";
import {
  isAtOrIn,
  isUnchanged,
  knownFile,
  parentsOf,
  type KnownFile,
  type State,
} from "./state.js";
import type { Target, TargetEntry } from "./target.js";
import { Tree } from "./tree.js";

type FileEntry = Extract<TargetEntry, { type: "file" }>;

/** Copies of a blob that are tried before it is asked for. */
const SOURCES = 4;

export interface RestoreContext {
  root: string;
  staging: Staging;
  /** The workspace as it was. */
  before: State;
  /** What is left where it is. */
  rules: IgnoreRules;
  /** Where files with these contents may be. */
  sourcesOf(wanted: ReadonlySet<string>): Map<string, string[]>;
}

/** Brings a workspace to how it is to be: at once what content is there for, the rest as it comes. */
export class Restore {
  /** The workspace as it is now, of what was asked for. */
  readonly state: State;
  readonly #root: string;
  readonly #staging: Staging;
  readonly #modes = new Map<string, number>();
  readonly #missing = new Map<string, FileEntry[]>();
  /** Files that were written here. */
  readonly #placed: KnownFile[] = [];
  #isBegun = false;

  private constructor({ root, staging }: RestoreContext, state: State) {
    this.#root = root;
    this.#staging = staging;
    this.state = state;
  }

  /** One that fails on the way leaves what it has done, and is not whole: it is to be begun again. */
  static prepare(context: RestoreContext, target: Target): Restore {
    return new Restore(context, target.full ? new Map() : context.before);
  }

  /** Nothing is missing. */
  get isWhole(): boolean {
    return this.#isBegun && this.#missing.size === 0;
  }

  get missing(): string[] {
    return [...this.#missing.keys()];
  }

  begin({ before, rules, sourcesOf }: RestoreContext, target: Target): void {
    const tree = new Tree(this.#root, this.#modes);
    tree.makeRoot();
    const files = [...target.entries.values()].filter((entry) => entry.type === "file");
    const inPlace = new Map<string, KnownFile>();
    const wanted = new Map<string, FileEntry[]>();
    for (const file of files) {
      const isKept = !isAtOrIn(file.path, target.deleted);
      const known = isKept ? findInPlace(tree, file, before) : undefined;
      if (known) inPlace.set(file.path, known);
      else {
        const others = wanted.get(file.sha256);
        if (others) others.push(file);
        else wanted.set(file.sha256, [file]);
      }
    }
    // Before anything is deleted: it may be what is wanted elsewhere.
    const isHere = this.#stage(new Set(wanted.keys()), sourcesOf);

    for (const path of target.deleted) tree.remove(path);
    if (target.deleted.size > 0) {
      for (const path of this.state.keys()) {
        if (isAtOrIn(path, target.deleted)) this.state.delete(path);
      }
    }
    if (target.full) tree.prune(withParents(target.entries.keys()), rules);
    for (const entry of target.entries.values()) {
      if (entry.type === "directory") {
        tree.makeDirectory(entry.path, entry.mode);
        this.state.set(entry.path, { type: "directory", mode: entry.mode });
      } else if (entry.type === "symlink") {
        tree.makeLink(entry.path, entry.target);
        this.state.set(entry.path, { type: "symlink", target: entry.target });
      }
    }
    for (const [path, known] of inPlace) this.#keep(tree, path, known, target);
    for (const [sha256, entries] of wanted) {
      if (isHere.has(sha256)) this.#place(tree, sha256, entries);
      else this.#missing.set(sha256, entries);
    }
    this.#isBegun = true;
    this.#finishIfWhole(tree);
  }

  /** Takes blobs as they come. Whatever a stream ends with, `drop` is called last. */
  receive(): BlobSink & { drop(): void } {
    let incoming: Incoming | undefined;
    return {
      begin: (head) => {
        incoming = this.#isWanted(head) ? this.#staging.receive(head) : undefined;
      },
      data: (bytes) => incoming?.write(bytes),
      end: () => {
        const { sha256 } = incoming?.head ?? {};
        const entries = this.#missing.get(sha256 ?? "");
        // Another stream may have brought it meanwhile.
        if (!incoming || !entries) return incoming?.drop();
        incoming.end();
        incoming = undefined;
        const tree = new Tree(this.#root, this.#modes);
        this.#place(tree, sha256!, entries);
        this.#missing.delete(sha256!);
        this.#finishIfWhole(tree);
      },
      drop: () => incoming?.drop(),
    };
  }

  #isWanted({ sha256, size }: BlobHead): boolean {
    const [file] = this.#missing.get(sha256) ?? [];
    if (file && file.size !== size) {
      throw new EdgeError("file_damaged", `${sha256} comes with ${size} bytes, not ${file.size}.`);
    }
    return file !== undefined;
  }

  /** Copies what is in some workspace here already. Gives what could be had. */
  #stage(wanted: Set<string>, sourcesOf: RestoreContext["sourcesOf"]): Set<string> {
    if (wanted.size === 0) return wanted;
    const sources = sourcesOf(wanted);
    const isHad = (sha256: string) =>
      this.#staging.holds(sha256) ||
      (sources.get(sha256) ?? [])
        .slice(0, SOURCES)
        .some((path) => unlessForbidden(() => this.#staging.copy(path, sha256)) ?? false);
    return new Set([...wanted].filter(isHad));
  }

  #place(tree: Tree, sha256: string, entries: FileEntry[]): void {
    for (const [index, { path, mode, size }] of entries.entries()) {
      const isLast = index === entries.length - 1;
      const stats = tree.placeFile(path, this.#staging.file(sha256, mode, isLast));
      const known = knownFile(stats, { sha256, size }, Date.now());
      this.#placed.push(known);
      this.state.set(path, known);
    }
  }

  #keep(tree: Tree, path: string, known: KnownFile, target: Target): void {
    const { mode } = target.entries.get(path) as FileEntry;
    if (known.mode === mode) return void this.state.set(path, known);
    const kept = knownFile(tree.setMode(path, mode), known, Date.now());
    this.#placed.push(kept);
    this.state.set(path, kept);
  }

  #finishIfWhole(tree: Tree): void {
    if (!this.isWhole) return;
    tree.finish();
    this.#staging.clear();
    // No tool has run since they were written: they are as they were. Without this, all would be read once more.
    const now = Date.now();
    for (const file of this.#placed) file.hashedAt = now;
  }
}

/** The file that is to be there is there. */
function findInPlace(tree: Tree, file: FileEntry, before: State): KnownFile | undefined {
  const stats = tree.look(file.path);
  if (!stats?.isFile() || stats.size !== file.size) return undefined;
  const known = before.get(file.path);
  if (known?.type === "file" && isUnchanged(known, stats)) {
    return known.sha256 === file.sha256 ? known : undefined;
  }
  const read = unlessForbidden(() => hashFile(tree.absolute(file.path)));
  if (read?.sha256 !== file.sha256) return undefined;
  return knownFile(read.stats, read, read.readAt);
}

function unlessForbidden<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

function withParents(paths: Iterable<string>): Set<string> {
  const all = new Set<string>();
  for (const path of paths) {
    all.add(path);
    for (const parent of parentsOf(path)) all.add(parent);
  }
  return all;
}
