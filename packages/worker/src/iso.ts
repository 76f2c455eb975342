/** A time as callers see it: ISO 8601, in UTC. `ms`: since 1970. */
export const iso = (ms: number): string => new Date(ms).toISOString();
