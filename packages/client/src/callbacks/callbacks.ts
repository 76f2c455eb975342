import {
  isRequest,
  type CallbackAnswer,
  type RequestEvent,
  type RequestResolvedEvent,
  type RequestResource,
} from "@claude-edge/protocol/wire";

import type { McpServerConfig } from "../agent/mcp-types.js";
import { ApiError } from "../errors.js";
import type { Transport } from "../transport.js";
import type { CallbackCalls } from "./calls.js";
import type { SessionCallbacks } from "./types.js";

/** How many ids of handled requests are kept. */
const MAX_SEEN = 10_000;

/** Runs a session's callbacks for its requests and posts their answers. */
export class Callbacks {
  readonly #transport: Transport;
  readonly #sessionId: () => string | undefined;
  /** The servers of `handlers`, and those added later. */
  #servers: Record<string, McpServerConfig> = {};
  /** Loaded on the first request: most programs have no callbacks. */
  #calls: Promise<CallbackCalls> | undefined;
  readonly #running = new Map<string, AbortController>();
  /** Ids of handled requests: with two readers each request arrives twice. The oldest are dropped. */
  readonly #seen = new Set<string>();
  #readers = 0;
  #handlers: SessionCallbacks = {};

  constructor(
    transport: Transport,
    sessionId: () => string | undefined,
    handlers: SessionCallbacks,
  ) {
    this.#transport = transport;
    this.#sessionId = sessionId;
    this.handlers = handlers;
  }

  get handlers(): SessionCallbacks {
    return this.#handlers;
  }

  set handlers(handlers: SessionCallbacks) {
    this.#handlers = handlers;
    this.addServers(handlers.mcpServers ?? {});
  }

  /** Whether there is any callback. */
  get any(): boolean {
    const { onPermission, canUseTool, onNetwork } = this.handlers;
    return this.needCaller || Boolean(onPermission ?? canUseTool ?? onNetwork);
  }

  /**
   * Whether there is a callback that only this process can run; it then reads as the session's caller. Permissions and
   * hosts do not count, since any program can answer for them.
   */
  get needCaller(): boolean {
    const { hooks, onElicitation, onUserDialog } = this.handlers;
    const hasServer = Object.values(this.#servers).some(({ type }) => type === "sdk");
    return Boolean(hooks ?? onElicitation ?? onUserDialog ?? (hasServer || undefined));
  }

  addServers(servers: Record<string, McpServerConfig>): void {
    this.#servers = { ...this.#servers, ...servers };
  }

  /** Handles an event of the session. Does not wait for the callback. */
  onEvent(event: RequestEvent | RequestResolvedEvent): void {
    const { id } = event.request;
    if (event.kind === "request.resolved") {
      this.#running.get(id)?.abort(event.request);
    } else if (!this.#seen.has(id)) {
      this.#seen.add(id);
      if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.keys().next().value!);
      void this.#run(event.request);
    }
  }

  /** Handles a request from the session's history, if it is still pending. */
  async onPastEvent(event: RequestEvent): Promise<void> {
    const path = `/v1/requests/${event.request.id}`;
    const answer = await this.#transport.json(path).catch(() => undefined);
    if (isRequest(answer) && answer.status === "pending") this.onEvent(event);
  }

  /** Counts a reader of the session. Pair with {@link leave}. */
  enter(): void {
    this.#readers += 1;
  }

  /** A running callback (a human prompt, for example) may still answer after the last reader has left. */
  leave(): void {
    this.#readers -= 1;
    this.#closeIdle();
  }

  /** Aborts the callbacks that are running. */
  abort(): void {
    for (const running of this.#running.values()) running.abort();
  }

  /** Closes the MCP servers' connections once there are no readers and no running callbacks. */
  #closeIdle(): void {
    if (this.#readers > 0 || this.#running.size > 0) return;
    void this.#calls?.then((calls) => calls.close());
  }

  async #run(request: RequestResource): Promise<void> {
    const controller = new AbortController();
    this.#running.set(request.id, controller);
    let given: CallbackAnswer | undefined;
    try {
      this.#calls ??= import("./calls.js").then(
        (module) => new module.CallbackCalls(this.#transport, this.#sessionId),
      );
      const calls = await this.#calls;
      const { needCaller: isCaller } = this;
      const known = { handlers: this.#handlers, servers: this.#servers, isCaller };
      const answer = await calls.call(request, known, controller.signal);
      given = answer ? { answer } : undefined;
    } catch (error) {
      given = { error: { message: error instanceof Error ? error.message : String(error) } };
    }
    if (given && !controller.signal.aborted) await this.#post(request, given);
    this.#running.delete(request.id);
    this.#closeIdle();
  }

  async #post({ id, session_id }: RequestResource, given: CallbackAnswer): Promise<void> {
    const path = `/v1/sessions/${session_id}/requests/${id}`;
    const post = (body: CallbackAnswer) =>
      this.#transport.json(path, { method: "POST", body, idempotencyKey: crypto.randomUUID() });
    try {
      await post(given);
    } catch (error) {
      // Already answered, or the deployment is unreachable, which the stream reports.
      const isRefused = error instanceof ApiError && !error.retryable && error.status !== 409;
      const isNoJson = error instanceof TypeError;
      if (!isRefused && !isNoJson) return;
      // The agent must not wait for an answer that cannot be sent.
      await post({
        error: { message: `The callback's answer was refused: ${error.message}` },
      }).catch(() => {});
    }
  }
}
