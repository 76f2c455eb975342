import type { Pack } from "./blob-index.js";
import type { Blobs } from "./blobs.js";
import type { CheckpointTable } from "./checkpoint-table.js";
import { LiveSet } from "./live-set.js";
import { EMPTY } from "./tree.js";
import type { TreeTable } from "./tree-table.js";

/** A step visits so many trees, or looks at so many of their rows, or packs: about 10 ms without anything in between. */
const STEP_TREES = 200;
const STEP_ROWS = 1_000;
const STEP_PACKS = 200;

/** The most packs that are rewritten in one collection. */
const MAX_SPARSE = 64;

/** What a collection reads, and what must stay besides the checkpoints. */
export interface Kept {
  trees: TreeTable;
  blobs: Blobs;
  checkpoints: CheckpointTable;
  /** Roots of other states. */
  roots(): string[];
  /** Hashes of other blobs. */
  hashes(): string[];
  /** Whether the session wrote the pack: one that came with a fork is not rewritten, its origin may need all of it. */
  isOwn(key: string | null): boolean;
}

/**
 * Deletes trees and blobs that no state refers to, and packs that hold nothing else, in steps, and returns packs that are
 * less than half alive. Before each it says which kind of step it is: `delete` must not run while blobs are being
 * written, whose state is not recorded yet. Everything it knows is in memory, a few hundred kilobytes: after a restart of
 * the object the next collection begins anew.
 *
 * States are visited in order, each as far as it differs from the one before, so a visit costs what a checkpoint did.
 */
export function* collection(kept: Kept): Generator<"mark" | "delete", Pack[]> {
  const { trees, blobs, checkpoints } = kept;
  const live = new LiveSet(trees.count + blobs.index.estimate());
  let last = { seq: -1, root: EMPTY };

  /** Marks what a state has and another, which is marked, does not. */
  function* mark(from: string, to: string): Generator<void> {
    if (from === to || to === EMPTY) return;
    live.add(to);
    yield;
    const marked = trees.get(from);
    for (const [name, node] of trees.get(to)) {
      const other = marked.get(name);
      if (node.type === "file") live.add(node.sha256);
      if (node.type !== "directory") continue;
      yield* mark(other?.type === "directory" ? other.tree : EMPTY, node.tree);
    }
  }
  function* markStates(): Generator<void> {
    for (let next = checkpoints.after(last.seq); next; next = checkpoints.after(last.seq)) {
      yield* mark(last.root, next.root);
      last = next;
    }
  }
  /** What was added since the last step, which is little. */
  const markNew = () => {
    for (const _visited of markStates());
    for (const root of kept.roots()) for (const _visited of mark(last.root, root));
    for (const hash of kept.hashes()) live.add(hash);
  };

  yield "mark";
  let visited = 0;
  for (const _visited of markStates()) {
    visited += 1;
    if (visited % STEP_TREES === 0) yield "mark";
  }

  for (let after = -1, isLast = false; !isLast;) {
    yield "delete";
    markNew();
    const rows = trees.rowsAfter(after, STEP_ROWS);
    for (const { id, hash } of rows) if (!live.has(hash)) trees.removeRow(id);
    isLast = rows.length < STEP_ROWS;
    after = rows.at(-1)?.id ?? after;
  }
  const sparse: Pack[] = [];
  for (let after = -1, isLast = false; !isLast;) {
    yield "delete";
    markNew();
    const packs = blobs.index.packsAfter(after, STEP_PACKS);
    const found = blobs.sweep(packs, (hash) => live.has(hash));
    sparse.push(...found.filter(({ key }) => kept.isOwn(key)));
    isLast = packs.length < STEP_PACKS;
    after = packs.at(-1)?.id ?? after;
  }
  return sparse.slice(0, MAX_SPARSE);
}
