import {
  DEFAULT_NETWORK_POLICY,
  deploymentWebhooks,
  EdgeError,
  isWebhookSecret,
  networkPolicy,
  type NetworkPolicy,
  type SessionOptions,
  type WebhookType,
} from "@claude-edge/protocol";

import type { Env } from "./env.js";

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DAY_MS = 24 * UNITS.h;

/** The platform ends an inactive container after 6 h. Its files must be stored before that. */
export const MAX_INACTIVE_MS: number = 6 * UNITS.h;
export const SLEEP_GRACE_MS: number = 5 * UNITS.m;
const MAX_SLEEP_AFTER_MS = MAX_INACTIVE_MS - SLEEP_GRACE_MS;

/** Parses a duration like `90s`, `20m` or `2h` to milliseconds; `fallback` if it is invalid. */
function duration(text: string | undefined, fallback: number): number {
  const match = /^(\d+)([smh])$/.exec(text ?? "");
  return match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : fallback;
}

/** How long an idle container is kept, in milliseconds. */
export function sleepAfterMs(env: Env): number {
  const ms = duration(env.CLAUDE_EDGE_SLEEP_AFTER, 20 * UNITS.m);
  return Math.min(Math.max(ms, UNITS.s), MAX_SLEEP_AFTER_MS);
}

/** How long a container may take until its runner answers. Field reports of cold starts go up to a minute. */
export function startTimeoutMs(env: Env): number {
  return Math.max(duration(env.CLAUDE_EDGE_START_TIMEOUT, 90 * UNITS.s), UNITS.s);
}

/** The platform kills a container 15 minutes after it was told to end. */
const MAX_DRAIN_MS = 14 * UNITS.m;

/** How long running turns may go on in a container that was told to end, in milliseconds. */
export function drainMs(env: Env): number {
  return Math.min(duration(env.CLAUDE_EDGE_DRAIN, MAX_DRAIN_MS), MAX_DRAIN_MS);
}

/** A mistyped setting must not keep containers for ever. */
const MAX_BACKGROUND_MS = DAY_MS;

/** How long tasks in the background, and what they cause, may go on after a session's last turn, in milliseconds. */
export function backgroundMs(env: Env): number {
  return Math.min(duration(env.CLAUDE_EDGE_BACKGROUND, UNITS.h), MAX_BACKGROUND_MS);
}

/** How long a turn waits for a container that cannot be had now, in milliseconds. */
export function capacityPatienceMs(env: Env): number {
  return duration(env.CLAUDE_EDGE_CAPACITY_PATIENCE, 10 * UNITS.m);
}

/** How long a process is held for a pending approval, in milliseconds. */
export function holdMs(env: Env): number {
  return Math.min(duration(env.CLAUDE_EDGE_HOLD, 2 * UNITS.m), MAX_SLEEP_AFTER_MS);
}

/** How long hooks and MCP calls wait for their caller to reconnect, in milliseconds. */
export function callerGraceMs(env: Env): number {
  return duration(env.CLAUDE_EDGE_CALLER_GRACE, 30 * UNITS.s);
}

/** Limit of a session's files without R2. */
export function sqliteFilesBytes(env: Env): number {
  const given = Number(env.CLAUDE_EDGE_SQLITE_FILES_MIB);
  return (given > 0 ? given : 1024) * 1024 * 1024;
}

/** What a Durable Object holds. */
const MAX_OBJECT_BYTES = 10_000_000_000;

/** What a session's object, or an account's, may store. */
export function objectBytes(env: Env): number {
  const given = Number(env.CLAUDE_EDGE_OBJECT_MIB);
  return given > 0 ? Math.min(given * 1024 * 1024, MAX_OBJECT_BYTES) : MAX_OBJECT_BYTES;
}

/** The longest retention, in days: dates stay within what ISO 8601 and JavaScript can express. */
const MAX_RETENTION_DAYS = 36_500;

/**
 * How long a session is kept after its last activity, in milliseconds; undefined: for ever.
 * @throws EdgeError `setting_invalid`: an unreadable time must neither delete sessions nor keep them.
 */
export function retentionMs(env: Env): number | undefined {
  const given = String(env.CLAUDE_EDGE_RETENTION ?? "").trim();
  if (given === "") return undefined;
  const [, count, unit] = /^([1-9]\d*)([smhd])$/.exec(given) ?? [];
  const ms = Number(count) * (unit === "d" ? DAY_MS : UNITS[unit as keyof typeof UNITS]);
  if (ms <= MAX_RETENTION_DAYS * DAY_MS) return ms;
  const form = `a time like 30d, 12h or 45m, ${MAX_RETENTION_DAYS}d at most`;
  const message = `CLAUDE_EDGE_RETENTION is ${JSON.stringify(given)}: it must be ${form}.`;
  throw new EdgeError("setting_invalid", message);
}

/** The same; with a setting that cannot be read nothing expires, and callers are told of it. */
export function readRetention(env: Env): number | undefined {
  try {
    return retentionMs(env);
  } catch {
    return undefined;
  }
}

/** The deployment's network policy. @throws EdgeError `setting_invalid`: an unreadable policy must not count as none. */
export const deploymentPolicy: (env: Env) => NetworkPolicy = jsonSetting(
  "CLAUDE_EDGE_NETWORK",
  (given) => {
    if (given === undefined) return DEFAULT_NETWORK_POLICY;
    const parsed = networkPolicy.safeParse(given);
    if (parsed.success) return parsed.data;
    throw invalidJson("CLAUDE_EDGE_NETWORK", "a network policy, as docs/network.md has them");
  },
);

/** The origins of private hosts, by name. @throws EdgeError `setting_invalid`. */
export const privateHosts: (env: Env) => ReadonlyMap<string, URL> = jsonSetting(
  "CLAUDE_EDGE_PRIVATE_HOSTS",
  (given = {}) => {
    const refusal = () =>
      invalidJson("CLAUDE_EDGE_PRIVATE_HOSTS", "origins by host name, like http://10.0.0.5");
    if (typeof given !== "object" || given === null || Array.isArray(given)) throw refusal();
    return new Map(
      Object.entries(given).map(([name, origin]: [string, unknown]) => {
        if (typeof origin === "string" && /^https?:\/\/[^/?#@]+\/?$/.test(origin) && name !== "") {
          return [name.toLowerCase(), new URL(origin)];
        }
        throw refusal();
      }),
    );
  },
);

/** A webhook of the deployment. */
export interface DeploymentWebhook {
  name: string;
  url: string;
  types?: WebhookType[] | undefined;
}

const configuredWebhooks: (env: Env) => DeploymentWebhook[] = jsonSetting(
  "CLAUDE_EDGE_WEBHOOKS",
  (given = []) => {
    const checked = deploymentWebhooks.safeParse(given);
    const names = new Set(checked.data?.map(({ name }) => name));
    if (checked.success && names.size === checked.data.length) return checked.data;
    throw invalidJson("CLAUDE_EDGE_WEBHOOKS", "an array of webhooks, as docs/webhooks.md has them");
  },
);

/** The deployment's webhooks. @throws EdgeError `setting_invalid`, also when there is nothing to sign them with. */
export function webhooksOf(env: Env): DeploymentWebhook[] {
  const webhooks = configuredWebhooks(env);
  if (webhooks.length > 0) webhookSecrets(env);
  return webhooks;
}

/** The secrets that sign the deployment's webhooks. @throws EdgeError `setting_invalid`. */
export function webhookSecrets(env: Env): string[] {
  const secrets = (env.CLAUDE_EDGE_WEBHOOK_SECRET ?? "").split(" ").filter((word) => word !== "");
  if (secrets.length > 0 && secrets.every(isWebhookSecret)) return secrets;
  const form = "whsec_ and the base64 of 24 to 64 random bytes";
  const message = `CLAUDE_EDGE_WEBHOOKS needs the secret CLAUDE_EDGE_WEBHOOK_SECRET: ${form}.`;
  throw new EdgeError("setting_invalid", message);
}

/** The pause before a webhook is tried a second time, milliseconds. */
export const webhookRetryMs = (env: Env): number =>
  duration(env.CLAUDE_EDGE_WEBHOOK_RETRY, 5 * UNITS.s);

/**
 * Reads a variable that holds JSON; wrangler.jsonc may give the object itself. A value is read once for as long as it stays
 * the same: each request of a container asks for it. `read` gets undefined when it is not set.
 */
function jsonSetting<Value>(
  variable: "CLAUDE_EDGE_NETWORK" | "CLAUDE_EDGE_PRIVATE_HOSTS" | "CLAUDE_EDGE_WEBHOOKS",
  read: (given: unknown) => Value,
): (env: Env) => Value {
  let last: { given: Env[typeof variable]; value: Value } | undefined;
  return ({ [variable]: given }) => {
    if (!last || last.given !== given) last = { given, value: read(parseJson(variable, given)) };
    return last.value;
  };
}

function parseJson(variable: keyof Env, given: string | object | undefined): unknown {
  if (typeof given !== "string") return given;
  if (given.trim() === "") return undefined;
  try {
    return JSON.parse(given);
  } catch {
    throw invalidJson(variable, "JSON");
  }
}

function invalidJson(variable: keyof Env, form: string): EdgeError {
  return new EdgeError("setting_invalid", `${variable} cannot be read: it must be ${form}.`);
}

/** Whether containers are started from the platform's snapshots, if there are any. */
export function wantsSnapshots(env: Env): boolean {
  return env.CLAUDE_EDGE_SNAPSHOTS === "true";
}

/** Whether the sessions of an account share a container. */
export function isShared(env: Env): boolean {
  return env.CLAUDE_EDGE_ISOLATION !== "session";
}

/** The name of the container a session runs in. One with a network policy has its own: a container has one policy. */
export function containerName(
  env: Env,
  account: string,
  session: string,
  { network }: Pick<SessionOptions, "network"> = {},
): string {
  // An account's name contains no slash, so the two forms cannot collide.
  return isShared(env) && network === undefined ? account : `${account}/${session}`;
}

/** The session that a container belongs to alone; undefined for one that sessions share. */
export function ownerOf(container: string): string | undefined {
  const [, session] = homeOf(container).split("/");
  return session;
}

/** Of the containers of an account those that belong to no single session. */
export const containersOf = (account: string): string[] =>
  [account, ...Object.values(OTHER_CONTAINERS).map((name) => `${account}/${name}`)].flatMap(
    withStandIn,
  );

const STAND_IN = "/stand-in";

/** The container that takes new turns while the one with this name drains. */
export const standInOf = (container: string): string => `${container}${STAND_IN}`;

/** The container that this one is, or is the stand-in of. */
export const homeOf = (container: string): string =>
  container.endsWith(STAND_IN) ? container.slice(0, -STAND_IN.length) : container;

/** A container that is no stand-in, and its stand-in. */
export const withStandIn = (home: string): string[] => [home, standInOf(home)];

/** Stand in the place of a session in a container's name; no session has such an id. */
export const OTHER_CONTAINERS = { messages: "messages", status: "status" } as const;

/** The name of a session's object. */
export const sessionName = (account: string, session: string): string => `${account}/${session}`;

/** The account a container or a session belongs to, by its object's name. */
export function accountOf(name: string): string {
  return name.split("/", 1)[0]!;
}

/** The default of `CLAUDE_EDGE_DIALECTS`. */
const DEFAULT_DIALECTS = "messages";

/** The names in `CLAUDE_EDGE_DIALECTS`, known or not. */
export function dialectNames(env: Env): string[] {
  // wrangler.jsonc may give an array; an environment variable is a comma-separated list.
  const names = String(env.CLAUDE_EDGE_DIALECTS ?? DEFAULT_DIALECTS).split(",");
  return names.map((name) => name.trim()).filter((name) => name !== "");
}
