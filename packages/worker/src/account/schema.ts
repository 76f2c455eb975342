import { SECRET_TABLE } from "../secrets/secret-table.js";

/** The tables of an account's object, as steps for `migrate`. */
export const ACCOUNT_SCHEMA: readonly string[] = [
  `
  -- The directory: what lists show of each session. The session itself has the rest.
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    -- What GET /v1/sessions/{id} answers, but for the status, as JSON.
    resource TEXT NOT NULL,
    -- 1 while a fork is being copied into it: it is in no list yet.
    hidden INTEGER NOT NULL,
    -- Since when its creation is under way; null once it has said that it exists.
    unconfirmed_since INTEGER,
    updated_at INTEGER NOT NULL,
    -- Its database and its files in R2, when it last told how it is listed.
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    -- What it adds to the network rules, as JSON: its own policy, and the hosts of its MCP servers.
    network TEXT
  );
  CREATE INDEX sessions_network ON sessions (id) WHERE network IS NOT NULL;
  CREATE INDEX sessions_newest ON sessions (updated_at DESC, id DESC);

  -- How far the outbox of each session has been applied.
  CREATE TABLE inbox (
    session_id TEXT PRIMARY KEY,
    applied INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- Turns that have not ended, in the order they came, and the slots of those that run.
  CREATE TABLE turns (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL,
    status TEXT NOT NULL,
    -- 1 when the session has been told that its turn may run.
    told INTEGER NOT NULL DEFAULT 0,
    -- When the session last confirmed that it holds the slot.
    confirmed_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER
  );
  CREATE INDEX turns_of_session ON turns (session_id);

  -- Open and resolved requests of sessions, without what they ask.
  CREATE TABLE requests (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL,
    status TEXT NOT NULL
  );
  CREATE INDEX requests_of_session ON requests (session_id);

  CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    session_id TEXT NOT NULL,
    turn_id TEXT,
    created_at INTEGER NOT NULL
  ) WITHOUT ROWID;

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

  -- Sessions that have been read with a token: they are told when it is revoked.
  CREATE TABLE token_readers (
    token TEXT NOT NULL,
    session_id TEXT NOT NULL,
    PRIMARY KEY (token, session_id)
  ) WITHOUT ROWID;

  -- Usage. It outlives the sessions.
  CREATE TABLE usage (
    -- Empty, as the session, for what was used outside of them.
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
    PRIMARY KEY (turn_id, model, day, session_id)
  ) WITHOUT ROWID;
  CREATE INDEX usage_of_day ON usage (day);

  -- Model calls as the gateway counted them. Budgets go by them.
  CREATE TABLE spending (
    session_id TEXT NOT NULL,
    call INTEGER NOT NULL,
    day TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    -- Picodollars.
    cost INTEGER NOT NULL,
    PRIMARY KEY (session_id, call)
  ) WITHOUT ROWID;

  -- What sessions may spend without asking. Costs are picodollars.
  CREATE TABLE budget_leases (
    session_id TEXT PRIMARY KEY,
    tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- Packs in R2 that sessions refer to and that are in the folders of others, which they were forked from.
  CREATE TABLE pack_uses (
    folder TEXT NOT NULL,
    pack TEXT NOT NULL,
    PRIMARY KEY (folder, pack)
  ) WITHOUT ROWID;
  CREATE INDEX pack_uses_of_pack ON pack_uses (pack);

  -- What sessions have released of their own folders in R2: a pack, or all of a folder by its name with a slash.
  CREATE TABLE pack_garbage (
    key TEXT PRIMARY KEY,
    -- When it may be deleted; null while other sessions refer to it.
    due_at INTEGER,
    -- Of a folder: the last pack that was looked at.
    after TEXT NOT NULL DEFAULT ''
  ) WITHOUT ROWID;
  CREATE INDEX pack_garbage_due ON pack_garbage (due_at) WHERE due_at IS NOT NULL;

  -- Folders whose session is gone, and whose uses are yet to be released.
  CREATE TABLE gone_folders (folder TEXT PRIMARY KEY) WITHOUT ROWID;

  -- One row once anything was stored for the account.
  CREATE TABLE account (
    created_at INTEGER NOT NULL,
    -- The first activity since the last report to the deployment's list.
    active_at INTEGER NOT NULL,
    -- 1 when that list knows of it.
    reported INTEGER NOT NULL,
    -- NULL: it is in no list yet.
    reported_at INTEGER
  );

  -- One row since the account was first erased, which outlives that: tokens and model calls of before count for nothing.
  CREATE TABLE erasure (
    started_at INTEGER NOT NULL,
    -- NULL while it goes on.
    ended_at INTEGER,
    -- Steps that failed since the last that did not, and why.
    failures INTEGER NOT NULL,
    error TEXT
  );

  -- The account's own network policy, as JSON; no row without one.
  CREATE TABLE network (policy TEXT NOT NULL);

  -- Hosts that were allowed when somebody was asked, as patterns of allowed_hosts.
  CREATE TABLE network_grants (
    position INTEGER PRIMARY KEY,
    -- Both empty: for the account; no turn: for the session.
    session_id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    host TEXT NOT NULL,
    UNIQUE (session_id, turn_id, host)
  );

  -- Limits of this account's own; NULL: none.
  CREATE TABLE limits (name TEXT PRIMARY KEY, value REAL) WITHOUT ROWID;
  ${SECRET_TABLE}`,
  `
  -- Which of its session's queued turns comes first: 0 one that has begun, 1 now, 2 next, 3 later.
  ALTER TABLE turns ADD COLUMN rank INTEGER NOT NULL DEFAULT 3;
  `,
  `
  -- The one request that a token is for, which is of its session.
  ALTER TABLE tokens ADD COLUMN request_id TEXT;

  -- What changed in the account: ids and times, for a day.
  CREATE TABLE feed (
    -- At least the time of its writing in milliseconds, so that one of before an erasure is never one of after it.
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    -- Empty for what is of the account.
    session_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- The other fields, as JSON.
    ids TEXT NOT NULL
  );
  -- One row once entries were removed: the newest of those.
  CREATE TABLE feed_removed (seq INTEGER NOT NULL);

  -- The account's own webhooks.
  CREATE TABLE webhooks (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT,
    url TEXT NOT NULL,
    -- As JSON; NULL: all.
    types TEXT,
    created_at INTEGER NOT NULL,
    -- Its secret, sealed, and the one before it with the time up to which that signs too.
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    old_key_id TEXT,
    old_sealed BLOB,
    old_until INTEGER
  );

  -- How webhooks fare, those of the deployment too. No row: well.
  CREATE TABLE webhook_health (
    webhook TEXT PRIMARY KEY,
    failing_since INTEGER,
    -- 1: it is off.
    off INTEGER NOT NULL,
    -- Why, if not by its owner.
    reason TEXT
  ) WITHOUT ROWID;

  -- What webhooks are to be sent, and for some days what they were.
  CREATE TABLE deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook TEXT NOT NULL,
    message TEXT NOT NULL,
    -- Empty for what is of the account.
    session_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When it may be tried. While it is tried, when that counts as lost.
    next_at INTEGER NOT NULL,
    last_status INTEGER,
    last_error TEXT
  );
  CREATE INDEX deliveries_pending ON deliveries (webhook, session_id, position)
    WHERE status = 'pending';`,
  `
  -- Who did what, for 90 days.
  CREATE TABLE audit (
    -- At least the time of its writing in milliseconds: what is older than some time has a smaller number.
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    -- The rest of it, as JSON.
    entry TEXT NOT NULL
  );`,
];
