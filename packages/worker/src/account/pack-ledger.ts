import { EdgeError } from "@claude-edge/protocol";

import { accountPrefix, folderOf, inFolder } from "../files/r2-packs.js";
import { logger } from "../logger.js";
import { all } from "../sql/rows.js";

/**
 * Packs that nothing refers to any more stay in R2 for so long, milliseconds: point-in-time recovery of a Durable Object
 * reaches back 30 days, and what it brings back refers to packs.
 */
export const GARBAGE_MS: number = 30 * 24 * 3_600_000;

/** R2 could not be reached: the next attempt is made after this, milliseconds. */
const RETRY_MS = 10 * 60_000;

/** Packs in one step: R2 lists and deletes at most 1 000 keys in a call. */
const STEP = 1_000;

/**
 * The packs of an account in R2, as far as they are not the matter of one session: those that forks refer to, and those
 * that are to be deleted. A session that alone has its packs is not known here.
 *
 * A pack is deleted when the session it belongs to has released it, no other refers to it, and both have been so for 30
 * days. A use and a release are independent facts: in which order they arrive makes no difference.
 */
export class PackLedger {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #bucket: R2Bucket | undefined;
  readonly #prefix: string;
  readonly #account: string;
  /** Not before, after a failure. */
  #retryAt = 0;

  /** @param object The id of the account's object. @param account Its name. */
  constructor(
    storage: DurableObjectStorage,
    bucket: R2Bucket | undefined,
    object: string,
    account: string,
  ) {
    this.#account = account;
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#bucket = bucket;
    this.#prefix = accountPrefix(object);
  }

  /**
   * The session with this folder refers to packs of others.
   * @throws EdgeError `upload_cut` when the folder is released: its session was given up before this call arrived.
   */
  share(folder: string, packs: string[]): void {
    if (this.#dueOf(inFolder(folder)) !== undefined) {
      throw new EdgeError("upload_cut", "The copy was given up.");
    }
    this.#storage.transactionSync(() => {
      for (const pack of packs) {
        if (folderOf(pack) === folder) continue;
        this.#sql.exec(
          "INSERT OR IGNORE INTO pack_uses (folder, pack) VALUES (?, ?)",
          folder,
          pack,
        );
      }
    });
  }

  /** The session with this folder needs packs no more, be they its own or of others. Call it in a transaction. */
  release(folder: string, packs: string[], now: number): void {
    for (const pack of packs) {
      if (folderOf(pack) === folder) this.#addGarbage(pack, now);
      else this.#removeUse(folder, pack, now);
    }
  }

  /** The session with this folder is gone. Call it in a transaction. */
  releaseFolder(folder: string, now: number): void {
    this.#addGarbage(inFolder(folder), now);
    const uses = all(this.#sql, "SELECT 1 FROM pack_uses WHERE folder = ? LIMIT 1", folder);
    if (uses.length > 0)
      this.#sql.exec("INSERT OR IGNORE INTO gone_folders (folder) VALUES (?)", folder);
  }

  /** When {@link sweep} has something to do. */
  dueAt(): number | undefined {
    if (!this.#bucket) return undefined;
    if (all(this.#sql, "SELECT 1 FROM gone_folders LIMIT 1").length > 0) return 0;
    const [first] = all<{ due_at: number }>(
      this.#sql,
      "SELECT due_at FROM pack_garbage WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1",
    );
    return first && Math.max(first.due_at, this.#retryAt);
  }

  /** Deletes a bounded part of what is due. Never rejects: what fails is tried again later. */
  async sweep(now: number): Promise<void> {
    const bucket = this.#bucket;
    if (!bucket) return;
    this.#releaseUses(now);
    if (now < this.#retryAt) return;
    try {
      await this.#deleteDue(bucket, now);
    } catch (error) {
      logger.error("packs not deleted", { account: this.#account, error });
      this.#retryAt = now + RETRY_MS;
    }
  }

  /** Releases what sessions that are gone referred to. */
  #releaseUses(now: number): void {
    const query = "SELECT folder FROM gone_folders LIMIT 1";
    const [gone] = all<{ folder: string }>(this.#sql, query);
    if (!gone) return;
    this.#storage.transactionSync(() => {
      const { folder } = gone;
      const select = "SELECT pack FROM pack_uses WHERE folder = ? LIMIT ?";
      const uses = all<{ pack: string }>(this.#sql, select, folder, STEP);
      for (const { pack } of uses) this.#removeUse(folder, pack, now);
      if (uses.length < STEP) this.#sql.exec("DELETE FROM gone_folders WHERE folder = ?", folder);
    });
  }

  async #deleteDue(bucket: R2Bucket, now: number): Promise<void> {
    const due = all<{ key: string; after: string }>(
      this.#sql,
      "SELECT key, after FROM pack_garbage WHERE due_at <= ? ORDER BY due_at LIMIT ?",
      now,
      STEP,
    );
    const packs = due.map(({ key }) => key).filter((key) => !isFolder(key));
    const [used, unused] = this.#byUse(packs);
    for (const pack of used) this.#hold(pack);
    await this.#delete(bucket, unused);
    for (const pack of unused) this.#forget(pack);
    const folder = due.find(({ key }) => isFolder(key));
    if (folder) await this.#deleteFolder(bucket, folder);
  }

  async #delete(bucket: R2Bucket, packs: string[]): Promise<void> {
    if (packs.length > 0) await bucket.delete(packs.map((pack) => this.#prefix + pack));
  }

  /** Deletes the next packs in a folder, but for those that others use or that were released by themselves. */
  async #deleteFolder(
    bucket: R2Bucket,
    { key: folder, after }: { key: string; after: string },
  ): Promise<void> {
    const { objects, truncated } = await bucket.list({
      prefix: this.#prefix + folder,
      ...(after === "" ? {} : { startAfter: this.#prefix + after }),
      limit: STEP,
    });
    const packs = objects.map(({ key }) => key.slice(this.#prefix.length));
    const [, unused] = this.#byUse(packs);
    await this.#delete(
      bucket,
      unused.filter((pack) => this.#dueOf(pack) === undefined),
    );
    const last = packs.at(-1);
    if (truncated && last !== undefined) {
      this.#sql.exec("UPDATE pack_garbage SET after = ? WHERE key = ?", last, folder);
      return;
    }
    if (this.#isFolderUsed(folder)) this.#hold(folder);
    else this.#forget(folder);
  }

  #addGarbage(key: string, now: number): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO pack_garbage (key, due_at) VALUES (?, ?)",
      key,
      now + GARBAGE_MS,
    );
  }

  /** Others refer to it: it becomes due when the last of them releases it. */
  #hold(key: string): void {
    this.#sql.exec("UPDATE pack_garbage SET due_at = NULL WHERE key = ?", key);
  }

  #forget(key: string): void {
    this.#sql.exec("DELETE FROM pack_garbage WHERE key = ?", key);
  }

  /** Null for what others refer to; undefined for what was not released. */
  #dueOf(key: string): number | null | undefined {
    const query = "SELECT due_at FROM pack_garbage WHERE key = ?";
    return all<{ due_at: number | null }>(this.#sql, query, key)[0]?.due_at;
  }

  #removeUse(folder: string, pack: string, now: number): void {
    this.#sql.exec("DELETE FROM pack_uses WHERE folder = ? AND pack = ?", folder, pack);
    if (this.#isUsed(pack)) return;
    const owner = inFolder(folderOf(pack));
    const ownerDue = this.#dueOf(owner);
    // The session that it belongs to still has it.
    if (ownerDue === undefined && this.#dueOf(pack) === undefined) return;
    this.#sql.exec(
      `INSERT INTO pack_garbage (key, due_at) VALUES (?, ?)
        ON CONFLICT (key) DO UPDATE SET due_at = excluded.due_at`,
      pack,
      now + GARBAGE_MS,
    );
    // Nothing else is left of the folder.
    if (ownerDue === null && !this.#isFolderUsed(owner)) this.#forget(owner);
  }

  /** Those that others refer to, and those that none does. */
  #byUse(packs: string[]): [used: string[], unused: string[]] {
    const used = new Set(packs.filter((pack) => this.#isUsed(pack)));
    return [[...used], packs.filter((pack) => !used.has(pack))];
  }

  #isUsed(pack: string): boolean {
    return all(this.#sql, "SELECT 1 FROM pack_uses WHERE pack = ? LIMIT 1", pack).length > 0;
  }

  #isFolderUsed(folder: string): boolean {
    // "0" is the character after "/".
    const query = "SELECT 1 FROM pack_uses WHERE pack > ? AND pack < ? LIMIT 1";
    return all(this.#sql, query, folder, `${folder.slice(0, -1)}0`).length > 0;
  }
}

const isFolder = (key: string): boolean => key.endsWith("/");
