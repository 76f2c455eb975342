import type { Options } from "@anthropic-ai/claude-agent-sdk";
import {
  isRequest,
  type CallbackAnswer,
  type RequestEvent,
  type RequestResolvedEvent,
  type RequestResource,
} from "@claude-edge/protocol/wire";

import type { CallbackCalls } from "./callback-calls.js";
import { ApiError } from "./errors.js";
import type { Transport } from "./transport.js";

/** A tool that wants to run, or (`kind: "question"`) a question of the agent's to its user. */
export interface PermissionRequest {
  /** What `requests.answer()` takes. */
  id: string;
  /** A question comes through the tool `AskUserQuestion`; its `input.questions` says what is asked. */
  kind: "permission" | "question";
  /** The session that asks. */
  sessionId: string;
  /** The turn of it that asks. */
  turnId: string;
  /** The tool that wants to run: `Bash`, `mcp__desk__book`, … */
  toolName: string;
  /** The id of the call, as in the `tool_use` block of its message. */
  toolUseId: string;
  /** What the tool is called with. */
  input: Record<string, unknown>;
  /** The subagent that asks; the main agent without it. */
  agentId: string | undefined;
  /** Not answered by then, it counts as denied. */
  expiresAt: Date | undefined;
  /** What else the Agent SDK says of it: `suggestions`, `title`, `blockedPath`, … */
  options: Record<string, unknown>;
  /** Aborts when the answer is no longer wanted; its reason is the request as somebody else has resolved it. */
  signal: AbortSignal;
}

/**
 * What becomes of a tool call: the Agent SDK's `PermissionResult`. `updatedInput` runs it with another input,
 * `updatedPermissions` also settles later calls, `message` tells the model why not, `interrupt` stops the turn as well.
 * `answers` is for questions: the answer to each by its text.
 */
export type PermissionAnswer =
  | {
      behavior: "allow";
      updatedInput?: Record<string, unknown>;
      updatedPermissions?: Record<string, unknown>[];
    }
  | { behavior: "deny"; message?: string; interrupt?: boolean }
  | { answers: Record<string, string> };

/** Asked for every permission and question. Nothing returned leaves the request to be answered by somebody else. */
export type OnPermission = (
  request: PermissionRequest,
) => PermissionAnswer | null | undefined | Promise<PermissionAnswer | null | undefined>;

/** What of a session runs in this program: the Agent SDK's callbacks, and one for permissions and questions. */
export interface SessionCallbacks extends Pick<
  Options,
  "canUseTool" | "hooks" | "mcpServers" | "onElicitation" | "onUserDialog"
> {
  /** Asked for every permission and question, unless `canUseTool` is a function: that comes first. */
  onPermission?: OnPermission | undefined;
}

/** Seen requests that are remembered; their ids only. */
const MAX_SEEN = 10_000;

/** Runs the callbacks of a session when its requests come, and sends back what they give. */
export class Callbacks {
  readonly #transport: Transport;
  readonly #sessionId: () => string | undefined;
  /** Of `handlers`, and those that were added later. */
  #servers: NonNullable<Options["mcpServers"]> = {};
  /** Loaded when there is something to call: most programs have no callbacks. */
  #calls: Promise<CallbackCalls> | undefined;
  readonly #running = new Map<string, AbortController>();
  /** Requests that were seen: two readers of a session see each twice. The oldest are forgotten. */
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

  /** True when there is anything to run. */
  get any(): boolean {
    return this.needCaller || Boolean(this.handlers.onPermission ?? this.handlers.canUseTool);
  }

  /**
   * True when there is something that only this program can run: then it counts as the session's caller. A permission
   * anybody can answer.
   */
  get needCaller(): boolean {
    const { hooks, onElicitation, onUserDialog } = this.handlers;
    const hasServer = Object.values(this.#servers).some(({ type }) => type === "sdk");
    return Boolean(hooks ?? onElicitation ?? onUserDialog ?? (hasServer || undefined));
  }

  addServers(servers: NonNullable<Options["mcpServers"]>): void {
    this.#servers = { ...this.#servers, ...servers };
  }

  /** Takes a session's event; returns at once. */
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

  /** A request out of the session's past: only one that still waits is run. */
  async onPastEvent(event: RequestEvent): Promise<void> {
    const path = `/v1/requests/${event.request.id}`;
    const answer = await this.#transport.json(path).catch(() => undefined);
    if (isRequest(answer) && answer.status === "pending") this.onEvent(event);
  }

  /** Somebody reads the session: call {@link leave} when they have left. */
  enter(): void {
    this.#readers += 1;
  }

  /** A callback that still runs, a person who is being asked say, may answer when nobody reads any more. */
  leave(): void {
    this.#readers -= 1;
    this.#closeIdle();
  }

  /** What still runs is told that it is not wanted. */
  abort(): void {
    for (const running of this.#running.values()) running.abort();
  }

  /** With no reader and nothing running the MCP servers' connections end. */
  #closeIdle(): void {
    if (this.#readers > 0 || this.#running.size > 0) return;
    void this.#calls?.then((calls) => calls.close());
  }

  async #run(request: RequestResource): Promise<void> {
    const controller = new AbortController();
    this.#running.set(request.id, controller);
    let given: CallbackAnswer | undefined;
    try {
      this.#calls ??= import("./callback-calls.js").then(
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
      // Somebody else was faster, or the deployment is out of reach, which the stream will tell.
      const isRefused = error instanceof ApiError && !error.retryable && error.status !== 409;
      const isNoJson = error instanceof TypeError;
      if (!isRefused && !isNoJson) return;
      // Whoever asked must not wait for an answer that cannot be given.
      await post({
        error: { message: `The callback's answer was refused: ${error.message}` },
      }).catch(() => {});
    }
  }
}
