import { lstat, mkdir, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * What is in a folder's place. `free`: nothing, or an empty folder. `repository`: one, or a link, which the agent has put
 * there. `taken`: anything else, also on the way there.
 */
export type Place = "free" | "repository" | "taken";

const CODE_GONE = "ENOENT";
const statsOf = (path: string) =>
  lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === CODE_GONE) return undefined;
    throw error;
  });

/** Looks at the place of a repository in a workspace. */
export async function placeOf(workspace: string, path: string): Promise<Place> {
  const parts = path.split("/");
  for (let count = 1; count < parts.length; count += 1) {
    const parent = await statsOf(join(workspace, ...parts.slice(0, count)));
    if (!parent) return "free";
    // Through a link it would be outside of the workspace.
    if (!parent.isDirectory()) return "taken";
  }
  const folder = join(workspace, path);
  const stats = await statsOf(folder);
  if (!stats) return "free";
  if (stats.isSymbolicLink()) return "repository";
  if (!stats.isDirectory()) return "taken";
  const names = await readdir(folder);
  if (names.length === 0) return "free";
  return names.includes(".git") ? "repository" : "taken";
}

/** Moves a whole clone to its place, at once. @throws Error when something is there by now. */
export async function moveTo(workspace: string, path: string, clone: string): Promise<void> {
  const folder = join(workspace, path);
  await mkdir(dirname(folder), { recursive: true });
  await rename(clone, folder);
}
