import type {
  McpSetServersResult,
  SDKControlInterruptResponse,
  SDKMessage,
  SDKResultMessage,
} from "@anthropic-ai/claude-agent-sdk";
import {
  isTerminal,
  isSession,
  isSessionList,
  isTurn,
  type ControlMethod,
  type EdgeEvent,
  type SdkMessage,
  type SessionResource,
  type TurnEvent,
} from "@claude-edge/protocol/wire";
import { Bell } from "@claude-edge/protocol/internal";

import { Callbacks } from "../callbacks/callbacks.js";
import { serverConfigs } from "../callbacks/placeholders.js";
import { resolveConfig, type ClientOptions } from "../config.js";
import { AbortError, ClaudeEdgeError, turnError } from "../errors.js";
import { parseAnswer } from "../parse-answer.js";
import { pathSegment } from "../path-segment.js";
import { refuse } from "../plain-option.js";
import { Transport } from "../transport.js";
import { sessionEvents } from "../session-stream.js";
import { isAskedFor, wantedBy, type Wanted } from "./asked-for.js";
import { throwErrorResult } from "./error-result.js";
import { noticeOptions } from "./notices.js";
import { isBranch, statedOptions, toSessionOptions } from "./options.js";
import { METHODS } from "./parity.js";
import { ABORTED, abortingWith, asMessages, messageBody } from "./prompt.js";
import { OwnTasks } from "./own-tasks.js";
import { rewindFiles } from "./rewind-files.js";
import { LastIdle } from "./last-idle.js";
import type { Options, Query, SDKUserMessage } from "./sdk.js";
import { WaitingNote } from "./waiting-note.js";

/** What {@link query} is given: the Agent SDK's two fields, and where the deployment is. */
export interface AgentQuery {
  /** A text, or messages as they come: one that comes while a turn runs steers it. The query ends with the last turn. */
  prompt: string | AsyncIterable<SDKUserMessage>;
  /** The Agent SDK's own; those that cannot go over the network are refused, unknown ones ignored with a warning. */
  options?: Options | undefined;
  /** The deployment; `CLAUDE_EDGE_URL` and `CLAUDE_EDGE_TOKEN` without it. */
  edge?: ClientOptions | undefined;
}

/**
 * The Agent SDK's `query()`, with its options and messages: the agent runs in the account's container, and
 * `canUseTool`, hooks, in-process MCP servers, the abort signal and a streaming prompt run here. What differs is in
 * docs/parity.md.
 *
 * The session stays on the deployment: resume it with `options.resume`.
 *
 * @throws ClaudeEdgeError `option_refused` at once for an option that cannot go over the network, `no_url`,
 * `unauthorized`. The stream throws as the Agent SDK's does: after the message of a turn that ended in an error, when
 * the prompt was a string or has ended.
 */
export function query({ prompt, options = {}, edge = {} }: AgentQuery): Query {
  return new RemoteQuery(prompt, options, edge);
}

/** A session that is not to stay is deleted this long after its last activity if its query could not do it, seconds. */
const LEFT_BEHIND_S = 3_600;

/** The Agent SDK's words, for programs that go by them. */
const NO_ANSWER = "Query closed before response received";
const NOT_WRITABLE = "ProcessTransport is not ready for writing";

/** Messages that are read ahead: callbacks must run while nobody takes a message, but not without bound. */
const MAX_AHEAD = 1_000;

/** A query, and how its session is deleted with all it holds. */
export function deletableQuery({ prompt, options = {}, edge = {} }: AgentQuery): {
  query: Query;
  deleteSession: () => Promise<void>;
} {
  const running = new RemoteQuery(prompt, options, edge);
  return { query: running, deleteSession: () => running.deleteSession() };
}

/** A query of a session on a deployment. */
class RemoteQuery implements Query {
  readonly #transport: Transport;
  readonly #options: Options;
  readonly #callbacks: Callbacks;
  readonly #session: Promise<SessionResource>;
  readonly #messages: AsyncGenerator<SDKMessage, void>;
  /** Ends the reading of the session's events. */
  readonly #left = new AbortController();
  #ahead: SDKMessage[] = [];
  readonly #came = new Bell();
  readonly #taken = new Bell();
  readonly #ended = new Bell();
  #isRead = false;
  /** Turns of this query, and those of them that have not ended, in the order they were sent. */
  readonly #own = new Set<string>();
  readonly #open = new Set<string>();
  /** Those whose id is the `uuid` that the program gave its message. */
  readonly #named = new Set<string>();
  /** Every `uuid` that the program gave. */
  readonly #uuids = new Set<string>();
  /** Those whose message the turn before has taken in. */
  readonly #takenIn = new Set<string>();
  #sessionId: string | undefined;
  /** Prompts that are being sent or are to come. */
  #inputs = 0;
  readonly #waiting: WaitingNote;
  readonly #tasks = new OwnTasks();
  readonly #wanted: Wanted;
  #lastResult: { turn: string; message: SDKResultMessage } | undefined;
  readonly #idle = new LastIdle<SDKMessage>();
  #failure: unknown;
  #isClosed = false;

  constructor(prompt: AgentQuery["prompt"], given: Options, edge: ClientOptions) {
    const options = statedOptions(given);
    this.#transport = new Transport(resolveConfig(edge));
    this.#options = options;
    this.#waiting = new WaitingNote(edge);
    const wire = toSessionOptions({ verbatimPrompts: false, ...options });
    this.#wanted = wantedBy(wire, options);
    noticeOptions(options, edge.logger);
    this.#callbacks = new Callbacks(this.#transport, () => this.#sessionId, options);
    this.#session = this.#begin(wire);
    // A string comes back as the block that the Agent SDK makes of it.
    const asBlock = wire.replayUserMessages === true;
    const input = typeof prompt === "string" ? asMessages(prompt, asBlock) : prompt;
    // As in the Agent SDK the query begins at once, read or not.
    this.#session.catch(() => {});
    const { signal } = options.abortController ?? {};
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
    void this.streamInput(input).catch(() => {});
    void this.#readAll();
    this.#messages = this.#handOut();
  }

  // The stream.

  next(): Promise<IteratorResult<SDKMessage, void>> {
    return this.#messages.next();
  }

  async return(): Promise<IteratorResult<SDKMessage, void>> {
    this.close();
    return this.#messages.return();
  }

  async throw(error: unknown): Promise<IteratorResult<SDKMessage, void>> {
    this.close();
    return this.#messages.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async *#handOut(): AsyncGenerator<SDKMessage, void> {
    for (;;) {
      const message = this.#ahead.shift();
      if (message) {
        this.#taken.ring();
        yield message;
      } else if (this.#isRead) {
        break;
      } else {
        await this.#came.rung();
      }
    }
    if (this.#isClosed) return;
    if (this.#failure !== undefined) throw this.#failure;
    throwErrorResult(this.#lastResult?.message);
  }

  /** Reads the session's events to the end of the last turn, or until the query is left. */
  async #readAll(): Promise<void> {
    this.#callbacks.enter();
    try {
      const { id, last_seq } = await this.#session;
      const position = { sessionId: id, turnId: undefined, lastSeq: last_seq };
      const events = sessionEvents(this.#transport, `/v1/sessions/${id}`, position, {
        signal: this.#left.signal,
        callbacks: this.#callbacks.needCaller,
      });
      for await (const event of events) {
        const isRequest = event.kind === "request";
        // Whoever reads the messages gets those before it first, as from the Agent SDK; whoever does not is not waited for.
        if (isRequest && this.#ahead.length > 0) await new Promise((next) => setTimeout(next, 0));
        const message = this.#take(event);
        if (message) this.#ahead.push(message);
        if (message) this.#came.ring();
        if (this.#isDone()) break;
        while (this.#ahead.length > MAX_AHEAD && !this.#left.signal.aborted) {
          await this.#taken.rung();
        }
      }
    } catch (error) {
      // Left on purpose, there is nothing to tell.
      if (!this.#left.signal.aborted) this.#failure ??= error;
    } finally {
      if (this.#options.persistSession === false) await this.deleteSession().catch(() => {});
      this.#isRead = true;
      this.#waiting.drop();
      this.#left.abort();
      this.#came.ring();
      // A controller may serve for many queries: one that is over is not to be stopped by it.
      this.#options.abortController?.signal.removeEventListener("abort", this.#onAbort);
      this.#callbacks.abort();
      this.#callbacks.leave();
    }
  }

  /** The message an event holds, if it is one to hand on. */
  #take(event: EdgeEvent): SDKMessage | undefined {
    if (event.kind === "request" || event.kind === "request.resolved") {
      this.#callbacks.onEvent(event);
      return undefined;
    }
    // Another program's turn in the same session; what comes between turns belongs to none.
    if (event.turn_id !== "" && !this.#own.has(event.turn_id)) return undefined;
    switch (event.kind) {
      case "turn":
        this.#waiting.onTurn(event, this.#own);
        if (event.steered_turn_id !== undefined) this.#takenIn.add(event.turn_id);
        if (isTerminal(event)) return this.#onEnd(event);
        return undefined;
      case "delta":
        if (event.message.type === "stderr") {
          return void this.#options.stderr?.(String(event.message.data));
        }
        return this.#options.includePartialMessages ? (event.message as SDKMessage) : undefined;
      case "message": {
        const message = event.message as SDKMessage;
        this.#tasks.onMessage(event.message);
        if (message.type === "result") this.#lastResult = { turn: event.turn_id, message };
        if (!isAskedFor(event.message, this.#named, this.#wanted)) return undefined;
        return this.#idle.take(message as SDKMessage & SdkMessage, () => this.#hasMore(event));
      }
    }
  }

  /** A turn that ends without a result message was ended by what carries it, not by the agent. */
  #onEnd(event: TurnEvent): SDKMessage | undefined {
    const { turn_id, status, steered_turn_id: by = turn_id } = event;
    this.#open.delete(turn_id);
    this.#ended.ring();
    if (status !== "completed" && this.#lastResult?.turn !== by) this.#fail(turnError(event));
    return this.#open.size === 0 ? this.#idle.release() : undefined;
  }

  #hasMore({ turn_id }: EdgeEvent): boolean {
    return [...this.#open].some((open) => open !== turn_id && !this.#takenIn.has(open));
  }

  /** As in the Agent SDK it goes on for as long as tasks that it has started run, or cause something. */
  #isDone(): boolean {
    return this.#inputs === 0 && this.#open.size === 0 && !this.#tasks.isPending;
  }

  // The session.

  async #begin(options: ReturnType<typeof toSessionOptions>): Promise<SessionResource> {
    const { resume, continue: newest, resumeSessionAt, persistSession } = this.#options;
    const { sessionId, title } = this.#options;
    const settings = persistSession === false ? { expires_in: LEFT_BEHIND_S } : {};
    // As in the Agent SDK an empty id resumes nothing.
    const from = newest ? await this.#newest() : resume || undefined;
    let session: SessionResource;
    if (from === undefined) {
      session = await this.#post("/v1/sessions", { id: sessionId, title, options, ...settings });
    } else {
      const path = `/v1/sessions/${pathSegment(from)}`;
      const id = isBranch(this.#options)
        ? (await this.#post(`${path}/fork`, { id: sessionId, message_id: resumeSessionAt })).id
        : from;
      const answer = await this.#transport.json(`/v1/sessions/${encodeURIComponent(id)}`, {
        method: "PATCH",
        body: { options, ...settings },
      });
      session = parseAnswer(isSession, answer);
    }
    this.#sessionId = session.id;
    return session;
  }

  async #newest(): Promise<string | undefined> {
    const answer = await this.#transport.json("/v1/sessions?limit=1");
    return parseAnswer(isSessionList, answer).sessions[0]?.id;
  }

  async #post(path: string, body: object): Promise<SessionResource> {
    const idempotencyKey = crypto.randomUUID();
    const answer = await this.#transport.json(path, { method: "POST", body, idempotencyKey });
    return parseAnswer(isSession, answer);
  }

  // The prompts.

  async streamInput(stream: AsyncIterable<SDKUserMessage>): Promise<void> {
    if (this.#isRead && !this.#isAborted) throw new Error(NOT_WRITABLE);
    this.#inputs += 1;
    try {
      const { id } = await this.#session;
      for await (const message of abortingWith(stream)) {
        if (this.#left.signal.aborted) return;
        // As in the Agent SDK the same message twice is one.
        const { uuid } = message;
        if (uuid !== undefined && this.#uuids.has(uuid)) continue;
        if (uuid !== undefined) this.#uuids.add(uuid);
        const isSent = uuid !== undefined && (await this.#sendNamed(id, message, uuid));
        if (!isSent) await this.#send(id, message, crypto.randomUUID());
      }
    } catch (error) {
      this.#fail(error);
      if (this.#isAborted) this.#stop();
      throw error;
    } finally {
      this.#inputs -= 1;
      // The last turn may have ended before it was known here that it is the last: nothing more wakes the reader.
      if (this.#isDone()) this.#leave();
    }
  }

  /** Sends a prompt under the program's own id; false if no turn can have it: it is in use, or no UUID. */
  async #sendNamed(id: string, message: SDKUserMessage, uuid: string): Promise<boolean> {
    this.#named.add(uuid);
    try {
      await this.#send(id, message, uuid);
      return true;
    } catch (error) {
      if (!(error instanceof ClaudeEdgeError) || error.code !== "invalid_request") throw error;
      for (const turns of [this.#named, this.#own, this.#open]) turns.delete(uuid);
      return false;
    }
  }

  async #send(id: string, message: SDKUserMessage, turn: string): Promise<void> {
    // Turns of other programs are not steered.
    const isAlone = this.#open.size === 0;
    // Its id is known before its events can come.
    this.#own.add(turn);
    this.#open.add(turn);
    const answer = await this.#transport.json(`/v1/sessions/${id}/turns`, {
      method: "POST",
      body: { id: turn, ...messageBody(message, isAlone) },
      // Not the turn's id: a program may use that again, and what comes then is another prompt.
      idempotencyKey: crypto.randomUUID(),
    });
    const { ended_at } = parseAnswer(isTurn, answer);
    // The session has had this message before: no event of its turn will come.
    if (ended_at !== undefined) this.#open.delete(turn);
    if (this.#left.signal.aborted) this.#stop();
  }

  // Ending.

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#leave();
  }

  #leave(): void {
    this.#left.abort();
    this.#taken.ring();
    this.#ended.ring();
  }

  readonly #onAbort = (): void => {
    this.#fail(new AbortError(this.#options.abortController?.signal.reason, ABORTED));
    this.#stop();
  };

  get #isAborted(): boolean {
    return this.#failure instanceof AbortError;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ahead = [];
    // All that was asked for has ended: there is nothing to stop.
    if (!this.#isRead) this.#stop();
    this.#leave();
  }

  /** What was begun here is not to run on: what waits first, or it would begin when the running one ends. */
  #stop(): void {
    for (const turn of [...this.#open].toReversed()) void this.#interrupt(turn).catch(() => {});
    this.#stopTasks();
  }

  #stopTasks(): void {
    for (const id of this.#tasks.running) void this.stopTask(id).catch(() => {});
  }

  /** Whether it was stopped. */
  async #interrupt(turn: string): Promise<boolean> {
    const { id } = await this.#session;
    const answer = await this.#transport.json(`/v1/sessions/${id}/interrupt`, {
      method: "POST",
      body: { turn_id: turn },
      idempotencyKey: crypto.randomUUID(),
    });
    return (answer as { interrupted: string[] }).interrupted.includes(turn);
  }

  /** Deletes the session with all it holds. */
  async deleteSession(): Promise<void> {
    const { id } = await this.#session;
    const { close } = await this.#transport.request(`/v1/sessions/${id}`, { method: "DELETE" });
    close();
  }

  // The methods.

  /** As in the Agent SDK the turn that runs; messages that it has not taken in still come, unless they are cancelled. */
  async interrupt({ cancelQueued = false } = {}): Promise<SDKControlInterruptResponse> {
    if (this.#isRead || this.#isAborted) throw new Error(NO_ANSWER);
    const [running, ...others] = [...this.#open].filter((turn) => !this.#takenIn.has(turn));
    const cancelled = new Set<string>();
    for (const turn of cancelQueued ? others.toReversed() : []) {
      if (await this.#interrupt(turn)) cancelled.add(turn);
    }
    // With no turn open, what tasks in the background have caused may be running.
    const stopped = running ?? (this.#tasks.isPending ? [...this.#own].at(-1) : undefined);
    if (stopped !== undefined) await this.#interrupt(stopped);
    const named = others.filter((turn) => this.#named.has(turn));
    const queued = named.filter((turn) => !cancelled.has(turn));
    if (!cancelQueued) return { still_queued: queued };
    return { still_queued: queued, cancelled: named.filter((turn) => cancelled.has(turn)) };
  }

  async #control<Value>(method: ControlMethod, ...args: unknown[]): Promise<Value> {
    const { id } = await this.#session;
    // JSON has no undefined: left out at the end, null before that.
    while (args.length > 0 && args.at(-1) === undefined) args.pop();
    const answer = await this.#transport.json(`/v1/sessions/${id}/control`, {
      method: "POST",
      body: { method, args },
    });
    return (answer as { result: Value }).result;
  }

  accountInfo: Query["accountInfo"] = () => this.#control("accountInfo");
  applyFlagSettings: Query["applyFlagSettings"] = (settings) =>
    this.#control("applyFlagSettings", settings);
  backgroundTasks: Query["backgroundTasks"] = (id) => this.#control("backgroundTasks", id);
  getContextUsage: Query["getContextUsage"] = (of) => this.#control("getContextUsage", of);
  initializationResult: Query["initializationResult"] = () => this.#control("initializationResult");
  mcpServerStatus: Query["mcpServerStatus"] = () => this.#control("mcpServerStatus");
  readFile: Query["readFile"] = (path, of) => this.#control("readFile", path, of);
  readMcpResource: Query["readMcpResource"] = (server, uri) =>
    this.#control("readMcpResource", server, uri);
  reconnectMcpServer: Query["reconnectMcpServer"] = (server) =>
    this.#control("reconnectMcpServer", server);
  reloadOutputStyles: Query["reloadOutputStyles"] = () => this.#control("reloadOutputStyles");
  reloadPlugins: Query["reloadPlugins"] = (of) => this.#control("reloadPlugins", of);
  reloadSkills: Query["reloadSkills"] = () => this.#control("reloadSkills");
  seedReadState: Query["seedReadState"] = (path, mtime) =>
    this.#control("seedReadState", path, mtime);
  setMaxThinkingTokens: Query["setMaxThinkingTokens"] = (tokens, display) =>
    this.#control("setMaxThinkingTokens", tokens, display);
  setMcpPermissionModeOverride: Query["setMcpPermissionModeOverride"] = (server, mode) =>
    this.#control("setMcpPermissionModeOverride", server, mode);
  setModel: Query["setModel"] = (model) => this.#control("setModel", model);
  setPermissionMode: Query["setPermissionMode"] = (mode) =>
    this.#control("setPermissionMode", mode);
  stopTask: Query["stopTask"] = (id) => this.#control("stopTask", id);
  supportedAgents: Query["supportedAgents"] = () => this.#control("supportedAgents");
  supportedCommands: Query["supportedCommands"] = () => this.#control("supportedCommands");
  supportedModels: Query["supportedModels"] = () => this.#control("supportedModels");
  toggleMcpServer: Query["toggleMcpServer"] = (server, enabled) =>
    this.#control("toggleMcpServer", server, enabled);
  updateSettings: Query["updateSettings"] = (source, settings) =>
    this.#control("updateSettings", source, settings);
  usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET: Query["usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET"] =
    (of) => this.#control("usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET", of);

  setMcpServers: Query["setMcpServers"] = (servers) => {
    this.#callbacks.addServers(servers);
    return this.#control<McpSetServersResult>("setMcpServers", serverConfigs(servers));
  };

  async reinitialize(): Promise<never> {
    return refuse("reinitialize", METHODS.reinitialize.reason);
  }

  rewindFiles: Query["rewindFiles"] = async (message, { dryRun = false } = {}) => {
    const { id } = await this.#session;
    while (this.#open.size > 0 && !this.#left.signal.aborted) await this.#ended.rung();
    return rewindFiles(this.#transport, id, message, dryRun);
  };
}
