import { all, one } from "../sql/rows.js";
import { cut } from "../sql/parts.js";
import { decodeTree, EMPTY, encodeTree, hashOf, type Node, type Tree } from "./tree.js";

const NOTHING: Tree = new Map();

/**
 * A row's key begins with the first 44 bits of its tree's hash: an index by hash would write another row, and a table
 * WITHOUT ROWID takes twice the space. The parts of a large tree share a bucket with those of another whose hash begins
 * alike: two of 250 000 trees do, once in 500 sessions.
 */
const HASH_DIGITS = 11;
const BUCKET_ROWS = 512;

/** The trees of all states of a session's workspace, deduplicated by hash. */
export class TreeTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** @throws Error for an unknown hash: every state has all its trees stored. */
  get(hash: string): Tree {
    if (hash === EMPTY) return NOTHING;
    const parts = all<{ data: string }>(
      this.#sql,
      "SELECT data FROM trees WHERE id >= ? AND id < ? AND hash = ? ORDER BY id",
      ...bucketOf(hash),
      hash,
    );
    if (parts.length === 0) throw new Error(`the tree ${hash} is missing`);
    return decodeTree(parts.map(({ data }) => data).join(""));
  }

  /** Stores a tree and returns its hash. */
  put(tree: Tree): string {
    const text = encodeTree(tree);
    const hash = hashOf(text);
    if (this.#has(hash)) return hash;
    const [first, end] = bucketOf(hash);
    const query = "SELECT max(id) AS last FROM trees WHERE id >= ? AND id < ?";
    const { last } = one<{ last: number | null }>(this.#sql, query, first, end);
    for (const [part, data] of cut(text).entries()) {
      const id = (last ?? first - 1) + 1 + part;
      if (id >= end) throw new Error(`the tree ${hash} is too large`);
      this.#sql.exec("INSERT INTO trees (id, hash, data) VALUES (?, ?, ?)", id, hash, data);
    }
    return hash;
  }

  /** Finds the node at a path, given as names. The root itself has no node. */
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

  /** Rows in the order of their ids: the next ones after one. */
  rowsAfter(id: number, limit: number): { id: number; hash: string }[] {
    return all(this.#sql, "SELECT id, hash FROM trees WHERE id > ? ORDER BY id LIMIT ?", id, limit);
  }

  /** Removes a row. Those of one tree follow each other. */
  removeRow(id: number): void {
    this.#sql.exec("DELETE FROM trees WHERE id = ?", id);
  }

  get count(): number {
    return one<{ count: number }>(this.#sql, "SELECT count(*) AS count FROM trees").count;
  }

  #has(hash: string): boolean {
    const query = "SELECT 1 FROM trees WHERE id >= ? AND id < ? AND hash = ? LIMIT 1";
    return all(this.#sql, query, ...bucketOf(hash), hash).length > 0;
  }
}

/** The keys that a tree's rows may have: from the first up to, but without, the last. */
function bucketOf(hash: string): [first: number, end: number] {
  const first = Number.parseInt(hash.slice(0, HASH_DIGITS), 16) * BUCKET_ROWS;
  return [first, first + BUCKET_ROWS];
}
