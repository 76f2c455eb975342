import { EdgeError, pathProblem } from "@claude-edge/protocol";

import { type FolderNode, type Node } from "./tree.js";
import type { TreeTable } from "./tree-table.js";
import type { Found } from "./walk.js";

/** As many links as Linux follows on the way to a file. */
const MAX_LINKS = 40;

/** The names of a path. @throws EdgeError `path_invalid`. */
export function namesOf(path: string): string[] {
  const problem = pathProblem(path);
  if (problem)
    throw new EdgeError("path_invalid", `${JSON.stringify(path.slice(0, 200))}: must ${problem}.`);
  return path.split("/");
}

/**
 * What a path leads to, links followed as far as they stay inside.
 * @throws EdgeError `path_invalid`, `file_not_found`, `not_a_file` for a link that leads out or in a circle.
 */
export function resolve(trees: TreeTable, root: string, path: string): Found {
  const todo = namesOf(path);
  const done: string[] = [];
  let node: Node | undefined;
  for (let links = 0; todo.length > 0;) {
    const name = todo.shift()!;
    node = trees.at(root, [...done, name]);
    if (!node) throw notFound(path);
    if (node.type !== "symlink") {
      if (todo.length > 0 && node.type !== "directory") throw notFound(path);
      done.push(name);
      continue;
    }
    links += 1;
    const target = links > MAX_LINKS ? undefined : targetOf(done, node.target);
    if (!target) {
      const message = `${[...done, name].join("/")} is a link to ${node.target}, out of the workspace.`;
      throw new EdgeError("not_a_file", message);
    }
    todo.unshift(...target);
    done.length = 0;
    // A link to the workspace itself.
    if (todo.length === 0) throw new EdgeError("not_a_file", `${path} is the workspace itself.`);
  }
  return { path: done.join("/"), node: node! };
}

/** A directory. @throws EdgeError as {@link resolve}, `not_a_directory`. */
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

/** Sees to it that a file can be put at a path. @throws EdgeError `path_invalid`, `not_a_directory`, `not_a_file`. */
export function assertPlace(trees: TreeTable, root: string, path: string): void {
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

/** Where a link in a directory leads, as names from the workspace; undefined when that is out of it. */
export function targetOf(folder: readonly string[], target: string): string[] | undefined {
  if (target.startsWith("/")) return undefined;
  const names = [...folder];
  for (const name of target.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return names;
}
