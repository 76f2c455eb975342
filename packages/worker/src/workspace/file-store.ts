import { EdgeError, isFinal } from "@claude-edge/protocol";

import { all, one } from "../account/rows.js";
import type { Store } from "../account/store.js";
import type { Env } from "../env.js";
import { sqliteFilesBytes } from "../settings.js";
import { Blobs } from "./blobs.js";
import { CheckpointTable, type State } from "./checkpoint-table.js";
import { R2Packs } from "./r2-packs.js";
import { SqlPacks } from "./sql-packs.js";
import { TreeTable } from "./tree-table.js";
import { RunnerStates } from "./runner-states.js";

/** What could not be deleted is tried again after this, milliseconds. */
const RETRY_MS = 60_000;

/** What an account keeps of its sessions' files: their states, and the trees and blobs that these are made of. */
export class FileStore {
  readonly #sql: SqlStorage;
  readonly #store: Store;
  readonly trees: TreeTable;
  readonly blobs: Blobs;
  readonly checkpoints: CheckpointTable;
  /** The states in which runners have them. */
  readonly runners: RunnerStates;

  constructor({ storage, id }: DurableObjectState, env: Env, store: Store) {
    this.#sql = storage.sql;
    this.#store = store;
    this.trees = new TreeTable(storage.sql);
    this.checkpoints = new CheckpointTable(storage.sql);
    this.runners = new RunnerStates(storage.sql);
    this.blobs = new Blobs(storage, {
      r2: env.FILES && new R2Packs(env.FILES, `${id.toString()}/${secretOf(storage.sql)}`),
      sql: new SqlPacks(storage.sql, sqliteFilesBytes(env)),
    });
  }

  /**
   * The state that a caller names: a turn's at its end, a checkpoint's; the newest without a name.
   * @throws EdgeError `checkpoint_not_found`, `turn_running` for a turn that has not ended.
   */
  state(session: string, name: string | undefined): State {
    if (name === undefined) return this.checkpoints.stateAt(session);
    const found = /^\d{1,15}$/.test(name)
      ? this.checkpoints.get(session, Number(name))
      : this.#stateOfTurn(session, name);
    if (found) return found;
    throw new EdgeError(
      "checkpoint_not_found",
      `Session ${session} has no turn or checkpoint ${name}.`,
    );
  }

  #stateOfTurn(session: string, id: string): State | undefined {
    const turn = this.#store.turn(id);
    if (turn?.session_id !== session) return undefined;
    if (turn.end_seq !== null) return this.checkpoints.stateAt(session, turn.end_seq);
    if (isFinal(turn.status)) return undefined;
    throw new EdgeError("turn_running", `Turn ${id} has not ended.`);
  }

  /** The state as of a message; that of the beginning for one that a fork brought along. */
  stateOfMessage(session: string, message: string): State {
    const seq = this.#store.events.seqOfMessage(session, message);
    return this.checkpoints.stateAt(session, seq ?? 0);
  }

  /** A session is deleted: call it in that transaction. */
  forget(session: string, now: number): void {
    this.checkpoints.deleteOf(session);
    this.runners.delete(session);
    this.markGarbage(now);
  }

  // Garbage.

  /** Something may be of no use any more, and may be deleted from then on. */
  markGarbage(at: number): void {
    if (this.garbageDue() === undefined) this.#sql.exec("INSERT INTO garbage VALUES (?)", at);
  }

  garbageDue(): number | undefined {
    return all<{ due_at: number }>(this.#sql, "SELECT due_at FROM garbage")[0]?.due_at;
  }

  /** Deletes the trees and blobs that no state holds. While something is written, and when it fails: later. */
  async collect(now: number): Promise<void> {
    this.#sql.exec("DELETE FROM garbage");
    if (this.blobs.busy) return this.markGarbage(now);
    try {
      const { trees, contents } = this.#live();
      this.trees.keep(trees);
      await this.blobs.collect((hash) => contents.has(hash));
    } catch (error) {
      console.error("garbage could not be collected", error);
      this.markGarbage(now + RETRY_MS);
    }
  }

  #live(): { trees: Set<string>; contents: Set<string> } {
    const trees = new Set<string>();
    const contents = new Set(this.#store.attachedHashes());
    const open = [...this.checkpoints.roots(), ...this.runners.roots()];
    for (let tree = open.pop(); tree !== undefined; tree = open.pop()) {
      if (trees.has(tree)) continue;
      trees.add(tree);
      for (const node of this.trees.get(tree).values()) {
        if (node.type === "file") contents.add(node.sha256);
        else if (node.type === "directory") open.push(node.tree);
      }
    }
    return { trees, contents };
  }
}

/** An object's id follows from its account's name. A bucket may be read by whoever knows a key: miniflare's always is. */
const secretOf = (sql: SqlStorage): string =>
  one<{ secret: string }>(sql, "SELECT secret FROM r2_secret").secret;
