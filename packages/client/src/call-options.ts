/** Options that every call takes. */
export interface CallOptions {
  /** Aborts the call, not the turn. */
  signal?: AbortSignal | undefined;
  /** Makes the call safe to repeat, from another process too. Each call gets its own by default. */
  idempotencyKey?: string | undefined;
}
