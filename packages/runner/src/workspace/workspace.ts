import { mkdirSync, lstatSync, readdirSync, rmSync, writeFileSync } from "node:fs";

import { EdgeError, type SkippedFile } from "@claude-edge/protocol";

import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import type { BlobSink } from "./blob-parser.js";
import { takeCheckpoint } from "./checkpoint.js";
import { failureOf, orUndefined } from "./failure.js";
import { IgnoreRules, type IgnoreOptions } from "./ignore-rules.js";
import { atOnce, type Paced } from "./read-hashed.js";
import { Restore } from "./restore.js";
import { Spool, type Place } from "./spool.js";
import { Staging } from "./staging.js";
import { type State } from "./state.js";
import type { Target } from "./target.js";

export interface WorkspaceFolders {
  root: string;
  /** The folder of checkpoints that are not stored yet. */
  checkpoints: string;
  /** The folder of blobs before they are placed, in the file system of the root. */
  staging: string;
}

export interface WorkspaceOptions extends IgnoreOptions {
  /** The maximum number of files in a checkpoint. */
  maxFiles: number;
}

/** The result of a checkpoint; `changed` is false when nothing changed. */
export interface Taken {
  changed: boolean;
  full: boolean;
  skipped: SkippedFile[];
  /** The changes, if there are few. */
  entries?: WorkspaceEntry[];
}

/** Up to this many changes are included in the result: fetching them would take as long as most tools do. */
const MAX_INLINE_ENTRIES = 100;

const NOTHING: Taken = { changed: false, full: false, skipped: [] };

/** The files of one session: the state of the last checkpoint, and content that is not stored yet. */
export class Workspace {
  readonly #folders: WorkspaceFolders;
  readonly #options: WorkspaceOptions;
  readonly #staging: Staging;
  /** Hashes of content that is stored, or is in a checkpoint that will be. */
  readonly #held = new Set<string>();
  /** The location of content of checkpoints that are not stored yet, by checkpoint number. */
  readonly #spools = new Map<number, Map<string, Place>>();
  #state: State = new Map();
  #restore: Restore | undefined;
  /** The next checkpoint must be full: an earlier full one failed. */
  #isFullDue = false;

  constructor(folders: WorkspaceFolders, options: WorkspaceOptions) {
    this.#folders = folders;
    this.#options = options;
    this.#staging = new Staging(folders.staging);
    // Removes leftovers of a previous runner.
    this.clear();
  }

  get root(): string {
    return this.#folders.root;
  }

  /** Whether no content is missing. */
  get isComplete(): boolean {
    return this.#restore?.isComplete ?? true;
  }

  /**
   * Takes a checkpoint if anything has changed. A failure changes no state: the next checkpoint covers the same changes.
   * In its pauses no other method may be called.
   */
  *checkpoint(number: number, isFull: boolean): Paced<Taken> {
    const { root, checkpoints } = this.#folders;
    if (!this.isComplete || !orUndefined(() => lstatSync(root))?.isDirectory()) return NOTHING;
    this.#isFullDue ||= isFull;
    const full = this.#isFullDue;
    mkdirSync(checkpoints, { recursive: true, mode: 0o700 });
    const spool = new Spool(`${checkpoints}/${number}.blobs`);
    try {
      const { now, entries, skipped } = yield* takeCheckpoint({
        root,
        before: full ? new Map() : this.#state,
        rules: new IgnoreRules(this.#options),
        limit: this.#options.maxFiles,
        spool,
        isHeld: (sha256) => !full && this.#held.has(sha256),
      });
      spool.close();
      const isNew = full || entries.length > 0;
      if (isNew) {
        const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`);
        writeFileSync(`${checkpoints}/${number}.ndjson`, lines.join(""), { mode: 0o600 });
        if (full) this.#held.clear();
        for (const sha256 of spool.places.keys()) this.#held.add(sha256);
        this.#spools.set(number, spool.places);
      } else this.#deleteFiles((other) => other === number);
      this.#state = now;
      this.#isFullDue = false;
      const inline = entries.length <= MAX_INLINE_ENTRIES ? { entries } : {};
      return { changed: isNew, full, skipped, ...inline };
    } catch (error) {
      spool.drop();
      this.#deleteFiles((other) => other === number);
      throw failureOf(error);
    }
  }

  /**
   * Locates blobs in a checkpoint that is not stored yet, or in the workspace itself.
   * @throws EdgeError `file_not_found` when a blob no longer exists.
   */
  locate(number: number, blobs: string[]): Place[] {
    return blobs.map((sha256) => {
      const place = this.#inSpool(sha256) ?? this.#inWorkspace(number, sha256);
      if (place) return place;
      throw new EdgeError("file_not_found", `There is no content ${sha256} here any more.`);
    });
  }

  /** Deletes the content of stored checkpoints, up to a number. */
  release(number: number): void {
    for (const other of this.#spools.keys()) if (other <= number) this.#spools.delete(other);
    this.#deleteFiles((other) => other <= number);
  }

  /** Starts to restore a target. Returns the hashes of missing content. */
  restore(target: Target, sourcesOf: (wanted: ReadonlySet<string>) => Map<string, string[]>) {
    const context = {
      root: this.root,
      staging: this.#staging,
      before: this.#state,
      rules: new IgnoreRules(this.#options),
      sourcesOf,
    };
    const restore = Restore.prepare(context, target);
    this.#restore = restore;
    try {
      restore.begin(context, target);
    } finally {
      this.#state = restore.state;
    }
    for (const entry of target.entries.values()) {
      if (entry.type === "file") this.#held.add(entry.sha256);
    }
    return restore.missing;
  }

  get missing(): string[] {
    return this.#restore?.missing ?? [];
  }

  /** Receives missing content. */
  receive(): BlobSink & { drop(): void } {
    return this.#restore?.receive() ?? DISCARD_SINK;
  }

  /** Adds the files that may have these contents. */
  addSources(wanted: ReadonlySet<string>, sources: Map<string, string[]>): void {
    for (const [path, known] of this.#state) {
      if (known.type !== "file" || !wanted.has(known.sha256)) continue;
      const others = sources.get(known.sha256);
      if (others) others.push(`${this.root}/${path}`);
      else sources.set(known.sha256, [`${this.root}/${path}`]);
    }
  }

  /** Deletes everything but the files themselves. */
  clear(): void {
    rmSync(this.#folders.checkpoints, { recursive: true, force: true });
    this.#staging.clear();
  }

  #inSpool(sha256: string): Place | undefined {
    for (const places of this.#spools.values()) {
      const place = places.get(sha256);
      if (place) return place;
    }
    return undefined;
  }

  /** Copies a file with the content, to send it like the rest of the checkpoint. */
  #inWorkspace(number: number, sha256: string): Place | undefined {
    const sources = new Map<string, string[]>();
    this.addSources(new Set([sha256]), sources);
    for (const path of sources.get(sha256) ?? []) {
      const file = `${this.#folders.checkpoints}/${number}.${sha256}`;
      mkdirSync(this.#folders.checkpoints, { recursive: true, mode: 0o700 });
      const spool = new Spool(file);
      try {
        atOnce(spool.read(path, (content) => content.sha256 !== sha256));
      } finally {
        spool.close();
      }
      const place = spool.places.get(sha256);
      if (!place) continue;
      this.#spools.set(number, (this.#spools.get(number) ?? new Map()).set(sha256, place));
      return place;
    }
    return undefined;
  }

  /** Deletes the files of checkpoints, whose names start with the number. */
  #deleteFiles(matches: (number: number) => boolean): void {
    const { checkpoints } = this.#folders;
    for (const name of orUndefined(() => readdirSync(checkpoints)) ?? []) {
      if (matches(Number.parseInt(name, 10))) rmSync(`${checkpoints}/${name}`, { force: true });
    }
  }
}

/** Discards blobs when no restore is in progress. */
const DISCARD_SINK = { begin: () => {}, data: () => {}, end: () => {}, drop: () => {} };
