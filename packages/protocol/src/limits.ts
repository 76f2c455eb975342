/** The longest prompt, in UTF-8 bytes: about 260 000 tokens, and it fits one SQLite row (2 MB) with its envelope. */
export const MAX_PROMPT_BYTES = 1024 * 1024;

/** The largest options of a session, in characters of JSON: they fit one SQLite row. */
export const MAX_OPTIONS_CHARS = 600_000;

/** The largest request body, in bytes: a prompt whose every character is escaped in JSON still fits. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** How deep a request body may be nested: what serialises it on the way recurses. */
export const MAX_JSON_DEPTH = 128;

/** How long a request body may take to arrive, in milliseconds. */
export const BODY_TIMEOUT_MS = 30_000;

/** The longest path with its query, in characters. */
export const MAX_PATH_CHARS = 4_096;

/** The most that the headers of a request may hold, names and values, in characters; those of proxies count too. */
export const MAX_HEADER_CHARS: number = 32 * 1024;

/** The longest idempotency key, in characters. */
export const MAX_IDEMPOTENCY_KEY = 255;

/** How often an SSE stream carries a comment when there is nothing else, in milliseconds. */
export const HEARTBEAT_MS = 15_000;

/** How long a permission or question may wait for its answer unless the session says otherwise: 7 days, milliseconds. */
export const APPROVAL_TIMEOUT_MS: number = 7 * 24 * 60 * 60 * 1000;
