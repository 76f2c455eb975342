import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { ClaudeEdge } from "@claude-edge/client";

import type { Context } from "./context.js";

/** Where a running `claude-edge dev` says how to reach it, below the project's folder. */
export const DEV_FILE: string = join(".wrangler", "claude-edge", "dev.json");

/** The flags of each command that talks to a deployment. */
export interface TargetFlags {
  account?: string;
  url?: string;
}

/** What is in {@link DEV_FILE}. */
export interface DevFile {
  url: string;
  token: string;
  /** The process that serves it. */
  pid: number;
}

/** The deployment's URL: `--url`, else CLAUDE_EDGE_URL, else that of the `dev` in this folder or one above it. */
export const urlOf = (flags: TargetFlags, { env, cwd }: Context): string | undefined =>
  namedUrl(flags, env) ?? findDev(cwd)?.url;

const namedUrl = ({ url }: TargetFlags, env: Context["env"]) =>
  url || env.CLAUDE_EDGE_URL || undefined;

/**
 * The deployment to talk to, see {@link urlOf}. A `dev` is sent its own key and no other: its file may come with
 * somebody else's folder.
 * @throws ClaudeEdgeError `no_url`, `unauthorized`.
 */
export function connect(flags: TargetFlags, { env, cwd, stderr }: Context): ClaudeEdge {
  const named = namedUrl(flags, env);
  const dev = findDev(cwd);
  const isDev = dev !== undefined && (named === undefined || originOf(named) === originOf(dev.url));
  return new ClaudeEdge({
    baseURL: named ?? dev?.url,
    token: isDev && !(named && env.CLAUDE_EDGE_TOKEN) ? dev.token : env.CLAUDE_EDGE_TOKEN,
    account: flags.account ?? (env.CLAUDE_EDGE_ACCOUNT || undefined),
    onRetry: ({ error, attempt }) => {
      // The first is often all it takes, and not worth a word.
      if (attempt > 1) stderr.write(`note: ${error.message} Trying again.\n`);
    },
  });
}

/** The `dev` that runs for a folder, or for one above it. */
function findDev(folder: string): DevFile | undefined {
  const dev = readDevFile(folder);
  const parent = dirname(folder);
  return dev ?? (parent === folder ? undefined : findDev(parent));
}

/** The `dev` that runs in a folder. */
export function readDevFile(folder: string): DevFile | undefined {
  const path = join(folder, DEV_FILE);
  if (!existsSync(path)) return undefined;
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as DevFile;
    const isAlive = Number.isInteger(file.pid) && file.pid > 0 && process.kill(file.pid, 0);
    return isAlive && originOf(file.url)?.startsWith("http://localhost:") ? file : undefined;
  } catch {
    // Left behind, or half written, by a `dev` that was killed: as good as none.
    return undefined;
  }
}

/** The origin of a URL, under one name for this machine; undefined for what is none. */
function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  return new URL(url).origin.replace(/^http:\/\/(127\.0\.0\.1|\[::1\])(?=:|$)/, "http://localhost");
}
