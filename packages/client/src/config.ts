import { wireError } from "@claude-edge/protocol";

import { ClaudeEdgeError } from "./errors.js";

/** A repetition that is about to be made. */
export interface Retry {
  /** What failed. */
  error: ClaudeEdgeError;
  /** 1 for the first repetition. */
  attempt: number;
  delayMs: number;
}

/** How to reach a deployment. */
export interface ClientOptions {
  /** The deployment's URL; `CLAUDE_EDGE_URL` without it. */
  baseURL?: string | undefined;
  /** Its key or an account token; `CLAUDE_EDGE_TOKEN` without it. */
  token?: string | undefined;
  /** The account to act for. Only the root key may name one. */
  account?: string | undefined;
  /** Used instead of the runtime's own `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /** How often a request that failed for a passing reason is repeated; 2 by default. */
  maxRetries?: number | undefined;
  /** How often in a row a stream is taken up again without an event in between; 5 by default. */
  maxReconnects?: number | undefined;
  /** How long an answer may take to begin, milliseconds; 120 000 by default, for a container may have to start. */
  headersTimeout?: number | undefined;
  /** Told of every repetition before it is waited for: of a request, and of a stream's connection. */
  onRetry?: ((retry: Retry) => void) | undefined;
  /** How long a stream may be silent, milliseconds; 45 000 by default, three of the deployment's heartbeats. */
  idleTimeout?: number | undefined;
}

export interface Config {
  baseURL: string;
  token: string;
  account: string | undefined;
  fetch: typeof globalThis.fetch;
  maxRetries: number;
  maxReconnects: number;
  headersTimeout: number;
  idleTimeout: number;
  onRetry: (retry: Retry) => void;
}

/** Variables of the environment, in runtimes that have one. */
function environment(name: string): string | undefined {
  const runtime = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return runtime.process?.env?.[name] || undefined;
}

/** What cannot go into a header is refused by name: fetch would put its value into the message. */
export function assertHeaderValue(name: string, value: string): void {
  if (/^[\x21-\x7e]+$/.test(value)) return;
  const message = `${name}: must be printable ASCII without blanks.`;
  throw new ClaudeEdgeError(wireError("invalid_request", message));
}

/** Fills in what was left out. @throws ClaudeEdgeError `no_url`, `unauthorized`, `invalid_request`. */
export function resolveConfig(options: ClientOptions): Config {
  const baseURL = options.baseURL ?? environment("CLAUDE_EDGE_URL");
  if (!baseURL) throw new ClaudeEdgeError(wireError("no_url", "No deployment is named."));
  if (!/^https?:\/\/[^/]/i.test(baseURL)) {
    const message = `${baseURL} is not the URL of a deployment: it must begin with https:// or http://.`;
    throw new ClaudeEdgeError(wireError("no_url", message));
  }
  const token = options.token ?? environment("CLAUDE_EDGE_TOKEN");
  if (!token) throw new ClaudeEdgeError(wireError("unauthorized", "No key is given."));
  assertHeaderValue("token", token);
  assertHeaderValue("account", options.account ?? "x");
  return {
    baseURL: baseURL.replace(/\/+$/, ""),
    token,
    account: options.account,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    maxRetries: options.maxRetries ?? 2,
    maxReconnects: options.maxReconnects ?? 5,
    headersTimeout: options.headersTimeout ?? 120_000,
    idleTimeout: options.idleTimeout ?? 45_000,
    onRetry: options.onRetry ?? (() => {}),
  };
}
