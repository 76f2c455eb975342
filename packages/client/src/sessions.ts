import {
  session as sessionSchema,
  sessionList,
  type EdgeEvent,
  type SessionOptions,
  type SessionResource,
} from "@claude-edge/protocol";

import { ClaudeEdgeError, ProtocolError } from "./errors.js";
import type { Transport } from "./transport.js";
import { sessionEvents } from "./turn-stream.js";
import { Turn } from "./turn.js";

/** What a call can be told beside its subject. */
export interface CallOptions {
  /** Aborts the call, not the turn. */
  signal?: AbortSignal | undefined;
  /** Makes the call repeatable across processes; each call has one of its own without it. */
  idempotencyKey?: string | undefined;
}

/** What a session can be given beside the Agent SDK's options. */
export interface SessionSettings {
  title?: string | undefined;
  /** Up to 20 words to find it by. */
  tags?: string[] | undefined;
  /**
   * What becomes of a turn whose container is lost: it fails with `container_lost` (the default), or is begun again
   * where it was cut off. A tool whose outcome is unknown may then run twice.
   */
  onContainerLost?: "fail" | "resume" | undefined;
}

export interface CreateSessionOptions extends SessionOptions, SessionSettings, CallOptions {
  /** A UUID to give it; a fresh one without. */
  id?: string | undefined;
}

export interface ForkOptions extends CallOptions {
  /** The last message to keep: the `uuid` of an assistant or user message. All of them without it. */
  messageId?: string | undefined;
  id?: string | undefined;
  title?: string | undefined;
}

/** A conversation on the deployment. */
export class Session {
  readonly id: string;
  readonly #transport: Transport;

  readonly #path: string;

  /** @internal */
  constructor(transport: Transport, id: string) {
    this.#transport = transport;
    this.id = id;
    this.#path = `/v1/sessions/${pathSegment(id)}`;
  }

  /** Sends a prompt: the turn behind those that are queued already. */
  send(prompt: string, { signal, idempotencyKey = crypto.randomUUID() }: CallOptions = {}): Turn {
    const path = `${this.#path}/turns`;
    return new Turn(this.#transport, { path, body: { prompt }, idempotencyKey, signal }, this.id);
  }

  /** How it stands now. @throws ApiError `session_not_found`. */
  async retrieve({ signal }: CallOptions = {}): Promise<SessionResource> {
    return parse(sessionSchema, await this.#transport.json(this.#path, { signal }));
  }

  /**
   * What happens in the session, across turns, without end: first what is stored behind `after` (0 by default), then
   * live. Ends by `break` or by the signal.
   */
  events({ after = 0, signal }: { after?: number } & CallOptions = {}): AsyncGenerator<EdgeEvent> {
    return sessionEvents(
      this.#transport,
      this.#path,
      { sessionId: this.id, turnId: undefined, lastSeq: after },
      signal,
    );
  }

  /** Replaces its title or tags. @throws ApiError `session_not_found`. */
  async update({
    title,
    tags,
    signal,
  }: Pick<SessionSettings, "title" | "tags"> & CallOptions): Promise<SessionResource> {
    const request = { method: "PATCH", body: { title, tags }, signal } as const;
    return parse(sessionSchema, await this.#transport.json(this.#path, request));
  }

  /** Branches the conversation: a new session that remembers this one. @throws ApiError `message_not_found`. */
  async fork({ messageId, id, title, signal, idempotencyKey }: ForkOptions = {}): Promise<Session> {
    const answer = await this.#transport.json(`${this.#path}/fork`, {
      method: "POST",
      body: { message_id: messageId, id, title },
      idempotencyKey: idempotencyKey ?? crypto.randomUUID(),
      signal,
    });
    return new Session(this.#transport, parse(sessionSchema, answer).id);
  }

  /** Deletes it with all it holds, and stops what runs of it. @throws ApiError `session_not_found`. */
  async delete({ signal }: CallOptions = {}): Promise<void> {
    const { close } = await this.#transport.request(this.#path, { method: "DELETE", signal });
    close();
  }

  /** Stops every open turn of it. Gives their ids. */
  async interrupt({ signal }: CallOptions = {}): Promise<string[]> {
    const answer = await this.#transport.json(`${this.#path}/interrupt`, {
      method: "POST",
      body: {},
      idempotencyKey: crypto.randomUUID(),
      signal,
    });
    return (answer as { interrupted?: string[] }).interrupted ?? [];
  }
}

/** The account's sessions. */
export class Sessions {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes a session; its options hold for all its turns. @throws ApiError `session_exists`. */
  async create({
    id,
    title,
    tags,
    onContainerLost,
    signal,
    idempotencyKey,
    ...options
  }: CreateSessionOptions = {}): Promise<Session> {
    const answer = await this.#transport.json("/v1/sessions", {
      method: "POST",
      body: { id, title, tags, on_container_lost: onContainerLost, options },
      idempotencyKey: idempotencyKey ?? crypto.randomUUID(),
      signal,
    });
    return new Session(this.#transport, parse(sessionSchema, answer).id);
  }

  /** A session by its id, unasked: whether it exists shows at the first call. */
  open(id: string): Session {
    return new Session(this.#transport, id);
  }

  /** All sessions, newest first; pages are fetched as they are needed. */
  async *list({
    signal,
    limit,
  }: CallOptions & { limit?: number } = {}): AsyncGenerator<SessionResource> {
    let left = limit ?? Infinity;
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(Math.min(left, 100)) });
      if (cursor !== undefined) query.set("cursor", cursor);
      const answer = await this.#transport.json(`/v1/sessions?${query}`, { signal });
      const { sessions, next_cursor } = parse(sessionList, answer);
      yield* sessions.slice(0, left);
      left -= sessions.length;
      cursor = next_cursor;
    } while (cursor !== undefined && left > 0);
  }
}

/** An id may come from anywhere: it must stay one segment of the path. */
function pathSegment(id: string): string {
  if (/^\.{0,2}$/.test(id)) {
    const message = `"${id}" is not the id of a session.`;
    throw new ClaudeEdgeError({ code: "session_not_found", message, retryable: false });
  }
  return encodeURIComponent(id);
}

interface Schema<Value> {
  safeParse(value: unknown): { success: true; data: Value } | { success: false; error: unknown };
}

function parse<Value>(schema: Schema<Value>, value: unknown): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError("The answer does not have the form this client knows.", {
    cause: parsed.error,
  });
}
