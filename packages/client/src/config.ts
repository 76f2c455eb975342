import { clientError } from "@claude-edge/protocol/wire";

import { sleep } from "./backoff.js";
import { ClaudeEdgeError } from "./errors.js";

/** A repetition that is about to be made. */
export interface Retry {
  /** What failed. */
  error: ClaudeEdgeError;
  /** 1 for the first repetition. */
  attempt: number;
  /** The pause before it, milliseconds. */
  delayMs: number;
}

/** Where time comes from; a test gives its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Waits; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A request that is about to be sent. */
export interface RequestInfo {
  /** `GET`, `POST`, `PUT`, `PATCH` or `DELETE`. */
  method: string;
  /** Path and query. */
  path: string;
  /** 0, and one more for every repetition. */
  attempt: number;
  /** Headers of your own; the client's own go before them. */
  headers: Headers;
}

/** An answer whose headers are there. */
export interface ResponseInfo extends Omit<RequestInfo, "headers"> {
  /** The HTTP status. */
  status: number;
  /** The id under which the deployment logged it. */
  requestId: string | undefined;
  /** From the request to the answer's headers, milliseconds. */
  durationMs: number;
}

/** Told what the client does: methods, paths, statuses, request ids. Never of a key, a prompt or an answer. */
export interface Logger {
  /** Told of every answer: `GET /v1/sessions 200`, with `requestId` and `durationMs`. */
  debug(message: string, fields: Record<string, unknown>): void;
  /**
   * Told of every repetition, with `code`, `requestId`, `attempt` and `delayMs`; and of `options` that `query()` ignores.
   */
  warn(message: string, fields: Record<string, unknown>): void;
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
  /**
   * How often in a row a stream is taken up again without an event in between; 5 by default. A connection that lasted half a
   * minute begins a new row.
   */
  maxReconnects?: number | undefined;
  /** How long an answer may take to begin, milliseconds; 120 000 by default, for a container may have to start. */
  headersTimeout?: number | undefined;
  /** Told of every repetition before it is waited for: of a request, and of a stream's connection. */
  onRetry?: ((retry: Retry) => void) | undefined;
  /** Told of every request before it is sent; may add headers. */
  onRequest?: ((request: RequestInfo) => void) | undefined;
  /** Told of every answer. */
  onResponse?: ((response: ResponseInfo) => void) | undefined;
  /** `console` will do. */
  logger?: Logger | undefined;
  /** How long a stream may be silent, milliseconds; 45 000 by default, three of the deployment's heartbeats. */
  idleTimeout?: number | undefined;
  /** How long all of a call may take, milliseconds: a turn from its prompt to its end, say. No limit by default. */
  totalTimeout?: number | undefined;
  /** The time that pauses between repetitions are taken from. */
  clock?: Clock | undefined;
  /** A number from 0 to 1, which shortens a pause by up to a quarter; `Math.random` by default. */
  random?: (() => number) | undefined;
}

export interface Config {
  baseURL: string;
  token: string;
  account: string | undefined;
  fetch: typeof globalThis.fetch;
  /** That is one of the caller's. */
  usesOwnFetch: boolean;
  maxRetries: number;
  maxReconnects: number;
  headersTimeout: number;
  idleTimeout: number;
  totalTimeout: number | undefined;
  onRequest: (request: RequestInfo) => void;
  onResponse: (response: ResponseInfo) => void;
  onRetry: (retry: Retry) => void;
  clock: Clock;
  random: () => number;
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
  throw new ClaudeEdgeError(clientError("invalid_request", message));
}

/** Hooks and logger, told of the same things. */
function reporting({ onResponse, onRetry, logger }: ClientOptions) {
  return {
    onResponse: (response: ResponseInfo) => {
      onResponse?.(response);
      const { method, path, status, requestId, durationMs } = response;
      // A query can hold what the caller chose; a path holds ids.
      const place = path.split("?", 1)[0];
      logger?.debug(`${method} ${place} ${status}`, { requestId, durationMs });
    },
    onRetry: (retry: Retry) => {
      onRetry?.(retry);
      const { error, attempt, delayMs } = retry;
      const { code, requestId } = error;
      logger?.warn(`trying again: ${error.message}`, { code, requestId, attempt, delayMs });
    },
  };
}

/** Fills in what was left out. @throws ClaudeEdgeError `no_url`, `unauthorized`, `invalid_request`. */
export function resolveConfig(options: ClientOptions): Config {
  const baseURL = options.baseURL ?? environment("CLAUDE_EDGE_URL");
  if (!baseURL) throw new ClaudeEdgeError(clientError("no_url", "No deployment is named."));
  if (!/^https?:\/\/[^/]/i.test(baseURL)) {
    const message = `${baseURL} is not the URL of a deployment: it must begin with https:// or http://.`;
    throw new ClaudeEdgeError(clientError("no_url", message));
  }
  const token = options.token ?? environment("CLAUDE_EDGE_TOKEN");
  if (!token) throw new ClaudeEdgeError(clientError("unauthorized", "No key is given."));
  assertHeaderValue("token", token);
  assertHeaderValue("account", options.account ?? "x");
  return {
    baseURL: baseURL.replace(/\/+$/, ""),
    token,
    account: options.account,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    usesOwnFetch: options.fetch !== undefined,
    maxRetries: options.maxRetries ?? 2,
    maxReconnects: options.maxReconnects ?? 5,
    headersTimeout: options.headersTimeout ?? 120_000,
    idleTimeout: options.idleTimeout ?? 45_000,
    totalTimeout: options.totalTimeout,
    onRequest: options.onRequest ?? (() => {}),
    ...reporting(options),
    clock: options.clock ?? { now: Date.now, sleep },
    random: options.random ?? Math.random,
  };
}
