/** The tables of a session's object, as steps for `migrate`. */
export const SESSION_SCHEMA: readonly string[] = [
  `
  -- One row.
  CREATE TABLE session (
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    title TEXT,
    tags TEXT NOT NULL,
    options TEXT NOT NULL,
    on_container_lost TEXT NOT NULL,
    -- How long a permission or question may wait for its answer, milliseconds.
    approval_timeout_ms INTEGER,
    -- How long it is kept after its last activity, seconds, and when that was set.
    expires_in INTEGER,
    expires_in_since INTEGER,
    -- The session and message it was forked from, as JSON.
    forked_from TEXT,
    container TEXT NOT NULL,
    -- 1 for one that stands for a request of the Messages API: in no list, and deleted with its answer.
    ephemeral INTEGER NOT NULL DEFAULT 0,
    -- 1 when its deletion has begun: what is left is deleted by the object's alarm.
    deleting INTEGER NOT NULL DEFAULT 0,
    -- The boot of the runner that has its transcript.
    transcript_boot TEXT,
    -- The runner whose log is followed, since which event, and the cursor up to which frames are applied. Events carry
    -- the cursor too: whichever is higher counts, so that an event is one row.
    log_boot TEXT,
    log_since INTEGER NOT NULL DEFAULT 0,
    log_cursor INTEGER NOT NULL DEFAULT 0,
    -- The frame of that log that could not be applied, by its cursor, and how often it was tried.
    failing_cursor INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    -- A seq that no event was stored under: it was skipped to, or a delta had it. Otherwise the newest event's is higher.
    seq INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );

  CREATE TABLE turns (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    prompt TEXT NOT NULL,
    -- 1 when the prompt is content blocks, as JSON.
    blocks INTEGER NOT NULL,
    -- The caller's span, as W3C traceparent.
    traceparent TEXT,
    -- The id of the HTTP request that it came with.
    request_id TEXT,
    -- The files that go with the prompt, as JSON: by hash while it is queued, by path from then on.
    attachments TEXT,
    -- The boot of the runner that took it; null until one has.
    boot TEXT,
    -- Since when it waits for a container that the platform does not have, once readers were told.
    waiting_since INTEGER,
    interrupted INTEGER NOT NULL DEFAULT 0,
    -- How often it was begun again because its container was lost.
    resumed INTEGER NOT NULL DEFAULT 0,
    -- Its first event.
    first_seq INTEGER,
    -- Tools of the agent that it may run a second time, as JSON.
    repeatable_tools TEXT,
    -- Where it begins to run: in the session's events, and in the runner's log. From here a restart reads again.
    start_seq INTEGER,
    start_cursor INTEGER,
    -- The event that holds its result: results can be larger than a row may be, events are cut into parts.
    end_seq INTEGER,
    -- Where the transcript stood at its end.
    transcript_end INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    -- When the first piece of its answer came.
    first_token_at INTEGER,
    ended_at INTEGER,
    -- How long it waited for answers with no process held for it, milliseconds, and since when it does now.
    awaited_ms INTEGER NOT NULL DEFAULT 0,
    awaiting_since INTEGER,
    -- The steps that were measured, as JSON: see TurnTimings.
    timing TEXT
  );
  CREATE INDEX turns_open ON turns (position) WHERE status IN ('queued', 'running', 'waiting');
  CREATE INDEX turns_ended ON turns (end_seq) WHERE end_seq IS NOT NULL;

  CREATE TABLE events (
    -- Its seq and part: see partKey.
    id INTEGER PRIMARY KEY,
    turn_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- 1 when it originates here and is in no runner's log.
    own INTEGER NOT NULL,
    -- The frame of the runner's log up to which everything is applied with it.
    cursor INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    data TEXT NOT NULL
  );

  -- A row is what a frame brought: a list of entries, as JSON.
  CREATE TABLE transcripts (
    -- Its position and part: see partKey.
    id INTEGER PRIMARY KEY,
    -- A subagent's transcript; empty for the main one.
    subpath TEXT NOT NULL,
    data TEXT NOT NULL
  );

  CREATE TABLE requests (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    turn_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    -- The main agent's tool use that it is about: only then can it outlive its process.
    tool_use_id TEXT,
    -- The events that hold what was asked, and how it was resolved.
    seq INTEGER NOT NULL,
    resolved_seq INTEGER,
    -- 1 when a runner has taken the answer, or none waits for it.
    delivered INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    -- The idempotency key that its answer came with.
    answer_key TEXT,
    -- The host that it is about, if it is about one: a turn asks once.
    host TEXT
  );
  CREATE INDEX requests_of_turn ON requests (turn_id);
  CREATE UNIQUE INDEX requests_of_host ON requests (turn_id, host) WHERE host IS NOT NULL;
  CREATE INDEX requests_pending ON requests (position) WHERE status = 'pending';

  -- Keys of requests to this session that make no turn; those that do are in the account.
  CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- Notices for the account that are not delivered yet, in order: a row is a list of those of one change, as JSON.
  CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT NOT NULL);

  -- Model calls that no result of the Agent SDK has accounted for.
  CREATE TABLE model_calls (
    id INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_input_tokens INTEGER NOT NULL,
    cache_creation_input_tokens INTEGER NOT NULL,
    -- Picodollars.
    cost INTEGER NOT NULL,
    -- A result may still account for it.
    open INTEGER NOT NULL
  );
  -- One row: up to which call a result accounted for them, and up to which none will any more.
  CREATE TABLE metered (told INTEGER NOT NULL, ended INTEGER NOT NULL);

  -- Of an ephemeral session: how its turn begins, as JSON, and whether its one model call was let through.
  CREATE TABLE message (asked INTEGER NOT NULL);
  CREATE TABLE message_start (part INTEGER PRIMARY KEY, data TEXT NOT NULL);

  -- Directories of the workspace, by the hash of what they hold.
  CREATE TABLE trees (
    -- Begins with the first bits of the hash: see TreeTable.
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    data TEXT NOT NULL
  );

  -- Packs of the contents of files.
  CREATE TABLE packs (
    id INTEGER PRIMARY KEY,
    -- Its key in R2, below the account's prefix; null for one in pack_parts.
    key TEXT,
    size INTEGER NOT NULL,
    -- 0 while it is being written.
    whole INTEGER NOT NULL,
    -- What is in it: a list of hash, start and size, as JSON.
    blobs TEXT NOT NULL
  );

  -- One row: where the session's own packs are in R2. Part of their keys, which makes them unguessable.
  CREATE TABLE pack_folder (name TEXT NOT NULL);

  -- Packs where there is no R2.
  CREATE TABLE pack_parts (
    -- The pack and the part: see partKey.
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
  );

  -- States of the workspace. "seq" is that of the event that announced it, 0 for what a fork began with.
  CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY,
    turn_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    root TEXT NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    skipped TEXT,
    created_at INTEGER NOT NULL
  );

  -- One row: the boot of the runner that has the files, the state it has them in, and the session's own state that this
  -- goes on from. "whole" is 0 when something of the runner's could not be stored.
  CREATE TABLE workspace (
    boot TEXT NOT NULL,
    root TEXT NOT NULL,
    base TEXT NOT NULL,
    whole INTEGER NOT NULL
  );

  -- The boots of runners that were given up on.
  CREATE TABLE lost_runners (position INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL UNIQUE);

  -- What the container asked of hosts, by turn.
  CREATE TABLE traffic (
    turn_id TEXT NOT NULL,
    host TEXT NOT NULL,
    requests INTEGER NOT NULL,
    denied INTEGER NOT NULL,
    sent_bytes INTEGER NOT NULL,
    received_bytes INTEGER NOT NULL,
    PRIMARY KEY (turn_id, host)
  ) WITHOUT ROWID;

  -- Frames that could not be applied, the newest of them, for whoever looks into it.
  CREATE TABLE poisoned_frames (
    position INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    turn_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    error TEXT NOT NULL,
    -- Its beginning, as JSON.
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );

  -- One row: up to which checkpoint they are thinned, how many were removed since the last garbage collection began, and
  -- when one is due; null when none is.
  CREATE TABLE upkeep (thinned_to INTEGER NOT NULL, removed INTEGER NOT NULL, collect_at INTEGER);
  INSERT INTO upkeep (thinned_to, removed, collect_at) VALUES (0, 0, NULL);
  `,
  `
  -- What its prompt does while another turn runs: now, next; null: later.
  ALTER TABLE turns ADD COLUMN priority TEXT;
  -- The fields of its user message beside the content, as JSON.
  ALTER TABLE turns ADD COLUMN fields TEXT;
  -- The turn that has taken its prompt in and that it ends with.
  ALTER TABLE turns ADD COLUMN steered_turn TEXT;
  CREATE INDEX turns_steering ON turns (position) WHERE priority IS NOT NULL;
  `,
  `
  -- Turns that have ended, and that the collector has yet to be told of.
  CREATE TABLE unsent_turns (
    turn_id TEXT PRIMARY KEY,
    -- traces: its trace, and then its metrics. metrics: these alone.
    what TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- Tasks that run in the background, as JSON: see Background. Null when there are none.
  ALTER TABLE session ADD COLUMN background TEXT;
  `,
];
