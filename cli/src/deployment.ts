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

/** Which deployment to talk to, and as whom. */
export interface Target {
  baseURL: string | undefined;
  token: string | undefined;
  account: string | undefined;
  /** It is the `claude-edge dev` of this folder. */
  isDev: boolean;
}

/**
 * The deployment to talk to: `--url`, else CLAUDE_EDGE_URL, else the `claude-edge dev` that runs in this folder or one
 * above it. A `dev` is sent its own key and no other: its file may come with somebody else's folder.
 */
export function targetOf(
  { url, account }: TargetFlags,
  { env, cwd }: Pick<Context, "env" | "cwd">,
): Target {
  const named = url || env.CLAUDE_EDGE_URL || undefined;
  const dev = findDev(cwd);
  const isDev = dev !== undefined && (named === undefined || originOf(named) === originOf(dev.url));
  return {
    baseURL: named ?? dev?.url,
    token: isDev && !(named && env.CLAUDE_EDGE_TOKEN) ? dev.token : env.CLAUDE_EDGE_TOKEN,
    account: account ?? (env.CLAUDE_EDGE_ACCOUNT || undefined),
    isDev,
  };
}

/** A client of {@link targetOf}. @throws ClaudeEdgeError `no_url`, `unauthorized`. */
export function connect(flags: TargetFlags, context: Context): ClaudeEdge {
  const { baseURL, token, account } = targetOf(flags, context);
  return new ClaudeEdge({
    baseURL,
    token,
    account,
    onRetry: ({ error, attempt }) => {
      // The first is often all it takes, and not worth a word.
      if (attempt > 1) context.stderr.write(`note: ${error.message} Trying again.\n`);
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
