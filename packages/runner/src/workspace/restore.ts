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

/** How many local copies of a blob are tried before it is requested. */
const MAX_SOURCES = 4;

export interface RestoreContext {
  root: string;
  staging: Staging;
  /** The previous state. */
  before: State;
  /** Paths that are left untouched. */
  rules: IgnoreRules;
  /** Finds local files that may have these contents. */
  sourcesOf(wanted: ReadonlySet<string>): Map<string, string[]>;
}

/** Restores a workspace to a target: at once where content is available locally, the rest as blobs arrive. */
export class Restore {
  /** The part of the target that has been restored. */
  readonly state: State;
  readonly #root: string;
  readonly #staging: Staging;
  readonly #modes = new Map<string, number>();
  readonly #missing = new Map<string, FileEntry[]>();
  /** Files that this restore has written. */
  readonly #placed: KnownFile[] = [];
  #hasStarted = false;

  private constructor({ root, staging }: RestoreContext, state: State) {
    this.#root = root;
    this.#staging = staging;
    this.state = state;
  }

  /** A restore that fails halfway stays incomplete and must be started again. */
  static prepare(context: RestoreContext, target: Target): Restore {
    return new Restore(context, target.full ? new Map() : context.before);
  }

  get isComplete(): boolean {
    return this.#hasStarted && this.#missing.size === 0;
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
      const existing = isKept ? findInPlace(tree, file, before) : undefined;
      if (existing) inPlace.set(file.path, existing);
      else {
        const others = wanted.get(file.sha256);
        if (others) others.push(file);
        else wanted.set(file.sha256, [file]);
      }
    }
    // Before any deletion: a deleted file may be the source of another.
    const staged = this.#stage(new Set(wanted.keys()), sourcesOf);

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
    for (const [path, existing] of inPlace) this.#keep(tree, path, existing, target);
    for (const [sha256, entries] of wanted) {
      if (staged.has(sha256)) this.#place(tree, sha256, entries);
      else this.#missing.set(sha256, entries);
    }
    this.#hasStarted = true;
    this.#finishIfComplete(tree);
  }

  /** Receives blobs. `drop` is always called last. */
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
        if (!incoming) return;
        // Another stream may have delivered the blob meanwhile.
        if (entries) incoming.end();
        else incoming.drop();
        incoming = undefined;
        if (!entries) return;
        const tree = new Tree(this.#root, this.#modes);
        this.#place(tree, sha256!, entries);
        this.#missing.delete(sha256!);
        this.#finishIfComplete(tree);
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

  /** Stages blobs from local workspaces. Returns the hashes that are staged. */
  #stage(wanted: Set<string>, sourcesOf: RestoreContext["sourcesOf"]): Set<string> {
    if (wanted.size === 0) return wanted;
    const sources = sourcesOf(wanted);
    const stageLocally = (sha256: string) =>
      this.#staging.holds(sha256) ||
      (sources.get(sha256) ?? [])
        .slice(0, MAX_SOURCES)
        .some((path) => unlessForbidden(() => this.#staging.copy(path, sha256)) ?? false);
    return new Set([...wanted].filter(stageLocally));
  }

  #place(tree: Tree, sha256: string, entries: FileEntry[]): void {
    for (const [index, { path, mode, size }] of entries.entries()) {
      const isLast = index === entries.length - 1;
      const stats = tree.placeFile(path, this.#staging.file(sha256, mode, isLast));
      const placed = knownFile(stats, { sha256, size }, Date.now());
      this.#placed.push(placed);
      this.state.set(path, placed);
    }
  }

  #keep(tree: Tree, path: string, existing: KnownFile, target: Target): void {
    const { mode } = target.entries.get(path) as FileEntry;
    if (existing.mode === mode) return void this.state.set(path, existing);
    const kept = knownFile(tree.setMode(path, mode), existing, Date.now());
    this.#placed.push(kept);
    this.state.set(path, kept);
  }

  #finishIfComplete(tree: Tree): void {
    if (!this.isComplete) return;
    tree.finish();
    this.#staging.clear();
    // No tool has run since the files were written, so their hashes are current. This saves reading them all again.
    const now = Date.now();
    for (const file of this.#placed) file.hashedAt = now;
  }
}

/** Returns the file at a path if it has the wanted content already. */
function findInPlace(tree: Tree, file: FileEntry, before: State): KnownFile | undefined {
  const stats = tree.stat(file.path);
  if (!stats?.isFile() || stats.size !== file.size) return undefined;
  const existing = before.get(file.path);
  if (existing?.type === "file" && isUnchanged(existing, stats)) {
    return existing.sha256 === file.sha256 ? existing : undefined;
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
