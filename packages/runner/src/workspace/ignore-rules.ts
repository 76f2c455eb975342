import { lstatSync, readFileSync } from "node:fs";

import { IGNORED_DIRECTORIES } from "@claude-edge/protocol";
import ignore, { type Ignore } from "ignore";

import { isGone, isForbidden } from "./failure.js";
import { parentsOf } from "./state.js";

/** What an agent leaves out of its workspaces' checkpoints. */
export interface IgnoreOptions {
  ignore: string[];
  gitignore: boolean;
}

const IGNORED: ReadonlySet<string> = new Set(IGNORED_DIRECTORIES);

/** A .gitignore that is larger is none, bytes. */
const MAX_GITIGNORE_BYTES = 1024 * 1024;

/** What is never in a checkpoint. Made anew for each look at a workspace: it keeps its answers, and the files it read. */
export class IgnoreRules {
  readonly #patterns: Ignore | undefined;
  readonly #useGitignore: boolean;
  /** By the directory they are in. */
  readonly #gitignores = new Map<string, Ignore>();

  constructor({ ignore: patterns, gitignore }: IgnoreOptions) {
    this.#patterns = patterns.length > 0 ? rulesOf(patterns) : undefined;
    this.#useGitignore = gitignore;
  }

  /** Takes in a directory's .gitignore, before it is asked about what is in the directory. */
  enter(directory: string, file: string): void {
    if (!this.#useGitignore) return;
    try {
      // One that is a link is not followed, as git does not.
      const stats = lstatSync(file);
      if (!stats.isFile() || stats.size > MAX_GITIGNORE_BYTES) return;
      this.#gitignores.set(directory, rulesOf(readFileSync(file, "utf8")));
    } catch (error) {
      if (!isGone(error) && !isForbidden(error)) throw error;
    }
  }

  /** Whether a path is left out, given that the directories it lies in are not. */
  leavesOut(path: string, isDirectory: boolean): boolean {
    const name = isDirectory ? `${path}/` : path;
    const said = this.#patterns?.test(name);
    if (said?.ignored) return true;
    if (said?.unignored) return false;
    if (isDirectory && IGNORED.has(path.slice(path.lastIndexOf("/") + 1))) return true;
    return this.#gitignores.size > 0 && this.#isGitignored(path, name);
  }

  /** Whether a path is left out, or lies in a directory that is. */
  leavesOutAnyOf(path: string, isDirectory: boolean): boolean {
    for (const parent of parentsOf(path)) if (this.leavesOut(parent, true)) return true;
    return this.leavesOut(path, isDirectory);
  }

  /** The innermost file that has something to say decides. */
  #isGitignored(path: string, name: string): boolean {
    for (const directory of [...parentsOf(path)].toReversed().concat("")) {
      const rules = this.#gitignores.get(directory);
      const said = rules?.test(directory === "" ? name : name.slice(directory.length + 1));
      if (said?.ignored) return true;
      if (said?.unignored) return false;
    }
    return false;
  }
}

/** As git reads them where names that differ in case are different names. */
const rulesOf = (patterns: string | string[]): Ignore =>
  ignore({ ignoreCase: false }).add(patterns);
