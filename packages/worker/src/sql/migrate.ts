/**
 * Migrates an object's storage to the newest schema, in one transaction. Never edit a released step: deployments have
 * run it. A change is a new step.
 */
export function migrate(storage: DurableObjectStorage, steps: readonly string[]): void {
  const { sql } = storage;
  sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
  const version = Number(
    sql.exec("SELECT max(version) AS version FROM schema_version").one().version,
  );
  if (version >= steps.length) return;
  storage.transactionSync(() => {
    for (const step of steps.slice(version)) sql.exec(step);
    sql.exec("INSERT INTO schema_version (version) VALUES (?)", steps.length);
  });
}

/** Drops all tables and creates those of the schema, empty. Call it in a transaction. */
export function resetTables(storage: DurableObjectStorage, steps: readonly string[]): void {
  const { sql } = storage;
  // Of the other names, `sqlite_` are SQLite's own tables, and `_cf_` the platform's.
  const tables = sql.exec(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*'",
  );
  for (const { name } of tables.toArray()) sql.exec(`DROP TABLE "${String(name)}"`);
  migrate(storage, steps);
}

/** Whether an object has never been written to. The check itself writes nothing. */
export function isEmpty({ sql }: DurableObjectStorage): boolean {
  const query = "SELECT 1 FROM sqlite_master WHERE name = 'schema_version'";
  return sql.exec(query).toArray().length === 0;
}
