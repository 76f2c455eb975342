import { mkdirSync, lstatSync, readdirSync, rmSync, writeFileSync } from "node:fs";

import { EdgeError, type SkippedFile } from "@claude-edge/protocol";

import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import type { BlobSink } from "./blob-parser.js";
import { takeCheckpoint } from "./checkpoint.js";
import { failureOf, orUndefined } from "./failure.js";
import { IgnoreRules, type IgnoreOptions } from "./ignore-rules.js";
import { Restore } from "./restore.js";
import { Spool, type Place } from "./spool.js";
import { Staging } from "./staging.js";
import { type State } from "./state.js";
import type { Target } from "./target.js";

export interface WorkspaceFolders {
  root: string;
  /** Where checkpoints lie until they are stored. */
  checkpoints: string;
  /** Where blobs are put before they are placed: in the file system of the root. */
  staging: string;
}

export interface WorkspaceOptions extends IgnoreOptions {
  /** The largest number of files that a checkpoint can have. */
  maxFiles: number;
}

/** What became of a checkpoint; `changed` is false when there is none. */
export interface Taken {
  changed: boolean;
  full: boolean;
  skipped: SkippedFile[];
  /** What has changed, if that is not much. */
  entries?: WorkspaceEntry[];
}

/** Changes that are told along with a checkpoint: asking for them would take as long as most tools do. */
const MAX_TOLD = 100;

const NOTHING: Taken = { changed: false, full: false, skipped: [] };

/** The files of one session: as they were at the last checkpoint, and what of them is not stored yet. */
export class Workspace {
  readonly #folders: WorkspaceFolders;
  readonly #options: WorkspaceOptions;
  readonly #staging: Staging;
  /** Content that is stored, or lies in a checkpoint that is to be. */
  readonly #held = new Set<string>();
  /** Of checkpoints that are not stored yet, by number: where their content lies. */
  readonly #spools = new Map<number, Map<string, Place>>();
  #state: State = new Map();
  #restore: Restore | undefined;
  /** The next checkpoint has all there is: one that was to have it failed. */
  #isFullDue = false;

  constructor(folders: WorkspaceFolders, options: WorkspaceOptions) {
    this.#folders = folders;
    this.#options = options;
    this.#staging = new Staging(folders.staging);
    // What a runner before this one left there is nobody's.
    this.clear();
  }

  get root(): string {
    return this.#folders.root;
  }

  /** No content of it is missing. */
  get isWhole(): boolean {
    return this.#restore?.isWhole ?? true;
  }

  /** Takes a checkpoint, if there is anything new. One that fails changes nothing: the next holds what it would have. */
  checkpoint(number: number, isFull: boolean): Taken {
    const { root, checkpoints } = this.#folders;
    if (!this.isWhole || !orUndefined(() => lstatSync(root))?.isDirectory()) return NOTHING;
    this.#isFullDue ||= isFull;
    const full = this.#isFullDue;
    mkdirSync(checkpoints, { recursive: true, mode: 0o700 });
    const spool = new Spool(`${checkpoints}/${number}.blobs`);
    try {
      const { now, entries, skipped } = takeCheckpoint({
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
      } else this.#deleteFiles((of) => of === number);
      this.#state = now;
      this.#isFullDue = false;
      const told = entries.length <= MAX_TOLD ? { entries } : {};
      return { changed: isNew, full, skipped, ...told };
    } catch (error) {
      spool.drop();
      this.#deleteFiles((of) => of === number);
      throw failureOf(error);
    }
  }

  /**
   * Where blobs lie: in a checkpoint that is not stored yet, or in the workspace itself.
   * @throws EdgeError `file_not_found` when they are nowhere any more.
   */
  locate(number: number, blobs: string[]): Place[] {
    return blobs.map((sha256) => {
      const place = this.#inSpool(sha256) ?? this.#inWorkspace(number, sha256);
      if (place) return place;
      throw new EdgeError("file_not_found", `There is no content ${sha256} here any more.`);
    });
  }

  /** A checkpoint is stored, and all before it. */
  release(number: number): void {
    for (const of of this.#spools.keys()) if (of <= number) this.#spools.delete(of);
    this.#deleteFiles((of) => of <= number);
  }

  /** Brings it to how it is to be. Gives the content that is missing for that. */
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

  /** Takes content that was missing. */
  receive(): BlobSink & { drop(): void } {
    return this.#restore?.receive() ?? IGNORING;
  }

  /** Adds the files that may have one of these contents. */
  addSources(wanted: ReadonlySet<string>, sources: Map<string, string[]>): void {
    for (const [path, known] of this.#state) {
      if (known.type !== "file" || !wanted.has(known.sha256)) continue;
      const others = sources.get(known.sha256);
      if (others) others.push(`${this.root}/${path}`);
      else sources.set(known.sha256, [`${this.root}/${path}`]);
    }
  }

  /** Deletes all it has beside the files themselves. */
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

  /** Takes a copy of a file that has the content, to be sent like the rest of the checkpoint. */
  #inWorkspace(number: number, sha256: string): Place | undefined {
    const sources = new Map<string, string[]>();
    this.addSources(new Set([sha256]), sources);
    for (const path of sources.get(sha256) ?? []) {
      const file = `${this.#folders.checkpoints}/${number}.${sha256}`;
      mkdirSync(this.#folders.checkpoints, { recursive: true, mode: 0o700 });
      const spool = new Spool(file);
      try {
        spool.read(path, (content) => content.sha256 !== sha256);
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

  /** The files of checkpoints are called after their numbers. */
  #deleteFiles(isMeant: (number: number) => boolean): void {
    const { checkpoints } = this.#folders;
    for (const name of orUndefined(() => readdirSync(checkpoints)) ?? []) {
      if (isMeant(Number.parseInt(name, 10))) rmSync(`${checkpoints}/${name}`, { force: true });
    }
  }
}

/** For content that nobody waits for. */
const IGNORING = { begin: () => {}, data: () => {}, end: () => {}, drop: () => {} };
