import { EdgeError } from "@claude-edge/protocol";

import { containerStub } from "../container/runner-client.js";
import { eachAtMost } from "../each-at-most.js";
import type { Env } from "../env.js";
import { accountPrefix } from "../files/r2-packs.js";
import { containersOf } from "../settings.js";
import { all } from "../sql/rows.js";
import type { SessionPort } from "./ports.js";

/** Sessions of one step, and how many of them at the same time: each may have its container to end. */
const SESSIONS_A_STEP = 50;
const AT_ONCE = 10;

/** A session or container that takes longer is tried again by a later step, milliseconds. */
const PATIENCE_MS = 60_000;

/** R2 lists and deletes up to 1 000 objects a call. */
const LISTS_A_STEP = 10;

/** Where a session may have something. Those of the Messages API are in no directory. */
const TABLES = [
  ["sessions", "id"],
  ["turns", "session_id"],
  ["inbox", "session_id"],
  ["requests", "session_id"],
  ["budget_leases", "session_id"],
  ["token_readers", "session_id"],
] as const;

/** What an erasure deletes. */
interface Erased {
  name: string;
  /** Of the account's object. */
  id: string;
  session(id: string): SessionPort;
  /** Removes what the account has of a session. */
  removeSession(id: string): void;
}

/**
 * One step of an erasure: it deletes a bounded part of what the account has outside of its own tables. Sessions go first
 * and end their turns; then containers, which have no turns then; then R2, where nobody writes then. Safe to repeat.
 * Returns whether nothing is left.
 * @throws Error when something could not be deleted. What could be is.
 */
export async function eraseStep(sql: SqlStorage, env: Env, erased: Erased): Promise<boolean> {
  const ids = someSessions(sql);
  if (ids.length > 0) {
    await eraseSessions(ids, erased);
    return false;
  }
  for (const name of containersOf(erased.name)) {
    await within(containerStub(env, name).erase(), `container ${name}`);
  }
  return eraseFiles(sql, env, accountPrefix(erased.id));
}

/**
 * Some sessions of those that are left. In any order, so that some that cannot be reached do not stand before the others
 * in every step. A query for each table: workerd takes five terms in a compound one.
 */
function someSessions(sql: SqlStorage): string[] {
  const ids = TABLES.flatMap(([table, column]) =>
    all<{ id: string }>(
      sql,
      `SELECT DISTINCT ${column} AS id FROM ${table} ORDER BY random() LIMIT ?`,
      SESSIONS_A_STEP,
    ),
  );
  return [...new Set(ids.map(({ id }) => id))].slice(0, SESSIONS_A_STEP);
}

async function eraseSessions(ids: string[], { session, removeSession }: Erased): Promise<void> {
  const failures: unknown[] = [];
  await eachAtMost(AT_ONCE, ids, async (id) => {
    try {
      await within(session(id).erase(), `session ${id}`);
      removeSession(id);
    } catch (error) {
      failures.push(error);
    }
  });
  if (failures.length > 0) throw failures[0];
}

/** @throws EdgeError `setting_invalid` when there are files in R2, and no bucket. */
async function eraseFiles(
  sql: SqlStorage,
  { FILES: bucket }: Env,
  prefix: string,
): Promise<boolean> {
  if (!bucket) {
    // Each session has released what it had there.
    if (all(sql, "SELECT 1 FROM pack_garbage LIMIT 1").length === 0) return true;
    const message = "The account has files in R2, and no bucket is bound as FILES any more.";
    throw new EdgeError("setting_invalid", message);
  }
  for (let lists = 0; lists < LISTS_A_STEP; lists += 1) {
    const { objects, truncated } = await bucket.list({ prefix });
    if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    if (!truncated) return true;
  }
  return false;
}

/** @throws Error when it takes too long, and as the work. */
async function within(work: Promise<void>, what: string): Promise<void> {
  const patience = new AbortController();
  const late = scheduler.wait(PATIENCE_MS, { signal: patience.signal }).then(() => {
    throw new Error(`${what} does not answer`);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    late.catch(() => {});
    patience.abort();
  }
}
