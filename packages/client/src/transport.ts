import {
  ACCOUNT_HEADER,
  IDEMPOTENCY_HEADER,
  isErrorAnswer,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  protocolProblem,
  REQUEST_ID_HEADER,
  TRACE_HEADER,
} from "@claude-edge/protocol/wire";

import { backoffMs, retryAfterMs } from "./backoff.js";
import { assertHeaderValue, type Config, type RequestInfo } from "./config.js";
import { deadline } from "./deadline.js";
import {
  abortError,
  ApiError,
  ClaudeEdgeError,
  ConnectionError,
  ProtocolError,
  TimeoutError,
} from "./errors.js";

/** A body that is not JSON. */
export interface Upload {
  type: string;
  /** Makes it, anew for every try. `onSent`: a piece of it is on its way, so the answer may take longer. */
  make(onSent: () => void): BodyInit;
}

export const EVENT_STREAM = "text/event-stream";
const NDJSON = "application/x-ndjson";

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Sent as JSON. */
  body?: unknown;
  upload?: Upload | undefined;
  /** The type that the answer must have; JSON without it. */
  accept?: string | undefined;
  headers?: Record<string, string> | undefined;
  signal?: AbortSignal | undefined;
  /** Makes a POST repeatable. */
  idempotencyKey?: string | undefined;
  /** How often it is repeated; as configured without it. */
  maxRetries?: number;
  /** The span that it belongs to. */
  traceparent?: string | undefined;
}

/** An answer of the deployment, and the way to end it early. */
export interface Answer {
  response: Response;
  /** Drops the connection; harmless when it has ended. */
  close(): void;
}

/** A longer wait than this is not worth a retry, milliseconds. */
const MAX_RETRY_AFTER_MS = 60_000;

/** Requests to one deployment: authenticated, repeated where that is safe, their failures typed. */
export class Transport {
  readonly config: Config;

  constructor(config: Config) {
    this.config = config;
  }

  /** A JSON answer. @throws ClaudeEdgeError */
  json(path: string, options: RequestOptions = {}): Promise<unknown> {
    return this.#whole(path, options, (response) => response.json());
  }

  /** An answer of JSON values, one a line. @throws ClaudeEdgeError */
  async lines(path: string, options: RequestOptions = {}): Promise<unknown[]> {
    const call = { ...options, accept: NDJSON };
    const text = await this.#whole(path, call, (response) => response.text());
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as unknown);
  }

  async #whole<Body>(
    path: string,
    options: RequestOptions,
    read: (response: Response) => Promise<Body>,
  ): Promise<Body> {
    const until = deadline(options.signal, this.config.totalTimeout);
    try {
      return await this.#body(path, { ...options, signal: until.signal }, read);
    } finally {
      until.end();
    }
  }

  async #body<Body>(
    path: string,
    options: RequestOptions,
    read: (response: Response) => Promise<Body>,
  ): Promise<Body> {
    const { signal } = options;
    const { response, close } = await this.request(path, options);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      close();
    }, this.config.idleTimeout);
    try {
      return await read(response);
    } catch (cause) {
      if (signal?.aborted) throw abortError(signal.reason);
      if (late) throw new TimeoutError("idle", this.config.idleTimeout);
      throw new ConnectionError("The answer broke off.", { ...contextOf(response), cause });
    } finally {
      clearTimeout(timer);
      close();
    }
  }

  /** A successful answer, its body unread. @throws ClaudeEdgeError */
  async request(path: string, options: RequestOptions = {}): Promise<Answer> {
    const { clock, random } = this.config;
    const { maxRetries = this.config.maxRetries } = options;
    const repeatable = options.method !== "POST" || options.idempotencyKey !== undefined;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#once(path, options, attempt);
      } catch (error) {
        if (!(error instanceof ClaudeEdgeError) || !error.retryable || !repeatable) throw error;
        const wait = error.details?.retryAfterMs ?? backoffMs(attempt, random);
        if (attempt >= maxRetries || typeof wait !== "number") throw error;
        if (wait > MAX_RETRY_AFTER_MS) throw error;
        this.config.onRetry({ error, attempt: attempt + 1, delayMs: wait });
        await clock.sleep(wait, options.signal).catch((reason: unknown) => {
          throw abortError(reason);
        });
      }
    }
  }

  async #once(path: string, options: RequestOptions, attempt: number): Promise<Answer> {
    const { method = "GET", body, upload, accept = "application/json", signal } = options;
    const { baseURL, fetch, headersTimeout, clock } = this.config;
    const info = { method, path, attempt };
    const headers = this.#headers(info, options, accept);
    if (signal?.aborted) throw abortError(signal.reason);
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const onLate = () => controller.abort(new TimeoutError("headers", headersTimeout));
    let timer = setTimeout(onLate, headersTimeout);
    let isAnswered = false;
    const onSent = () => {
      clearTimeout(timer);
      if (!isAnswered) timer = setTimeout(onLate, headersTimeout);
    };
    const close = () => {
      signal?.removeEventListener("abort", abort);
      controller.abort();
    };
    const sent = clock.now();
    try {
      const response = await fetch(`${baseURL}${path}`, {
        method,
        headers,
        body: upload ? upload.make(onSent) : body === undefined ? null : JSON.stringify(body),
        ...(upload && { duplex: "half" }),
        signal: controller.signal,
        // The API never redirects: whatever does is in front of it, and must not be sent the key.
        redirect: "manual",
      });
      const { status, requestId } = contextOf(response);
      this.config.onResponse({ ...info, status, requestId, durationMs: clock.now() - sent });
      await assertOurs(response, accept, clock.now());
      return { response, close };
    } catch (cause) {
      close();
      if (cause instanceof ClaudeEdgeError) throw cause;
      if (signal?.aborted) throw abortError(signal.reason);
      const reason: unknown = controller.signal.reason;
      if (reason instanceof TimeoutError) throw reason;
      if (codeOf(cause) === CONNECT_TIMEOUT) throw new TimeoutError("connect", undefined, cause);
      throw new ConnectionError(`${baseURL} could not be reached: ${reasonOf(cause)}.`, { cause });
    } finally {
      isAnswered = true;
      clearTimeout(timer);
    }
  }

  #headers(info: Omit<RequestInfo, "headers">, options: RequestOptions, accept: string): Headers {
    const { token, account, onRequest } = this.config;
    const { body, upload, idempotencyKey, traceparent } = options;
    const headers = new Headers();
    onRequest({ ...info, headers });
    for (const name of OWN_HEADERS) headers.delete(name);
    headers.set("authorization", `Bearer ${token}`);
    headers.set("accept", accept);
    headers.set(PROTOCOL_HEADER, String(PROTOCOL_VERSION));
    if (account !== undefined) headers.set(ACCOUNT_HEADER, account);
    const type = upload?.type ?? (body === undefined ? undefined : "application/json");
    if (type !== undefined) headers.set("content-type", type);
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
    if (traceparent !== undefined) headers.set(TRACE_HEADER, traceparent);
    if (idempotencyKey !== undefined) {
      assertHeaderValue("idempotencyKey", idempotencyKey);
      headers.set(IDEMPOTENCY_HEADER, idempotencyKey);
    }
    return headers;
  }
}

/** A caller's own headers cannot replace what the deployment goes by. */
const OWN_HEADERS = [ACCOUNT_HEADER, IDEMPOTENCY_HEADER, "content-type"];

/** How undici, which is Node's own fetch too, says that a connection did not come to be. */
const CONNECT_TIMEOUT = "UND_ERR_CONNECT_TIMEOUT";

/** Built-in fetch says only "fetch failed"; what failed is in the cause. */
const innermost = (thrown: unknown): unknown =>
  thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;

function codeOf(thrown: unknown): string | undefined {
  const code = (innermost(thrown) as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

function reasonOf(thrown: unknown): string {
  const inner = innermost(thrown);
  // It becomes part of a sentence.
  return (codeOf(thrown) ?? (inner instanceof Error ? inner.message : String(inner))).replace(
    /\.$/,
    "",
  );
}

function contextOf(response: Response) {
  return {
    status: response.status,
    requestId: response.headers.get(REQUEST_ID_HEADER) ?? undefined,
  };
}

/** @throws ClaudeEdgeError unless it is a success of a deployment that speaks this protocol. */
async function assertOurs(response: Response, expected: string, now: number): Promise<void> {
  const context = contextOf(response);
  const type = (response.headers.get("content-type") ?? "").split(";")[0]!.trim();
  const { status } = response;
  // Of the same family as a redirection, but an answer: to If-None-Match.
  const isUnchanged = status === 304;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400 && !isUnchanged)) {
    throw new ProtocolError(
      "The answer is a redirection; a deployment does not redirect.",
      context,
    );
  }
  if (!response.ok && !isUnchanged) throw await errorOf(response, type, now);

  const protocol = response.headers.get(PROTOCOL_HEADER);
  const hasType = type === expected || status === 204 || isUnchanged;
  if (!hasType || protocol === null) {
    const what = type || "of no stated type";
    throw new ProtocolError(`The answer is ${what}, not a deployment's ${expected}.`, context);
  }
  const us = { name: "client", protocol: PROTOCOL_VERSION };
  const problem = protocolProblem(us, { name: "deployment", protocol });
  if (problem) throw new ProtocolError(problem.message, context, "protocol_mismatch");
}

async function errorOf(response: Response, type: string, now: number): Promise<ClaudeEdgeError> {
  const context = contextOf(response);
  const retryAfter = retryAfterMs(response.headers.get("retry-after"), now);
  if (type === "application/json") {
    const body: unknown = await response.json().catch(() => undefined);
    if (isErrorAnswer(body)) {
      const { error } = body;
      const details =
        retryAfter === undefined ? error.details : { ...error.details, retryAfterMs: retryAfter };
      return new ApiError({ ...error, details }, context);
    }
  }
  void response.body?.cancel().catch(() => {});
  const message = `The answer is ${response.status} ${type || "of no stated type"}, not from a deployment.`;
  // A proxy's own word that what is behind it is away.
  if (response.status === 429 || response.status >= 500)
    return new ConnectionError(message, context);
  return new ProtocolError(message, context);
}
