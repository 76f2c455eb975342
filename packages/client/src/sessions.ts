import {
  isNetworkUseList,
  isSession,
  isSessionList,
  isTurn,
  isTurnList,
  isTurnTrace,
  type ControlMethod,
  type EdgeEvent,
  type NetworkUse,
  type Priority,
  type Prompt,
  type Rewound,
  type SessionOptions,
  type SessionResource,
  type TurnResource,
  type TurnTrace,
  type UserMessageFields,
} from "@claude-edge/protocol/wire";

import type { CallOptions } from "./call-options.js";
import { Callbacks } from "./callbacks/callbacks.js";
import { hookCounts, serverConfigs } from "./callbacks/placeholders.js";
import type { OnNetwork, OnPermission, SessionCallbacks } from "./callbacks/types.js";
import { ClaudeEdgeError } from "./errors.js";
import type { PromptAttachment } from "./files/attachments.js";
import type { ExportOptions } from "./files/options.js";
import { fileCalls, SessionFiles } from "./files/session-files.js";
import { outputFormatOf, type OutputOf, type OutputSchema } from "./output.js";
import { pageQuery, paged } from "./paged.js";
import { parseAnswer } from "./parse-answer.js";
import { pathSegment } from "./path-segment.js";
import { promptBody } from "./prompt-body.js";
import type { Transport } from "./transport.js";
import { sessionEvents } from "./session-stream.js";
import { pastEvents } from "./turn-stream.js";
import { Turn } from "./turn.js";

/** What a turn can be told beside its prompt. */
export interface TurnOptions extends CallOptions {
  /** The span that the turn belongs to (W3C `traceparent`): a process that is started for it continues it. */
  traceparent?: string | undefined;
  /**
   * Files that go with the prompt, 20 at the most: the agent sees images and PDFs, of others it is told where they are.
   * Their bytes travel with the prompt up to 5 MiB together. More of them `send()` puts into the workspace first, which
   * is refused with `turn_running` while a turn of the session runs; `query()` refuses them with `body_too_large`.
   */
  attachments?: readonly PromptAttachment[] | undefined;
}

/** How a message reaches a turn that runs. */
export interface SteerOptions extends CallOptions {
  /**
   * `next` (the default): the running turn takes the message in with the results of its next tools. `now`: the running
   * turn is interrupted. `later`: it waits for its turn.
   */
  priority?: Priority | undefined;
  /** A UUID to give the message: the same one again is the same message. */
  id?: string | undefined;
  /** More fields of the Agent SDK's `SDKUserMessage`: `shouldQuery`, `isSynthetic`, … */
  fields?: UserMessageFields | undefined;
}

/** What a session can be given beside the Agent SDK's options. */
export interface SessionSettings {
  /** What people call it; up to 200 characters. */
  title?: string | undefined;
  /** Up to 20 words to find it by. */
  tags?: string[] | undefined;
  /**
   * What becomes of a turn whose container is lost. `auto` (the default): it is begun again where it was cut off, unless a
   * tool that may have had an effect would run a second time; then it fails with `container_lost`. `resume`: it is begun
   * again in any case. `fail`: it fails in any case.
   */
  onContainerLost?: "auto" | "fail" | "resume" | undefined;
  /** How long its permissions and questions may wait for an answer, milliseconds; 7 days by default. Then: denied. */
  approvalTimeout?: number | undefined;
  /**
   * Deletes it this many seconds after its last activity: its creation, the end of a turn, a change of its files. Not
   * while a turn is open. `never`: as the deployment has it, whose own time holds if it is shorter.
   */
  expiresIn?: number | "never" | undefined;
}

/** Which sessions are listed: those that fit all that is given. */
export interface ListSessionsOptions extends CallOptions {
  /** At most so many. */
  limit?: number | undefined;
  /** One of their tags. */
  tag?: string | undefined;
  /** `waiting`: for an answer to a request. */
  status?: SessionResource["status"] | undefined;
  /** Text in the title, in upper or lower case. */
  title?: string | undefined;
}

type CallbackName = "canUseTool" | "hooks" | "mcpServers" | "onElicitation" | "onUserDialog";

/** The Agent SDK's options as far as they travel, and the callbacks that run in this program. */
export interface AgentOptions
  extends Omit<SessionOptions, CallbackName>, Omit<SessionCallbacks, "canUseTool"> {
  /** Asked before a tool runs that needs it. `true`: asked, and answered by another program, a person or a webhook. */
  canUseTool?: SessionCallbacks["canUseTool"] | true;
}

/** What a session is made with: the Agent SDK's options, which hold for all its turns, and its settings. */
export interface CreateSessionOptions extends AgentOptions, SessionSettings, CallOptions {
  /** A UUID to give it; a fresh one without. */
  id?: string | undefined;
}

/** The options a session is sent, and what of it runs here. */
export function splitCallbacks(
  options: AgentOptions,
  output?: OutputSchema,
): { options: SessionOptions; handlers: SessionCallbacks } {
  const { onPermission, onNetwork, ...rest } = options;
  const { canUseTool, hooks, mcpServers, onElicitation, onUserDialog, ...plain } = rest;
  return {
    options: {
      ...plain,
      ...((canUseTool ?? onPermission) ? { canUseTool: true } : {}),
      ...(hooks ? { hooks: hookCounts(hooks) } : {}),
      ...(mcpServers ? { mcpServers: serverConfigs(mcpServers) } : {}),
      ...(onElicitation ? { onElicitation: true } : {}),
      ...(onUserDialog ? { onUserDialog: true } : {}),
      ...(output ? { outputFormat: outputFormatOf(output) } : {}),
    },
    handlers: {
      onPermission,
      onNetwork,
      ...(typeof canUseTool === "function" ? { canUseTool } : {}),
      ...(hooks ? { hooks } : {}),
      ...(mcpServers ? { mcpServers } : {}),
      ...(onElicitation ? { onElicitation } : {}),
      ...(onUserDialog ? { onUserDialog } : {}),
    },
  };
}

/** Where a session is branched, and what the branch is called. */
export interface ForkOptions extends CallOptions {
  /** The last message to keep: the `uuid` of an assistant or user message. All of them without it. */
  messageId?: string | undefined;
  /** The last turn to keep, with the files as they were at its end; not together with `messageId`. */
  turnId?: string | undefined;
  /** A UUID to give it; a fresh one without. */
  id?: string | undefined;
  /** What people call it; that of the first without. */
  title?: string | undefined;
}

/** A conversation on the deployment. `Output` is what its turns come to, when it was made with a schema. */
export class Session<Output = unknown> {
  /** A UUID, lower case: keep it to open the session again. */
  readonly id: string;
  /** The files of its workspace. */
  readonly files: SessionFiles;
  readonly #transport: Transport;

  readonly #path: string;
  readonly #callbacks: Callbacks;
  readonly #output: OutputSchema | undefined;

  /** @internal */
  constructor(
    transport: Transport,
    id: string,
    handlers: SessionCallbacks = {},
    output?: OutputSchema,
  ) {
    this.#transport = transport;
    this.id = id;
    this.#callbacks = new Callbacks(transport, () => id, handlers);
    this.#output = output;
    this.#path = `/v1/sessions/${pathSegment(id)}`;
    this.files = new SessionFiles(transport, this.#path);
  }

  /** Sends a prompt: the turn behind those that are queued already. */
  send(
    prompt: Prompt,
    { signal, traceparent, attachments, idempotencyKey = crypto.randomUUID() }: TurnOptions = {},
  ): Turn<Output> {
    const path = `${this.#path}/turns`;
    const callbacks = this.#callbacks;
    const place = { session: this.#path, signal };
    const body = promptBody(this.#transport, { prompt }, attachments, place);
    const request = { path, body, idempotencyKey, signal, traceparent, callbacks };
    return new Turn(this.#transport, request, {
      position: { sessionId: this.id },
      output: this.#output,
    });
  }

  /**
   * Gives a message to the turn that runs. Resolves when it is stored: it is a turn of its own, which ends with the
   * running one and as that does if that has taken the message in (`steered_turn_id`). Otherwise, or when no turn runs, it
   * is the next turn. Wait for it with {@link resume}.
   * @throws ApiError `session_not_found`, `prompt_empty`, `prompt_too_long`, `queue_full`.
   */
  async steer(
    message: Prompt,
    { priority = "next", id, fields, signal, idempotencyKey }: SteerOptions = {},
  ): Promise<TurnResource> {
    const answer = await this.#transport.json(`${this.#path}/turns`, {
      method: "POST",
      body: { id, prompt: message, priority, fields },
      idempotencyKey: idempotencyKey ?? crypto.randomUUID(),
      signal,
    });
    return parseAnswer(isTurn, answer);
  }

  /**
   * Goes on with a turn that was being read: from where a {@link StreamInterruptedError} says, in this process or
   * another. Reads the turn from its beginning without `lastSeq`; its deltas are gone once it has ended.
   * @throws ClaudeEdgeError `invalid_request` when the turn is not known: send the prompt again, under the same key.
   */
  resume(
    { turnId, lastSeq = 0 }: { turnId: string | undefined; lastSeq?: number },
    { signal }: CallOptions = {},
  ): Turn<Output> {
    if (turnId === undefined) {
      const message = "The turn is not known: it was interrupted before its first event.";
      throw new ClaudeEdgeError({ code: "invalid_request", message, retryable: false });
    }
    const callbacks = this.#callbacks;
    // Never sent: a turn that is known is read, not begun.
    const request = { path: this.#path, body: {}, idempotencyKey: "", signal, callbacks };
    const position = { sessionId: this.id, turnId, lastSeq };
    return new Turn(this.#transport, request, { position, output: this.#output });
  }

  /**
   * Asks this function from now on, while a turn or the session's events are read through this object. The session
   * must have been made with `onPermission` or `canUseTool`.
   */
  onPermission(ask: OnPermission): this {
    this.#callbacks.handlers = { ...this.#callbacks.handlers, onPermission: ask };
    return this;
  }

  /** Asks this function about hosts from now on, while a turn or the session's events are read through this object. */
  onNetwork(ask: OnNetwork): this {
    this.#callbacks.handlers = { ...this.#callbacks.handlers, onNetwork: ask };
    return this;
  }

  /**
   * Calls a method of the Agent SDK's `Query` on the session's process, starting one if there is none. Model and
   * permission mode hold for its later turns too.
   * @throws ApiError `session_not_found`, `control_failed`.
   */
  async control(
    method: ControlMethod,
    args: unknown[] = [],
    { signal }: Pick<CallOptions, "signal"> = {},
  ): Promise<unknown> {
    // Without a key, so it is sent once: not all of them may be called twice.
    const request = { method: "POST", body: { method, args }, signal } as const;
    const answer = await this.#transport.json(`${this.#path}/control`, request);
    return (answer as { result?: unknown }).result;
  }

  /** Its turns, newest first; pages are fetched as they are needed. @throws ApiError `session_not_found`. */
  async *turns({
    signal,
    limit = Infinity,
  }: CallOptions & { limit?: number } = {}): AsyncGenerator<TurnResource> {
    const path = `${this.#path}/turns`;
    yield* paged(limit, async (...page) => {
      const answer = await this.#transport.json(`${path}?${pageQuery(...page)}`, { signal });
      const { turns, next_cursor } = parseAnswer(isTurnList, answer);
      return { items: turns, next_cursor };
    });
  }

  /**
   * Where the time of a turn went: queue, container, files, process, model calls, tools, requests. Of a turn that runs,
   * what is known so far. @throws ApiError `session_not_found`, `turn_not_found`.
   */
  async trace(turnId: string, { signal }: CallOptions = {}): Promise<TurnTrace> {
    const path = `${this.#path}/turns/${encodeURIComponent(turnId)}/trace`;
    return parseAnswer(isTurnTrace, await this.#transport.json(path, { signal }));
  }

  /** What its container asked of hosts, by turn, oldest first. @throws ApiError `session_not_found`. */
  async network({ signal }: CallOptions = {}): Promise<NetworkUse[]> {
    const answer = await this.#transport.json(`${this.#path}/network`, { signal });
    return parseAnswer(isNetworkUseList, answer).hosts;
  }

  /** How it stands now. @throws ApiError `session_not_found`. */
  async retrieve({ signal }: CallOptions = {}): Promise<SessionResource> {
    return parseAnswer(isSession, await this.#transport.json(this.#path, { signal }));
  }

  /**
   * What happens in the session, across turns, without end: first what is stored behind `after` (0 by default), then
   * live. Ends by `break` or by the signal. While no turn runs it waits at the account's feed, and lets the session sleep.
   * With `follow: false` it ends with what is there now, and no callbacks run.
   */
  async *events({
    after = 0,
    follow = true,
    signal,
  }: { after?: number; follow?: boolean } & CallOptions = {}): AsyncGenerator<EdgeEvent> {
    if (!follow) return yield* pastEvents(this.#transport, this.#path, after, signal);
    const position = { sessionId: this.id, turnId: undefined, lastSeq: after };
    const callbacks = this.#callbacks;
    const past = callbacks.any ? (await this.retrieve({ signal })).last_seq : 0;
    const options = { signal, callbacks: callbacks.needCaller };
    callbacks.enter();
    try {
      for await (const event of sessionEvents(this.#transport, this.#path, position, options)) {
        if (event.kind === "request" && event.seq <= past) await callbacks.onPastEvent(event);
        else if (event.kind === "request" || event.kind === "request.resolved") {
          callbacks.onEvent(event);
        }
        yield event;
      }
    } finally {
      callbacks.leave();
    }
  }

  /**
   * Replaces what is named. Options are replaced whole, callbacks among them, and hold from the next turn on. The time of
   * `expiresIn` begins anew.
   * @throws ApiError `session_not_found`.
   */
  async update({
    title,
    tags,
    approvalTimeout,
    expiresIn,
    options,
    signal,
  }: { options?: AgentOptions } & Omit<SessionSettings, "onContainerLost"> &
    CallOptions): Promise<SessionResource> {
    const agent = options && splitCallbacks(options, this.#output);
    const body = {
      title,
      tags,
      options: agent?.options,
      approval_timeout_ms: approvalTimeout,
      expires_in: expiresIn,
    };
    const request = { method: "PATCH", body, signal } as const;
    const session = parseAnswer(isSession, await this.#transport.json(this.#path, request));
    if (agent) this.#callbacks.handlers = agent.handlers;
    return session;
  }

  /**
   * Branches the conversation: a new session that remembers this one, and has its files, options, callbacks and output
   * schema.
   * @throws ApiError `session_not_found`, `message_not_found`, `turn_not_found`, `session_exists`.
   */
  async fork({ messageId, turnId, id, title, signal, idempotencyKey }: ForkOptions = {}): Promise<
    Session<Output>
  > {
    const answer = await this.#transport.json(`${this.#path}/fork`, {
      method: "POST",
      body: { message_id: messageId, turn_id: turnId, id, title },
      idempotencyKey: idempotencyKey ?? crypto.randomUUID(),
      signal,
    });
    const { id: fork } = parseAnswer(isSession, answer);
    return new Session(this.#transport, fork, this.#callbacks.handlers, this.#output);
  }

  /**
   * Goes back to the end of a turn, or with `null` to the beginning: conversation and files. What came after it is no
   * longer remembered; its events and its checkpoints stay to be read, and the files can be had back from there.
   * @throws ApiError `session_not_found`, `checkpoint_not_found`, `turn_running` while a turn runs or waits.
   */
  async rewind(turnId: string | null, options: CallOptions = {}): Promise<Rewound> {
    return (await fileCalls(this.#transport, this.#path)).rewind(turnId, options);
  }

  /**
   * All of it as an uncompressed tar, as it is now: `session.json`, `turns.ndjson`, `events.ndjson`,
   * `transcript.ndjson`, and its files in `files`. A stream that breaks off throws, as it does when the session is
   * deleted meanwhile.
   * @throws ApiError `session_not_found`.
   */
  async export(options: ExportOptions = {}): Promise<ReadableStream<Uint8Array>> {
    return (await fileCalls(this.#transport, this.#path)).export(options);
  }

  /** Deletes it with all it holds, and stops what runs of it. @throws ApiError `session_not_found`. */
  async delete({ signal }: CallOptions = {}): Promise<void> {
    const { close } = await this.#transport.request(this.#path, { method: "DELETE", signal });
    close();
  }

  /** Stops every open turn of it, the queued ones too. Gives their ids. @throws ApiError `session_not_found`. */
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

  /**
   * Makes a session; its options hold for all its turns. With `output`, a schema, each turn comes to a value of it.
   * @throws ApiError `session_exists`.
   */
  async create<Schema extends OutputSchema = Record<string, unknown>>({
    id,
    title,
    tags,
    onContainerLost,
    approvalTimeout,
    expiresIn,
    signal,
    idempotencyKey,
    output,
    ...agent
  }: CreateSessionOptions & { output?: Schema } = {}): Promise<Session<OutputOf<Schema>>> {
    const { options, handlers } = splitCallbacks(agent, output);
    const answer = await this.#transport.json("/v1/sessions", {
      method: "POST",
      body: {
        id,
        title,
        tags,
        on_container_lost: onContainerLost,
        approval_timeout_ms: approvalTimeout,
        expires_in: expiresIn,
        options,
      },
      idempotencyKey: idempotencyKey ?? crypto.randomUUID(),
      signal,
    });
    const session = parseAnswer(isSession, answer);
    return new Session(this.#transport, session.id, handlers, output);
  }

  /**
   * A session by its id, unasked: whether it exists shows at the first call. With callbacks, those run here for what
   * is read of it through this object.
   * @throws ClaudeEdgeError `session_not_found` for what can be no id: an empty one, `.` and `..`.
   */
  open(id: string, callbacks: SessionCallbacks = {}): Session {
    return new Session(this.#transport, id, callbacks);
  }

  /** A session as it stands now. @throws ApiError `session_not_found`. */
  retrieve(id: string, options: CallOptions = {}): Promise<SessionResource> {
    return this.open(id).retrieve(options);
  }

  /** Sessions, newest first; pages are fetched as they are needed. */
  async *list({
    signal,
    limit = Infinity,
    ...filter
  }: ListSessionsOptions = {}): AsyncGenerator<SessionResource> {
    yield* paged(limit, async (...page) => {
      const query = pageQuery(...page);
      for (const [name, value] of Object.entries(filter)) {
        if (value !== undefined) query.set(name, value);
      }
      const answer = await this.#transport.json(`/v1/sessions?${query}`, { signal });
      const { sessions, next_cursor } = parseAnswer(isSessionList, answer);
      return { items: sessions, next_cursor };
    });
  }
}
