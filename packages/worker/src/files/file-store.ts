import { EdgeError, isFinal, type TurnStatus } from "@claude-edge/protocol";
import type { LogSubject } from "@claude-edge/protocol/internal";

import type { Env } from "../env.js";
import { logger } from "../logger.js";
import { objectBytes, sqliteFilesBytes } from "../settings.js";
import { all, one } from "../sql/rows.js";
import { StorageRoom } from "../sql/storage-room.js";
import { Blobs } from "./blobs.js";
import { CheckpointTable, type State } from "./checkpoint-table.js";
import { collection } from "./collection.js";
import { accountPrefix, folderOf, R2Packs } from "./r2-packs.js";
import { RunnerState } from "./runner-state.js";
import { SqlPacks } from "./sql-packs.js";
import { Thinning, type TurnPoints } from "./thinning.js";
import { TreeTable } from "./tree-table.js";
import { Uploads } from "./uploads.js";

/** Upkeep that failed is tried again after this, milliseconds. */
const RETRY_MS = 3_600_000;

/** A collection goes on after this when something is being written, milliseconds. */
const BUSY_MS = 1_000;

/** Steps in one alarm, each followed by whatever else the object has to do. */
const STEPS = 20;

/** With more checkpoints than this, garbage is collected once a quarter of them is gone: it takes a look at each. */
const FEW_CHECKPOINTS = 1_000;

/** The part of the session that its files depend on. */
export interface FileOwner extends TurnPoints {
  readonly id: string;
  /** What an entry of the log about it names. */
  readonly subject: LogSubject;
  /** The id of the account's object. */
  readonly accountObject: string;
  turn(id: string): { status: TurnStatus; end_seq: number | null } | undefined;
  seqOfMessage(uuid: string): number | undefined;
  /** Hashes of the attachments of queued turns. */
  attachedHashes(): string[];
  /** Packs in R2 are not needed any more. Called in the transaction that forgets them. */
  onReleased(folder: string, keys: string[]): void;
}

/** Storage of a session's files: their states, and the trees and blobs that make up each state. */
export class FileStore {
  readonly #sql: SqlStorage;
  readonly #owner: FileOwner;
  readonly #thinning: Thinning;
  readonly trees: TreeTable;
  readonly blobs: Blobs;
  readonly checkpoints: CheckpointTable;
  /** The state that the runner has. */
  readonly runner: RunnerState;
  /** What callers send. */
  readonly uploads: Uploads = new Uploads();
  /** The roots of a checkpoint that is stored and about to be applied. */
  awaited: string[] = [];
  /** Roots of states that are being read. */
  readonly #pinned = new Map<symbol, string>();
  /** Upkeep has failed: not before this. */
  #retryAt = 0;
  /** The collection that is under way, and the kind of its next step. */
  #collection: { run: ReturnType<typeof collection>; next: "mark" | "delete" } | undefined;

  /** What an entry of the log about it names. */
  get subject(): LogSubject {
    return this.#owner.subject;
  }

  constructor(storage: DurableObjectStorage, env: Env, owner: FileOwner) {
    this.#sql = storage.sql;
    this.#owner = owner;
    this.trees = new TreeTable(storage.sql);
    this.checkpoints = new CheckpointTable(storage.sql);
    this.runner = new RunnerState(storage.sql);
    this.#thinning = new Thinning(storage, this.checkpoints, owner);
    const room = new StorageRoom(storage.sql, objectBytes(env));
    this.blobs = new Blobs(storage, {
      r2: env.FILES && new R2Packs(env.FILES, () => accountPrefix(owner.accountObject)),
      sql: new SqlPacks(storage.sql, room, sqliteFilesBytes(env)),
      folder: () => this.openFolder(),
      onReleased: (keys) => owner.onReleased(this.openFolder(), keys),
    });
  }

  /** The session's folder in R2; undefined as long as it has used none. */
  get folder(): string | undefined {
    return all<{ name: string }>(this.#sql, "SELECT name FROM pack_folder")[0]?.name;
  }

  /** The same, which it is from now on. Its name cannot be guessed: a bucket may be readable by key (miniflare's is). */
  openFolder(): string {
    const known = this.folder;
    if (known !== undefined) return known;
    const name = crypto.randomUUID();
    this.#sql.exec("INSERT INTO pack_folder (name) VALUES (?)", name);
    return name;
  }

  /**
   * Resolves a caller's name for a state: a turn (its state at the end) or a checkpoint. Without a name: the newest.
   * @throws EdgeError `checkpoint_not_found`, `turn_running` for a turn that has not ended.
   */
  state(name: string | undefined): State {
    if (name === undefined) return this.checkpoints.stateAt();
    const found = /^\d{1,15}$/.test(name)
      ? this.checkpoints.get(Number(name))
      : this.#stateOfTurn(name);
    if (found) return found;
    const message = `Session ${this.#owner.id} has no turn or checkpoint ${name}.`;
    throw new EdgeError("checkpoint_not_found", message);
  }

  #stateOfTurn(id: string): State | undefined {
    const turn = this.#owner.turn(id);
    if (!turn) return undefined;
    if (turn.end_seq !== null) return this.checkpoints.stateAt(turn.end_seq);
    if (isFinal(turn.status)) return undefined;
    throw new EdgeError("turn_running", `Turn ${id} has not ended.`);
  }

  /** The state as of a message. A message that was inherited from a fork's origin has the initial state. */
  stateOfMessage(message: string): State {
    return this.checkpoints.stateAt(this.#owner.seqOfMessage(message) ?? 0);
  }

  /** Keeps a state that is read in pieces from being collected, until the returned function is called. */
  pin(root: string): () => void {
    const pin = Symbol(root);
    this.#pinned.set(pin, root);
    return () => this.#pinned.delete(pin);
  }

  // Upkeep: thinning and garbage collection, by the session's alarm.

  /** When {@link upkeep} has something to do. */
  upkeepDue(): number | undefined {
    const { collect_at: collectAt } = this.#upkeep();
    const times = [this.#thinning.dueAt(), collectAt].filter((time) => typeof time === "number");
    return times.length === 0 ? undefined : Math.max(Math.min(...times), this.#retryAt);
  }

  /** Thins checkpoints and collects what nothing refers to any more: a bounded part of what is due. Never rejects. */
  async upkeep(now: number): Promise<void> {
    try {
      for (let step = 0; step < STEPS; step += 1) {
        // Other events come in between.
        await scheduler.wait(0);
        if (this.blobs.isClosed) return;
        const removed = this.#thinning.step(now);
        if (removed === undefined) break;
        this.#addRemoved(removed, now);
      }
      const { collect_at: collectAt } = this.#upkeep();
      if (collectAt !== null && collectAt <= now) await this.#collect(now);
    } catch (error) {
      if (this.blobs.isClosed) return;
      logger.error("garbage not collected", { ...this.#owner.subject, error });
      this.#collection = undefined;
      this.#retryAt = now + RETRY_MS;
    }
  }

  #upkeep(): { removed: number; collect_at: number | null } {
    return one(this.#sql, "SELECT removed, collect_at FROM upkeep");
  }

  #setCollectAt(time: number | null): void {
    this.#sql.exec("UPDATE upkeep SET collect_at = ?", time);
  }

  #addRemoved(count: number, now: number): void {
    const removed = this.#upkeep().removed + count;
    const { count: kept } = this.checkpoints;
    const isWorthwhile = removed > 0 && (kept <= FEW_CHECKPOINTS || removed * 4 >= kept);
    this.#sql.exec("UPDATE upkeep SET removed = ?", isWorthwhile ? 0 : removed);
    if (isWorthwhile) this.#setCollectAt(now);
  }

  async #collect(now: number): Promise<void> {
    const current = (this.#collection ??= { run: this.#newCollection(), next: "mark" });
    for (let step = 0; step < STEPS; step += 1) {
      await scheduler.wait(0);
      if (this.blobs.isClosed) return;
      if (current.next === "delete" && this.blobs.busy) return this.#setCollectAt(now + BUSY_MS);
      const { done, value } = current.run.next();
      if (!done) {
        current.next = value;
        continue;
      }
      this.#collection = undefined;
      this.#setCollectAt(null);
      for (const pack of value) {
        // A pack with a damaged blob is left as it is: the damage is reported when that blob is read.
        await this.blobs
          .rewrite(pack)
          .catch((error: unknown) =>
            logger.error("pack not rewritten", { ...this.#owner.subject, pack: pack.id, error }),
          );
      }
      return;
    }
  }

  #newCollection(): ReturnType<typeof collection> {
    return collection({
      trees: this.trees,
      blobs: this.blobs,
      checkpoints: this.checkpoints,
      roots: () => [...this.runner.roots(), ...this.awaited, ...this.#pinned.values()],
      hashes: () => this.#owner.attachedHashes(),
      isOwn: (key) => key === null || folderOf(key) === this.folder,
    });
  }
}
