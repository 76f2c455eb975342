import { all } from "./rows.js";

type Step = string | ((sql: SqlStorage) => void);

/**
 * The account's tables, as steps: a step that has run on some deployment is never edited, a change is a new step.
 */
const MIGRATIONS: readonly Step[] = [
  `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    title TEXT,
    tags TEXT NOT NULL,
    options TEXT NOT NULL,
    on_container_lost TEXT NOT NULL,
    -- The session and message it was forked from, as JSON.
    forked_from TEXT,
    container TEXT NOT NULL,
    -- The boot of the runner that has its transcript.
    boot TEXT,
    -- The highest seq that is stored or was handed out with what is stored.
    seq INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );
  CREATE INDEX sessions_newest ON sessions (updated_at DESC, id DESC);

  CREATE TABLE turns (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    status TEXT NOT NULL,
    prompt TEXT NOT NULL,
    -- The boot of the runner that took it; null until one has.
    boot TEXT,
    interrupted INTEGER NOT NULL DEFAULT 0,
    -- How often it was begun again because its container was lost.
    resumed INTEGER NOT NULL DEFAULT 0,
    -- Its first event.
    first_seq INTEGER,
    -- Where it begins to run: in its session's log, and in the runner's. From here on a restart reads again.
    start_seq INTEGER,
    start_cursor INTEGER,
    -- The event that holds its result: results can be larger than a row may be, events are cut into parts.
    end_seq INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER
  );
  CREATE INDEX turns_of_session ON turns (session_id);
  CREATE INDEX turns_open ON turns (position) WHERE status IN ('queued', 'running', 'waiting');

  CREATE TABLE events (
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    turn_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- 1 when it is the account's own word and in no runner's log.
    own INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (session_id, seq, part)
  ) WITHOUT ROWID;

  CREATE TABLE transcripts (
    session_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    part INTEGER NOT NULL,
    -- A subagent's transcript; empty for the main one.
    subpath TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (session_id, position, part)
  ) WITHOUT ROWID;

  CREATE TABLE containers (
    name TEXT PRIMARY KEY,
    boot TEXT NOT NULL,
    -- Frames of the boot's log up to here are applied.
    cursor INTEGER NOT NULL,
    -- When it last had work.
    used_at INTEGER NOT NULL
  );

  -- Sessions to be, whose process is ready.
  CREATE TABLE spares (
    session_id TEXT PRIMARY KEY,
    container TEXT NOT NULL,
    boot TEXT NOT NULL
  );

  CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    session_id TEXT NOT NULL,
    turn_id TEXT,
    created_at INTEGER NOT NULL
  );

  CREATE INDEX idempotency_oldest ON idempotency (created_at);

  CREATE TABLE account (name TEXT NOT NULL);
  `,
  `
  -- How long a permission or question may wait for its answer, milliseconds.
  ALTER TABLE sessions ADD COLUMN approval_timeout_ms INTEGER;

  -- 1 when the prompt is content blocks, as JSON.
  ALTER TABLE turns ADD COLUMN blocks INTEGER NOT NULL DEFAULT 0;

  -- The caller's span, as W3C traceparent.
  ALTER TABLE turns ADD COLUMN traceparent TEXT;

  -- 1 when it is for sessions that ask for approvals.
  ALTER TABLE spares ADD COLUMN asks INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE requests (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    -- The main agent's tool use that it is about: only then can it outlive its process.
    tool_use_id TEXT,
    -- The events that hold what was asked, and what became of it.
    seq INTEGER NOT NULL,
    resolved_seq INTEGER,
    -- 1 when a runner has taken the answer.
    delivered INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    -- The idempotency key that its answer came with.
    answer_key TEXT
  );
  CREATE INDEX requests_of_session ON requests (session_id);
  CREATE INDEX requests_of_turn ON requests (turn_id);
  CREATE INDEX requests_pending ON requests (position) WHERE status = 'pending';
  `,
  `
  -- Tokens of the account, not the tokens themselves.
  CREATE TABLE tokens (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT,
    -- As JSON. Null, as created_at, for one that was minted elsewhere: it is here because it was revoked.
    scopes TEXT,
    session_id TEXT,
    created_at INTEGER,
    expires_at INTEGER,
    revoked_at INTEGER
  );
  CREATE INDEX tokens_expiring ON tokens (expires_at) WHERE expires_at IS NOT NULL;
  `,
  `
  -- What was used, apart from the sessions, which it outlives.
  CREATE TABLE usage (
    turn_id TEXT NOT NULL,
    -- Empty in the row that stands for the turn itself, once it has ended.
    model TEXT NOT NULL,
    -- In UTC, YYYY-MM-DD.
    day TEXT NOT NULL,
    session_id TEXT NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_creation_input_tokens INTEGER NOT NULL DEFAULT 0,
    -- Picodollars.
    cost INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (turn_id, model, day)
  ) WITHOUT ROWID;
  CREATE INDEX usage_of_day ON usage (day);

  INSERT INTO usage (turn_id, model, day, session_id)
    SELECT id, '', date(ended_at / 1000, 'unixepoch'), session_id FROM turns WHERE ended_at IS NOT NULL;
  `,
  fillUsage,
  `
  -- Model calls as the gateway counted them: for budgets, and for what no result of the Agent SDK tells of.
  CREATE TABLE model_calls (
    id INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_input_tokens INTEGER NOT NULL,
    cache_creation_input_tokens INTEGER NOT NULL,
    -- Picodollars.
    cost INTEGER NOT NULL,
    -- A result may still tell of it.
    open INTEGER NOT NULL
  );
  CREATE INDEX model_calls_of_day ON model_calls (day);
  CREATE INDEX model_calls_open ON model_calls (session_id) WHERE open = 1;

  -- Up to which call of a session a result told of them, or nothing will any more.
  CREATE TABLE metered (
    session_id TEXT PRIMARY KEY,
    told INTEGER NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;

  -- Limits of this account's own; NULL: none.
  CREATE TABLE limits (name TEXT PRIMARY KEY, value REAL) WITHOUT ROWID;
  `,
  `
  -- Sessions that stand for one request of the Messages API each. "asked": its model call was let through.
  CREATE TABLE message_sessions (session_id TEXT PRIMARY KEY, asked INTEGER NOT NULL DEFAULT 0);

  -- What the turns of such sessions begin with, as JSON.
  CREATE TABLE message_starts (
    session_id TEXT NOT NULL,
    part INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (session_id, part)
  ) WITHOUT ROWID;
  `,
  `
  -- Directories of workspaces, by the hash of what they hold.
  CREATE TABLE trees (
    hash TEXT NOT NULL,
    part INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (hash, part)
  ) WITHOUT ROWID;

  -- The contents of files, and the packs that hold them. "whole" is 0 while one is being written.
  CREATE TABLE packs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    place TEXT NOT NULL,
    size INTEGER NOT NULL,
    whole INTEGER NOT NULL
  );
  CREATE TABLE blobs (
    hash TEXT PRIMARY KEY,
    pack INTEGER NOT NULL,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX blobs_of_pack ON blobs (pack);

  -- Packs where there is no R2.
  CREATE TABLE pack_parts (
    pack INTEGER NOT NULL,
    part INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (pack, part)
  );

  -- States of workspaces. "seq" is that of the event that told of it, 0 for what a fork began with.
  CREATE TABLE checkpoints (
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    turn_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    root TEXT NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    skipped TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, seq)
  ) WITHOUT ROWID;

  -- The boot of the runner that has a session's files, the state it has them in, and the session's own state that this
  -- goes on from. "whole" is 0 when something of the runner's could not be stored.
  CREATE TABLE workspaces (
    session_id TEXT PRIMARY KEY,
    boot TEXT NOT NULL,
    root TEXT NOT NULL,
    base TEXT NOT NULL,
    whole INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- Something is of no use any more, and is to be collected from then on.
  CREATE TABLE garbage (due_at INTEGER NOT NULL);

  -- Where the session's transcript stood when the turn ended.
  ALTER TABLE turns ADD COLUMN transcript_end INTEGER;
  -- The files that go with the prompt, as JSON: by hash until its turn has come, by path from then on.
  ALTER TABLE turns ADD COLUMN attachments TEXT;
  `,
  (sql) => {
    // What the keys of the account's objects in R2 hold, so that nobody else can name one.
    sql.exec("CREATE TABLE r2_secret (secret TEXT NOT NULL)");
    sql.exec("INSERT INTO r2_secret VALUES (?)", crypto.randomUUID());
  },
];

/** What the turns before the table used, read off the events that ended them. */
function fillUsage(sql: SqlStorage): void {
  const ended = all<{ id: string; session_id: string; end_seq: number; day: string }>(
    sql,
    `SELECT id, session_id, end_seq, date(ended_at / 1000, 'unixepoch') AS day
      FROM turns WHERE end_seq IS NOT NULL AND ended_at IS NOT NULL`,
  );
  // A row that does not fit would keep the account from starting ever again.
  const figure = (value: unknown) => Math.round(Number(value) || 0);
  for (const { id, session_id, end_seq, day } of ended) {
    const parts = all<{ data: string }>(
      sql,
      "SELECT data FROM events WHERE session_id = ? AND seq = ? ORDER BY part",
      session_id,
      end_seq,
    );
    const json = parts.map(({ data }) => data).join("") || "{}";
    const { usage } = JSON.parse(json) as {
      usage?: { models?: Record<string, Record<string, unknown>> };
    };
    for (const [model, figures] of Object.entries(usage?.models ?? {})) {
      sql.exec(
        "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        id,
        model,
        day,
        session_id,
        figure(figures.input_tokens),
        figure(figures.output_tokens),
        figure(figures.cache_read_input_tokens),
        figure(figures.cache_creation_input_tokens),
        figure(Number(figures.cost_usd) * 1e12),
      );
    }
  }
}

/** Brings an account's storage to the newest schema, in one transaction. */
export function migrate(storage: DurableObjectStorage): void {
  const { sql } = storage;
  sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
  const version = Number(
    sql.exec("SELECT max(version) AS version FROM schema_version").one().version,
  );
  if (version >= MIGRATIONS.length) return;
  storage.transactionSync(() => {
    for (const [index, step] of MIGRATIONS.entries()) {
      if (index < version) continue;
      if (typeof step === "string") sql.exec(step);
      else step(sql);
      sql.exec("INSERT INTO schema_version VALUES (?)", index + 1);
    }
  });
}
