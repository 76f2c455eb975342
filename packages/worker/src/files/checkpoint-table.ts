import type { CheckpointReason, CheckpointResource, SkippedFile } from "@claude-edge/protocol";

import { all, one } from "../sql/rows.js";
import { EMPTY } from "./tree.js";

interface Row {
  seq: number;
  turn_id: string;
  reason: CheckpointReason;
  root: string;
  files: number;
  bytes: number;
  changed: number;
  skipped: string | null;
  created_at: number;
}

/** A checkpoint that has no number yet. */
export interface NewCheckpoint {
  /** Empty for one between turns. */
  turn: string;
  reason: CheckpointReason;
  root: string;
  files: number;
  bytes: number;
  changed: number;
  skipped?: SkippedFile[] | undefined;
}

/** A state of a session's files: that of a checkpoint, or the initial empty one. */
export interface State {
  checkpoint: number;
  root: string;
}

/** The states of the workspace that a caller can read or rewind to. Each is valid from its event's seq up to the next. */
export class CheckpointTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  insert(seq: number, checkpoint: NewCheckpoint, now: number): CheckpointResource {
    const { turn, reason, root, files, bytes, changed, skipped = [] } = checkpoint;
    const row: Row = {
      seq,
      turn_id: turn,
      reason,
      root,
      files,
      bytes,
      changed,
      skipped: skipped.length > 0 ? JSON.stringify(skipped) : null,
      created_at: now,
    };
    this.#sql.exec(
      `INSERT INTO checkpoints (seq, turn_id, reason, root, files, bytes, changed, skipped, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...Object.values(row),
    );
    return toResource(row);
  }

  /** The state at a seq; the newest by default. */
  stateAt(seq: number = Number.MAX_SAFE_INTEGER): State {
    const row = all<Row>(
      this.#sql,
      "SELECT * FROM checkpoints WHERE seq <= ? ORDER BY seq DESC LIMIT 1",
      seq,
    )[0];
    return row ? { checkpoint: row.seq, root: row.root } : { checkpoint: 0, root: EMPTY };
  }

  /** Finds a checkpoint by its number. 0, the initial state, always exists. */
  get(seq: number): State | undefined {
    const state = this.stateAt(seq);
    return state.checkpoint === seq || seq === 0 ? state : undefined;
  }

  /** Newest first; `before` is the last checkpoint of the previous page. */
  list(limit: number, before: number | undefined): CheckpointResource[] {
    return all<Row>(
      this.#sql,
      "SELECT * FROM checkpoints WHERE seq < ? ORDER BY seq DESC LIMIT ?",
      before ?? Number.MAX_SAFE_INTEGER,
      limit,
    ).map(toResource);
  }

  /** The next state after a seq. */
  after(seq: number): { seq: number; root: string } | undefined {
    const query = "SELECT seq, root FROM checkpoints WHERE seq > ? ORDER BY seq LIMIT 1";
    return all<{ seq: number; root: string }>(this.#sql, query, seq)[0];
  }

  remove(seq: number): void {
    this.#sql.exec("DELETE FROM checkpoints WHERE seq = ?", seq);
  }

  get count(): number {
    return one<{ count: number }>(this.#sql, "SELECT count(*) AS count FROM checkpoints").count;
  }
}

function toResource(row: Row): CheckpointResource {
  return {
    checkpoint: row.seq,
    reason: row.reason,
    ...(row.turn_id === "" ? {} : { turn_id: row.turn_id }),
    files: row.files,
    bytes: row.bytes,
    changed: row.changed,
    created_at: new Date(row.created_at).toISOString(),
    ...(row.skipped ? { skipped: JSON.parse(row.skipped) as SkippedFile[] } : {}),
  };
}
