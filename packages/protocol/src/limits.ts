/** The longest prompt, in UTF-8 bytes: about 260 000 tokens, and it fits one SQLite row (2 MB) with its envelope. */
export const MAX_PROMPT_BYTES = 1024 * 1024;

/** The largest request body, in bytes: a prompt whose every character is escaped in JSON still fits. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** The longest idempotency key, in characters. */
export const MAX_IDEMPOTENCY_KEY = 255;

/** How often an SSE stream carries a comment when there is nothing else, in milliseconds. */
export const HEARTBEAT_MS = 15_000;
