import { lstatSync, readFileSync } from "node:fs";

import { IGNORED_DIRECTORIES } from "@claude-edge/protocol";
import ignore, { type Ignore } from "ignore";

import { isGone, isForbidden } from "./failure.js";
import { parentsOf } from "./state.js";

/** Which paths checkpoints leave out. */
export interface IgnoreOptions {
  ignore: string[];
  gitignore: boolean;
}

const IGNORED: ReadonlySet<string> = new Set(IGNORED_DIRECTORIES);

/** What git keeps of a repository. */
const IN_REPOSITORY = /(^|\/)\.git(\/|$)/;

/** A larger .gitignore is ignored, bytes. */
const MAX_GITIGNORE_BYTES = 1024 * 1024;

/** Decides which paths are left out of checkpoints. Create one per scan: it caches results and .gitignore files. */
export class IgnoreRules {
  readonly #patterns: Ignore | undefined;
  readonly #useGitignore: boolean;
  /** Rules by directory. */
  readonly #gitignores = new Map<string, Ignore>();

  constructor({ ignore: patterns, gitignore }: IgnoreOptions) {
    this.#patterns = patterns.length > 0 ? rulesOf(patterns) : undefined;
    this.#useGitignore = gitignore;
  }

  /** Reads a directory's .gitignore. Call it before {@link leavesOut} for the directory's contents. */
  enter(directory: string, file: string): void {
    if (!this.#useGitignore) return;
    try {
      // Like git, does not follow a .gitignore that is a link.
      const stats = lstatSync(file);
      if (!stats.isFile() || stats.size > MAX_GITIGNORE_BYTES) return;
      this.#gitignores.set(directory, rulesOf(readFileSync(file, "utf8")));
    } catch (error) {
      if (!isGone(error) && !isForbidden(error)) throw error;
    }
  }

  /** Whether a path is left out, given that its parent directories are not. */
  leavesOut(path: string, isDirectory: boolean): boolean {
    const name = isDirectory ? `${path}/` : path;
    const verdict = this.#patterns?.test(name);
    if (verdict?.ignored) return true;
    if (verdict?.unignored) return false;
    // Folders in there have the names of branches, and git itself has no .gitignore for them.
    if (IN_REPOSITORY.test(path)) return false;
    if (isDirectory && IGNORED.has(path.slice(path.lastIndexOf("/") + 1))) return true;
    return this.#gitignores.size > 0 && this.#isGitignored(path, name);
  }

  /** Whether a path or one of its parent directories is left out. */
  leavesOutAnyOf(path: string, isDirectory: boolean): boolean {
    for (const parent of parentsOf(path)) if (this.leavesOut(parent, true)) return true;
    return this.leavesOut(path, isDirectory);
  }

  /** The innermost .gitignore with a matching rule decides. */
  #isGitignored(path: string, name: string): boolean {
    for (const directory of [...parentsOf(path)].toReversed().concat("")) {
      const rules = this.#gitignores.get(directory);
      const verdict = rules?.test(directory === "" ? name : name.slice(directory.length + 1));
      if (verdict?.ignored) return true;
      if (verdict?.unignored) return false;
    }
    return false;
  }
}

/** Case-sensitive, like git on a case-sensitive file system. */
const rulesOf = (patterns: string | string[]): Ignore =>
  ignore({ ignoreCase: false }).add(patterns);
