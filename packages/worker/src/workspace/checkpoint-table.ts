import type { CheckpointReason, CheckpointResource, SkippedFile } from "@claude-edge/protocol";

import { all } from "../account/rows.js";
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

/** A checkpoint before it has a number. */
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

/** A state of a session's files: a checkpoint's, or the beginning. */
export interface State {
  checkpoint: number;
  root: string;
}

/** The states of an account's workspaces that can be gone back to. One holds from its event's seq on, up to the next. */
export class CheckpointTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  insert(session: string, seq: number, checkpoint: NewCheckpoint, now: number): CheckpointResource {
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
      "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      session,
      ...Object.values(row),
    );
    return toResource(row);
  }

  /** How a session's files are now, or were at a seq. */
  stateAt(session: string, seq: number = Number.MAX_SAFE_INTEGER): State {
    const row = all<Row>(
      this.#sql,
      "SELECT * FROM checkpoints WHERE session_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
      session,
      seq,
    )[0];
    return row ? { checkpoint: row.seq, root: row.root } : { checkpoint: 0, root: EMPTY };
  }

  /** A checkpoint by its number; 0 is there in any case. */
  get(session: string, seq: number): State | undefined {
    const state = this.stateAt(session, seq);
    return state.checkpoint === seq || seq === 0 ? state : undefined;
  }

  /** Newest first; `before` is the last one of the page before. */
  list(session: string, limit: number, before: number | undefined): CheckpointResource[] {
    return all<Row>(
      this.#sql,
      "SELECT * FROM checkpoints WHERE session_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
      session,
      before ?? Number.MAX_SAFE_INTEGER,
      limit,
    ).map(toResource);
  }

  deleteOf(session: string): void {
    this.#sql.exec("DELETE FROM checkpoints WHERE session_id = ?", session);
  }

  /** The roots of all states there are, each once. */
  roots(): string[] {
    return all<{ root: string }>(this.#sql, "SELECT DISTINCT root FROM checkpoints").map(
      ({ root }) => root,
    );
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
