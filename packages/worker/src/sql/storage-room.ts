import { EdgeError } from "@claude-edge/protocol";

/** At this share of what an object may store nothing new begins. What is left is for the turns that run. */
const NOTHING_NEW = 0.8;

/** At this share what runs is ended. What is left is for that, and for a deletion. */
const NOTHING_MORE = 0.95;

/** The room that is left in an object's storage. The platform's own limit breaks the object. */
export class StorageRoom {
  readonly #sql: SqlStorage;
  readonly #limitBytes: number;

  constructor(sql: SqlStorage, limitBytes: number) {
    this.#sql = sql;
    this.#limitBytes = limitBytes;
  }

  /** Asserts that there is room for something new. `whose`: as in "The session". @throws EdgeError `storage_full`. */
  assertFree(whose: string): void {
    if (this.#isOver(NOTHING_NEW)) throw this.#error(whose);
  }

  /** Asserts that there is room for what runs. @throws EdgeError `storage_full`. */
  assertLeft(whose: string): void {
    if (this.#isOver(NOTHING_MORE)) throw this.#error(whose);
  }

  #isOver(share: number): boolean {
    return this.#sql.databaseSize >= this.#limitBytes * share;
  }

  #error(whose: string): EdgeError {
    const { databaseSize } = this.#sql;
    return storageFull(
      `${whose} stores ${mib(databaseSize)} of the ${mib(this.#limitBytes)} that it may`,
      this.#limitBytes,
    );
  }
}

/** The one error for storage that is full. */
export const storageFull = (message: string, limitBytes: number): EdgeError =>
  new EdgeError("storage_full", `${message}.`, { limit_bytes: limitBytes });

export const mib = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)} MiB`;
