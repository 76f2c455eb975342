import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import { ACCOUNT_SCHEMA } from "../../src/account/schema.js";
import { SESSION_SCHEMA } from "../../src/session/schema.js";
import { migrate } from "../../src/sql/migrate.js";

type Row = Record<string, SqlStorageValue>;

const written = new WeakMap<DurableObjectStorage, number>();

/**
 * The rows that were written so far as the platform counts them, about: for each inserted or deleted row itself, its
 * index entries and its number from AUTOINCREMENT, and each alarm that was set.
 */
export const rowsWritten = (storage: DurableObjectStorage): number => written.get(storage) ?? 0;

/** A Durable Object's storage as far as the objects use it, on the same SQLite, in memory. */
export function openStorage(): DurableObjectStorage {
  let database = new DatabaseSync(":memory:");
  let alarm: number | null = null;
  const values = new Map<string, unknown>();
  const changes = () => Number(database.prepare("SELECT total_changes() AS n").get()!.n);

  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    const before = changes();
    const rows = run(database, query, bindings);
    const count = changes() - before;
    if (count > 0) note(count * rowsOf(database, query));
    return {
      rowsWritten: count,
      toArray: () => rows,
      one() {
        if (rows.length !== 1) throw new Error(`Expected one row, got ${rows.length}.`);
        return rows[0]!;
      },
      [Symbol.iterator]: () => rows[Symbol.iterator](),
    };
  };

  const transactionSync = <Value>(work: () => Value): Value => {
    database.exec("SAVEPOINT work");
    try {
      const value = work();
      database.exec("RELEASE work");
      return value;
    } catch (error) {
      // When the disk is full SQLite may have rolled back all of it by itself.
      if (database.isTransaction) database.exec("ROLLBACK TO work; RELEASE work");
      throw error;
    }
  };

  const note = (rows: number) => written.set(storage, rowsWritten(storage) + rows);

  /* oxlint-disable require-await -- as the runtime's storage */
  const storage = {
    sql: {
      exec,
      get databaseSize() {
        const pragma = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()![name]);
        return pragma("page_count") * pragma("page_size");
      },
    },
    transactionSync,
    get: async (key: string) => values.get(key),
    put: async (key: string, value: unknown) => void values.set(key, value),
    deleteAll: async () => {
      values.clear();
      database.close();
      database = new DatabaseSync(":memory:");
    },
    getAlarm: async () => alarm,
    setAlarm: async (time: number) => {
      note(1);
      alarm = time;
    },
    deleteAlarm: async () => {
      alarm = null;
    },
  } as unknown as DurableObjectStorage;
  /* oxlint-enable require-await */
  return storage;
}

/** What a row costs that is inserted into or deleted from a table. Updates of indexed columns are counted too low. */
function rowsOf(database: DatabaseSync, query: string): number {
  const table = /^\s*(?:INSERT (?:OR \w+ )?INTO|DELETE FROM) (\w+)/.exec(query)?.[1];
  if (table === undefined) return 1;
  const list = database.prepare(`SELECT sql FROM sqlite_master WHERE tbl_name = ?`).all(table);
  const isNumbered = list.some(({ sql }) => String(sql).includes("AUTOINCREMENT"));
  const isClustered = list.some(({ sql }) => String(sql).includes("WITHOUT ROWID"));
  // The index of the primary key is the table itself then.
  return list.length - (isClustered ? 1 : 0) + (isNumbered && /INSERT/.test(query) ? 1 : 0);
}

/** The same with an account's tables in it. */
export const accountStorage = (): DurableObjectStorage => storageWith(ACCOUNT_SCHEMA);

/** The same with a session's tables in it. */
export const sessionStorage = (): DurableObjectStorage => storageWith(SESSION_SCHEMA);

function storageWith(schema: readonly string[]): DurableObjectStorage {
  const storage = openStorage();
  migrate(storage, schema);
  return storage;
}

function run(database: DatabaseSync, query: string, bindings: SqlStorageValue[]): Row[] {
  // A statement is prepared alone; several come without bindings.
  if (bindings.length === 0 && /;\s*\S/.test(query)) {
    database.exec(query);
    return [];
  }
  const given = bindings.map((value) =>
    value instanceof ArrayBuffer ? new Uint8Array(value) : value,
  );
  return database
    .prepare(query)
    .all(...(given as SQLInputValue[]))
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          value instanceof Uint8Array ? Uint8Array.from(value).buffer : value,
        ]),
      ),
    ) as Row[];
}
