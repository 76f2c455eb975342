/** Every status of a turn, in the order it can take them. Apart from the schemas, for clients that load none. */
export const TURN_STATUSES = [
  "queued",
  "running",
  "waiting",
  "completed",
  "failed",
  "interrupted",
] as const;
