/** The rows of a query. The caller asserts their type. */
export function all<Row extends object>(
  sql: SqlStorage,
  query: string,
  ...bindings: SqlStorageValue[]
): Row[] {
  return sql.exec(query, ...bindings).toArray() as unknown as Row[];
}

/** The one row of a query. @throws Error when there is not exactly one. */
export function one<Row extends object>(
  sql: SqlStorage,
  query: string,
  ...bindings: SqlStorageValue[]
): Row {
  return sql.exec(query, ...bindings).one() as unknown as Row;
}
