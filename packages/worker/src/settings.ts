import type { Env } from "./env.js";

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** The platform keeps an inactive container for 6 h; before it ends one, its files must have been stored. */
export const MAX_INACTIVE_MS: number = 6 * UNITS.h;
export const SLEEP_GRACE_MS: number = 5 * UNITS.m;
const MAX_SLEEP_AFTER_MS = MAX_INACTIVE_MS - SLEEP_GRACE_MS;

/** A duration like `90s`, `20m` or `2h`, in milliseconds; `otherwise` for one that cannot be read. */
function duration(text: string | undefined, otherwise: number): number {
  const match = /^(\d+)([smh])$/.exec(text ?? "");
  return match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : otherwise;
}

/** How long a container without work is kept, in milliseconds. */
export function sleepAfterMs(env: Env): number {
  const ms = duration(env.CLAUDE_EDGE_SLEEP_AFTER, 20 * UNITS.m);
  return Math.min(Math.max(ms, UNITS.s), MAX_SLEEP_AFTER_MS);
}

/** How long a container may take until its runner answers. Field reports of cold starts go up to a minute. */
export function startTimeoutMs(env: Env): number {
  return Math.max(duration(env.CLAUDE_EDGE_START_TIMEOUT, 90 * UNITS.s), UNITS.s);
}

/** How long a process is held for an approval that nobody gives, in milliseconds. */
export function holdMs(env: Env): number {
  return Math.min(duration(env.CLAUDE_EDGE_HOLD, 2 * UNITS.m), MAX_SLEEP_AFTER_MS);
}

/** How long hooks and MCP calls wait for their caller to come back, in milliseconds. */
export function callerGraceMs(env: Env): number {
  return duration(env.CLAUDE_EDGE_CALLER_GRACE, 30 * UNITS.s);
}

/** The most that an account's files may take where there is no R2: a Durable Object has 10 GB, for all it keeps. */
export function sqliteFilesBytes(env: Env): number {
  const given = Number(env.CLAUDE_EDGE_SQLITE_FILES_MIB);
  return (given > 0 ? given : 1024) * 1024 * 1024;
}

/** Whether containers are started from the platform's snapshots, where there are some. */
export function wantsSnapshots(env: Env): boolean {
  return env.CLAUDE_EDGE_SNAPSHOTS === "true";
}

/** Whether the sessions of an account share a container. */
export function isShared(env: Env): boolean {
  return env.CLAUDE_EDGE_ISOLATION !== "session";
}

/** The name of the container a session runs in. */
export function containerName(env: Env, account: string, session: string): string {
  // An account's name holds no slash, so the two forms cannot meet.
  return isShared(env) ? account : `${account}/${session}`;
}

/** The account a container belongs to, by the container's name. */
export function accountOf(container: string): string {
  return container.split("/", 1)[0]!;
}
