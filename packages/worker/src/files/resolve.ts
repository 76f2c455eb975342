import { EdgeError, pathProblem } from "@claude-edge/protocol";

import { type FolderNode, type Node } from "./tree.js";
import type { TreeTable } from "./tree-table.js";
import type { Found } from "./walk.js";

/** Linux's own limit of symlinks in one path lookup. */
const MAX_LINKS = 40;

/** Splits a path into its names. @throws EdgeError `path_invalid`. */
export function namesOf(path: string): string[] {
  const problem = pathProblem(path);
  if (problem)
    throw new EdgeError("path_invalid", `${JSON.stringify(path.slice(0, 200))}: must ${problem}.`);
  return path.split("/");
}

/**
 * Resolves a path, following links that stay inside the workspace.
 * @throws EdgeError `path_invalid`, `file_not_found`, `not_a_file` for a link that leaves the workspace or is circular.
 */
export function resolve(trees: TreeTable, root: string, path: string): Found {
  const remaining = namesOf(path);
  const resolved: string[] = [];
  let node: Node | undefined;
  for (let links = 0; remaining.length > 0;) {
    const name = remaining.shift()!;
    node = trees.at(root, [...resolved, name]);
    if (!node) throw notFound(path);
    if (node.type !== "symlink") {
      if (remaining.length > 0 && node.type !== "directory") throw notFound(path);
      resolved.push(name);
      continue;
    }
    links += 1;
    const target = links > MAX_LINKS ? undefined : linkTarget(resolved, node.target);
    if (!target) {
      const message = `${[...resolved, name].join("/")} is a link to ${node.target}, out of the workspace.`;
      throw new EdgeError("not_a_file", message);
    }
    remaining.unshift(...target);
    resolved.length = 0;
    if (remaining.length === 0)
      throw new EdgeError("not_a_file", `${path} is the workspace itself.`);
  }
  return { path: resolved.join("/"), node: node! };
}

/** Resolves the path of a directory. @throws EdgeError as {@link resolve}, `not_a_directory`. */
export function resolveFolder(
  trees: TreeTable,
  root: string,
  path: string,
): { path: string; tree: string } {
  if (path === "") return { path, tree: root };
  const found = resolve(trees, root, path);
  if (found.node.type === "directory") return { path: found.path, tree: found.node.tree };
  throw new EdgeError("not_a_directory", `${path} is a file.`);
}

/** Asserts that a file can be written at a path. @throws EdgeError `path_invalid`, `not_a_directory`, `not_a_file`. */
export function assertWritablePath(trees: TreeTable, root: string, path: string): void {
  const names = namesOf(path);
  for (let depth = 1; depth < names.length; depth += 1) {
    const node = trees.at(root, names.slice(0, depth));
    if (!node) return;
    if (node.type === "directory") continue;
    const message = `${names.slice(0, depth).join("/")} is a ${node.type}, not a directory.`;
    throw new EdgeError("not_a_directory", message);
  }
  if (isFolder(trees.at(root, names))) {
    throw new EdgeError("not_a_file", `${path} is a directory.`);
  }
}

const isFolder = (node: Node | undefined): node is FolderNode => node?.type === "directory";

export const notFound = (path: string): EdgeError =>
  new EdgeError("file_not_found", `There is no ${path} in the workspace.`);

/** Resolves a link's target to names from the workspace's root; undefined when it leaves the workspace. */
export function linkTarget(folder: readonly string[], target: string): string[] | undefined {
  if (target.startsWith("/")) return undefined;
  const names = [...folder];
  for (const name of target.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return names;
}
