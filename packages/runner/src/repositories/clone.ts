import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Repository } from "@claude-edge/protocol";

import { error, failureOf } from "./failure.js";
import { runGit, type GitContext } from "./git.js";
import { TreeSizeReader } from "./tree-size.js";

/** The largest repository: what is fetched, and what is checked out, each bytes. */
export const MAX_REPOSITORY_BYTES: number = 2 * 1024 ** 3;

/** How often the size of what is fetched is looked at, milliseconds. */
const LOOK_MS = 500;

/** What a clone may come to. */
export interface CloneLimits {
  bytes: number;
  files: number;
}

/** A commit's whole id: SHA-1 or SHA-256. */
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/i;

/**
 * Clones a repository into a folder that is made anew. Submodules are not fetched, nor the files of Git LFS.
 * @returns The commit that is checked out; undefined for a repository that has none.
 * @throws EdgeError `repository_…`, `disk_full`; the signal's reason when that aborts.
 */
export async function clone(
  repository: Repository,
  folder: string,
  given: Omit<GitContext, "folder">,
  limits: CloneLimits,
): Promise<string | undefined> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const tooLarge = new AbortController();
  const signal = AbortSignal.any([given.signal, tooLarge.signal]);
  const context = { ...given, folder, signal };
  const assertFits = ({ files, bytes }: { files?: number; bytes: number }) => {
    if (bytes <= limits.bytes && (files ?? 0) <= limits.files) return;
    const most = `${limits.files} files and ${Math.round(limits.bytes / 1024 ** 2)} MiB`;
    tooLarge.abort(
      error("repository_too_large", repository, `is too large: ${most} are the most.`),
    );
  };
  const git = async (args: string[], onOutput?: (chunk: Buffer) => void) => {
    const { code, stderr } = await runGit(args, context, onOutput);
    if (code !== 0) throw failureOf(repository, stderr);
  };
  const watch = setInterval(() => {
    void fetchedBytes(folder).then((bytes) => assertFits({ bytes }));
  }, LOOK_MS);
  try {
    const commit = await fetchHistory(repository, git, context);
    if (commit === undefined) return undefined;
    const reader = new TreeSizeReader();
    await git(["ls-tree", "-r", "-l", "-z", "--full-tree", commit], (chunk) =>
      assertFits(reader.read(chunk)),
    );
    signal.throwIfAborted();
    if (isCommit(repository)) await git(["checkout", "--quiet", "--detach", commit, "--"]);
    else await git(["reset", "--quiet", "--hard"]);
    return commit;
  } finally {
    clearInterval(watch);
  }
}

const isCommit = ({ ref = "" }: Repository) => COMMIT.test(ref);

type Git = (args: string[], onOutput?: (chunk: Buffer) => void) => Promise<void>;

/** Fetches without checking out. Gives the commit to check out. */
async function fetchHistory(
  repository: Repository,
  git: Git,
  context: GitContext,
): Promise<string | undefined> {
  const { url, ref, depth } = repository;
  const { href } = new URL(url);
  const shallow = depth === undefined ? [] : [`--depth=${depth}`];
  const fetchCommit = () =>
    git(["fetch", "--quiet", "--no-tags", ...shallow, "origin", ref!.toLowerCase()]);
  if (isCommit(repository) && depth !== undefined) {
    const format = ref!.length === 64 ? ["--object-format=sha256"] : [];
    await git(["init", "--quiet", ...format]);
    await git(["remote", "add", "--", "origin", href]);
    await fetchCommit();
  } else {
    const branch = ref === undefined || isCommit(repository) ? [] : [`--branch=${ref}`];
    await git(["clone", "--quiet", "--no-checkout", ...shallow, ...branch, "--", href, "."]);
    if (isCommit(repository) && (await resolve(ref!, context)) === undefined) await fetchCommit();
  }
  const commit = await resolve(isCommit(repository) ? ref! : "HEAD", context);
  // Only a repository without commits has no HEAD.
  if (commit === undefined && isCommit(repository)) throw failureOf(repository, "not our ref");
  return commit;
}

/** The commit that a name stands for. */
async function resolve(name: string, context: GitContext): Promise<string | undefined> {
  let output = "";
  const args = ["rev-parse", "--verify", "--quiet", `${name}^{commit}`];
  const { code } = await runGit(args, context, (chunk) => (output += chunk.toString()));
  return code === 0 ? output.trim() : undefined;
}

/** What has been fetched so far: packs, those that are being received too. */
async function fetchedBytes(folder: string): Promise<number> {
  const packs = join(folder, ".git/objects/pack");
  const names = await readdir(packs).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(packs, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
