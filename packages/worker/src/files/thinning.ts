import { all, one } from "../sql/rows.js";
import type { CheckpointTable } from "./checkpoint-table.js";

/** All checkpoints of the last day are kept, milliseconds. */
const KEEP_ALL_MS = 24 * 3_600_000;

/** A checkpoint may stay so much longer, milliseconds: one alarm thins those of hours. */
const BATCH_MS = 6 * 3_600_000;

/** Checkpoints in one step, which is a transaction. */
const STEP = 500;

/** What thinning depends on of the session's turns. */
export interface TurnPoints {
  /** The ends of turns, as seqs from `from` on and before `to`, in order. */
  turnEnds(from: number, to: number): number[];
  /** The first seq of the oldest turn that has not ended. */
  openSince(): number | undefined;
}

/**
 * Thins old checkpoints to one a turn, its last: what can be rewound to. The newest state, what a fork began with, and
 * what an open turn began with and has made since stay too.
 */
export class Thinning {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #checkpoints: CheckpointTable;
  readonly #turns: TurnPoints;

  constructor(storage: DurableObjectStorage, checkpoints: CheckpointTable, turns: TurnPoints) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#checkpoints = checkpoints;
    this.#turns = turns;
  }

  /** When there is something to thin; undefined while there is nothing that will be. */
  dueAt(): number | undefined {
    const query =
      "SELECT created_at FROM checkpoints WHERE seq > ? AND seq < ? ORDER BY seq LIMIT 1";
    const oldest = all<{ created_at: number }>(this.#sql, query, this.#thinnedTo(), this.#end())[0];
    return oldest && oldest.created_at + KEEP_ALL_MS + BATCH_MS;
  }

  /** Thins the next checkpoints. Returns how many were removed; undefined when there is nothing left to look at. */
  step(now: number): number | undefined {
    return this.#storage.transactionSync(() => {
      const from = this.#thinnedTo();
      const query = "SELECT seq, created_at FROM checkpoints WHERE seq > ? ORDER BY seq LIMIT ?";
      const rows = all<{ seq: number; created_at: number }>(this.#sql, query, from, STEP + 1);
      const end = this.#end();
      // Each is a state from its seq up to the next: of the last one that is not known.
      const young = rows.findIndex(
        ({ seq, created_at }) => seq >= end || created_at > now - KEEP_ALL_MS,
      );
      const old = young < 0 ? rows.length - 1 : young;
      if (old <= 0) return undefined;
      const turnEnds = this.#turns.turnEnds(rows[0]!.seq, rows[old]!.seq);
      let removed = 0;
      let nextEnd = 0;
      for (let index = 0; index < old; index += 1) {
        const before = nextEnd;
        while (turnEnds[nextEnd]! < rows[index + 1]!.seq) nextEnd += 1;
        if (nextEnd > before) continue;
        this.#checkpoints.remove(rows[index]!.seq);
        removed += 1;
      }
      this.#sql.exec("UPDATE upkeep SET thinned_to = ?", rows[old - 1]!.seq);
      return removed;
    });
  }

  #thinnedTo(): number {
    return one<{ thinned_to: number }>(this.#sql, "SELECT thinned_to FROM upkeep").thinned_to;
  }

  /** From this checkpoint on all stay: the newest, or the state that an open turn began with. */
  #end(): number {
    const openSince = this.#turns.openSince();
    return this.#checkpoints.stateAt(openSince).checkpoint;
  }
}
