/** The longest prompt, in UTF-8 bytes: about 260 000 tokens, and it fits one SQLite row (2 MB) with its envelope. */
export const MAX_PROMPT_BYTES = 1024 * 1024;

/** The largest options of a session, in characters of JSON: they fit one SQLite row. */
export const MAX_OPTIONS_CHARS = 600_000;

/** The largest request body, in bytes: a prompt whose every character is escaped in JSON still fits. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** The longest idempotency key, in characters. */
export const MAX_IDEMPOTENCY_KEY = 255;

/** How often an SSE stream carries a comment when there is nothing else, in milliseconds. */
export const HEARTBEAT_MS = 15_000;

/** How long a permission or question may wait for its answer unless the session says otherwise: 7 days, milliseconds. */
export const APPROVAL_TIMEOUT_MS: number = 7 * 24 * 60 * 60 * 1000;
