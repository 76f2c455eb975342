import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ClaudeEdge } from "@claude-edge/client";

import type { Context } from "./context.js";

/** Where a running `claude-edge dev` says how to reach it, below the project's folder. */
export const DEV_FILE: string = join(".wrangler", "claude-edge", "dev.json");

/** What is in {@link DEV_FILE}. */
export interface DevFile {
  url: string;
  token: string;
  /** The process that serves it. */
  pid: number;
}

/**
 * The deployment to talk to: `--url`, else CLAUDE_EDGE_URL, else the `claude-edge dev` that runs in this folder.
 * The key comes from CLAUDE_EDGE_TOKEN, or with that `dev`.
 * @throws ClaudeEdgeError `no_url`, `unauthorized`.
 */
export function connect(
  { url, account }: { url?: string; account?: string },
  context: Context,
): ClaudeEdge {
  const { env, cwd } = context;
  const baseURL = url ?? env.CLAUDE_EDGE_URL;
  const dev = readDevFile(cwd);
  const isDev = baseURL === undefined || baseURL === dev?.url;
  return new ClaudeEdge({
    baseURL: baseURL ?? dev?.url,
    token: env.CLAUDE_EDGE_TOKEN ?? (isDev ? dev?.token : undefined),
    account: account ?? env.CLAUDE_EDGE_ACCOUNT,
  });
}

function readDevFile(folder: string): DevFile | undefined {
  const path = join(folder, DEV_FILE);
  if (!existsSync(path)) return undefined;
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as DevFile;
    process.kill(file.pid, 0);
    return file;
  } catch {
    // Left behind, or half written, by a `dev` that was killed: as good as none.
    return undefined;
  }
}
