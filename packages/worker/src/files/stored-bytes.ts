import { one } from "../sql/rows.js";

/** The session's own packs in R2. Those that it has of a session it was forked from are counted there. */
const IN_R2 = `
  SELECT coalesce(sum(size), 0) AS bytes FROM packs, pack_folder
  WHERE substr(key, 1, length(name) + 1) = name || '/'`;

/** What a session stores: its database, and its packs in R2. */
export const storedBytesOf = (sql: SqlStorage): number =>
  sql.databaseSize + one<{ bytes: number }>(sql, IN_R2).bytes;
