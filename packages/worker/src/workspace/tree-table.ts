import { all } from "../account/rows.js";
import { cut } from "../account/parts.js";
import { decodeTree, EMPTY, encodeTree, hashOf, type Node, type Tree } from "./tree.js";

const NOTHING: Tree = new Map();

/** The trees of all states of an account's workspaces, each stored once. */
export class TreeTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** @throws Error for a hash that is not there: a state holds all its trees. */
  get(hash: string): Tree {
    if (hash === EMPTY) return NOTHING;
    const parts = all<{ data: string }>(
      this.#sql,
      "SELECT data FROM trees WHERE hash = ? ORDER BY part",
      hash,
    );
    if (parts.length === 0) throw new Error(`the tree ${hash} is missing`);
    return decodeTree(parts.map(({ data }) => data).join(""));
  }

  /** Stores a tree; gives its hash. */
  put(tree: Tree): string {
    const text = encodeTree(tree);
    const hash = hashOf(text);
    if (this.#has(hash)) return hash;
    for (const [part, data] of cut(text).entries()) {
      this.#sql.exec("INSERT INTO trees (hash, part, data) VALUES (?, ?, ?)", hash, part, data);
    }
    return hash;
  }

  /** What is at a path, as a chain of names; undefined where nothing is. The root itself has no node. */
  at(root: string, names: readonly string[]): Node | undefined {
    let node: Node | undefined;
    let tree = this.get(root);
    for (const [depth, name] of names.entries()) {
      node = tree.get(name);
      if (depth === names.length - 1) return node;
      if (node?.type !== "directory") return undefined;
      tree = this.get(node.tree);
    }
    return node;
  }

  /** Deletes all others. */
  keep(live: Set<string>): void {
    for (const { hash } of all<{ hash: string }>(this.#sql, "SELECT DISTINCT hash FROM trees")) {
      if (!live.has(hash)) this.#sql.exec("DELETE FROM trees WHERE hash = ?", hash);
    }
  }

  #has(hash: string): boolean {
    return all(this.#sql, "SELECT 1 FROM trees WHERE hash = ? AND part = 0", hash).length > 0;
  }
}
