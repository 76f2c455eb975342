import { health, type Health, type SessionOptions } from "@claude-edge/protocol";

import { resolveConfig, type ClientOptions } from "./config.js";
import { ProtocolError } from "./errors.js";
import { Sessions, type CallOptions, type SessionSettings } from "./sessions.js";
import { Transport } from "./transport.js";
import { Turn } from "./turn.js";

export interface QueryOptions extends SessionOptions, SessionSettings, CallOptions {
  /** A UUID for the session it makes; a fresh one without. */
  sessionId?: string | undefined;
}

/**
 * A deployment, seen from a program.
 *
 * @example
 * const edge = new ClaudeEdge({ baseURL, token });
 * const { text } = await edge.query("What is 2+2?");
 * for await (const piece of edge.query("Tell me more").text()) process.stdout.write(piece);
 */
export class ClaudeEdge {
  readonly sessions: Sessions;
  readonly #transport: Transport;

  /** @throws ClaudeEdgeError `no_url`, `unauthorized` when neither options nor environment name them. */
  constructor(options: ClientOptions = {}) {
    this.#transport = new Transport(resolveConfig(options));
    this.sessions = new Sessions(this.#transport);
  }

  /** One prompt in a session of its own, which can be continued with `sessions.open(turn.sessionId)`. */
  query(prompt: string, options: QueryOptions = {}): Turn {
    const { sessionId, title, tags, onContainerLost, signal, idempotencyKey, ...rest } = options;
    const body = {
      prompt,
      session_id: sessionId,
      title,
      tags,
      on_container_lost: onContainerLost,
      options: rest,
    };
    return new Turn(this.#transport, {
      path: "/v1/query",
      body,
      idempotencyKey: idempotencyKey ?? crypto.randomUUID(),
      signal,
    });
  }

  /** Whether the deployment answers, and its versions. */
  async health({ signal }: CallOptions = {}): Promise<Health> {
    const parsed = health.safeParse(await this.#transport.json("/health", { signal }));
    if (!parsed.success) throw new ProtocolError("The answer is not a deployment's.");
    return parsed.data;
  }
}
