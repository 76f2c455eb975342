const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A length of time in its largest unit: `42s`, `3m`, `5h`, `2d`. */
export function duration(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < SECONDS.m) return `${Math.max(0, Math.round(seconds))}s`;
  if (seconds < SECONDS.h) return `${Math.floor(seconds / SECONDS.m)}m`;
  if (seconds < SECONDS.d) return `${Math.floor(seconds / SECONDS.h)}h`;
  return `${Math.floor(seconds / SECONDS.d)}d`;
}

/** A length of time as people compare them: `12 ms`, `4.2 s`, `3 min`. */
export function shortTime(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 100_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** The seconds of a time that people type, like `90s`, `20m`, `12h` or `30d`; undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * SECONDS[unit as keyof typeof SECONDS];
}
