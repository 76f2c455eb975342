import {
  session as sessionSchema,
  sessionList,
  type SessionOptions,
  type SessionResource,
} from "@claude-edge/protocol";

import { ProtocolError } from "./errors.js";
import type { Transport } from "./transport.js";
import { Turn } from "./turn.js";

/** What a call can be told beside its subject. */
export interface CallOptions {
  /** Aborts the call, not the turn. */
  signal?: AbortSignal | undefined;
  /** Makes the call repeatable across processes; each call has one of its own without it. */
  idempotencyKey?: string | undefined;
}

export interface CreateSessionOptions extends SessionOptions, CallOptions {
  /** A UUID to give it; a fresh one without. */
  id?: string | undefined;
  title?: string | undefined;
}

/** A conversation on the deployment. */
export class Session {
  readonly id: string;
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport, id: string) {
    this.#transport = transport;
    this.id = id;
  }

  /** Sends a prompt: the turn behind those that are queued already. */
  send(prompt: string, { signal, idempotencyKey = crypto.randomUUID() }: CallOptions = {}): Turn {
    const path = `/v1/sessions/${this.id}/turns`;
    return new Turn(this.#transport, { path, body: { prompt }, idempotencyKey, signal }, this.id);
  }

  /** How it stands now. @throws ApiError `session_not_found`. */
  async retrieve({ signal }: CallOptions = {}): Promise<SessionResource> {
    return parse(sessionSchema, await this.#transport.json(`/v1/sessions/${this.id}`, { signal }));
  }

  /** Stops every open turn of it. Gives their ids. */
  async interrupt({ signal }: CallOptions = {}): Promise<string[]> {
    const answer = await this.#transport.json(`/v1/sessions/${this.id}/interrupt`, {
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
    signal,
    idempotencyKey,
    ...options
  }: CreateSessionOptions = {}): Promise<Session> {
    const answer = await this.#transport.json("/v1/sessions", {
      method: "POST",
      body: { id, title, options },
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
