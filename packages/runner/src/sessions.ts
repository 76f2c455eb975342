import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";

import type { Options, SessionStore } from "@anthropic-ai/claude-agent-sdk";
import {
  EdgeError,
  MAX_WORKSPACE_FILES,
  type CallbackAnswer,
  type SessionOptions,
} from "@claude-edge/protocol";
import {
  asks,
  fitsSpare,
  type ControlCall,
  type ControlResult,
  type StartTurn,
  type TakeCheckpoint,
  type TranscriptEntry,
  type TurnStarted,
} from "@claude-edge/protocol/runner";

import { directoriesOf, type AgentDefinition } from "./agent.js";
import { AgentProcess } from "./agent-process.js";
import { withAttachments } from "./attachments.js";
import { withCallbacks } from "./callbacks.js";
import { agentEnvironment, makeSessionFolders, type RunnerFolders } from "./environment.js";
import type { EventLog } from "./event-log.js";
import { forOneMessage } from "./one-message.js";
import { Session, type OpenedProcess, type OpeningTurn, type SessionFiles } from "./session.js";
import { TranscriptStore } from "./transcript-store.js";
import { checkpointHooks, joinHooks, restoreHooks } from "./workspace-hooks.js";
import { Workspaces } from "./workspace/workspaces.js";

/** How a runner treats its processes, and their files. */
export interface ProcessPolicy {
  /** A session's process is kept this long after its last turn, milliseconds. */
  hotMs: number;
  /** Processes made ready for sessions to come. */
  spares: number;
  /** A process is replaced after this many turns: it keeps its history in memory. */
  maxTurns: number;
  /** … or when it has grown to this, bytes. */
  maxResidentBytes: number;
  /** A process is started only while this much memory is left, bytes: what an active one needs. */
  reserveBytes: number;
  /** The largest number of files that a workspace can have and still be kept. */
  maxWorkspaceFiles: number;
}

export const DEFAULT_POLICY: ProcessPolicy = {
  hotMs: 10 * 60_000,
  spares: 1,
  maxTurns: 100,
  maxResidentBytes: 300 * 1024 * 1024,
  reserveBytes: 300 * 1024 * 1024,
  maxWorkspaceFiles: MAX_WORKSPACE_FILES,
};

/** When there is no memory for another process, a caller is asked to come back after this, seconds. */
export const RETRY_AFTER_S = 5;

/** Every session has a workspace of its own, so one scope serves for all their transcripts. */
const SCOPE = "workspace";

/** Has Claude Code go on with the turn that a transcript breaks off in, instead of waiting for a prompt. */
const RESUME_TURN = {
  CLAUDE_CODE_RESUME_INTERRUPTED_TURN: "1",
  CLAUDE_CODE_RESUME_REASON: "container_recreated",
};

/** A spare takes 0.3 s of a core: it waits until the container has had nothing else to do for this long, milliseconds. */
const SPARE_DELAY_MS = 500;

/** A process made ready for a session to come, which has its id. */
interface Spare {
  process: AgentProcess;
  asks: boolean;
}

/** The sessions of a runner, and the processes they share it with: hot ones, spares, and room for more. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #spares = new Map<string, Spare>();
  /** What the newest session without a process wanted: the next is likely to want the same. */
  #spareAsks = false;
  readonly #agent: AgentDefinition;
  readonly #folders: RunnerFolders;
  readonly #policy: ProcessPolicy;
  readonly #log: EventLog;
  readonly #transcripts: TranscriptStore;
  readonly workspaces: Workspaces;
  readonly #idleTimers = new Map<Session, NodeJS.Timeout>();
  #refill: NodeJS.Timeout | undefined;
  #preparing: Promise<void> | undefined;
  #spareFailed = false;
  #closed = false;

  constructor(
    agent: AgentDefinition,
    folders: RunnerFolders,
    policy: ProcessPolicy,
    log: EventLog,
  ) {
    this.#agent = agent;
    this.#folders = folders;
    this.#policy = policy;
    this.#log = log;
    this.#transcripts = new TranscriptStore(`${folders.state}/transcripts`, (key, entries) => {
      const { sessionId: session, subpath } = key;
      log.append({
        kind: "transcript",
        session,
        turn: this.#sessions.get(session)?.lastTurn ?? "",
        ...(subpath === undefined ? {} : { subpath }),
        entries,
      });
      if (subpath === undefined) this.#sessions.get(session)?.onStored(entries);
    });
    const { ignore = [], gitignore = false } = agent.workspace ?? {};
    const options = { ignore, gitignore, maxFiles: policy.maxWorkspaceFiles };
    this.workspaces = new Workspaces(log, { ...folders, options });
  }

  /** Begins to keep spares. */
  open(): void {
    this.#scheduleRefill();
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /**
   * Starts a turn, or finds it started. What comes of it is in the log.
   * @throws EdgeError `turn_running`, `container_full`.
   */
  startTurn(id: string, turn: string, start: StartTurn): TurnStarted {
    const { boot } = this.#log;
    const session = this.#sessions.get(id) ?? this.#add(id);
    const started = session.startOf(turn);
    if (started !== undefined) return { boot, cursor: started };
    if (session.busy)
      throw new EdgeError("turn_running", "Another turn of the session is running.");
    if (!session.process?.alive) {
      if (!this.#spares.has(id)) this.#makeRoom();
      this.#spareAsks = asks(start.options);
    }
    clearTimeout(this.#idleTimers.get(session));
    clearTimeout(this.#refill);
    // Not awaited: the log tells how it goes, and the caller need not wait for a process to start.
    void session.start(turn, start);
    return { boot, cursor: session.startOf(turn)! };
  }

  /** Gives an answer to whoever waits for it in a session. False when nobody does. */
  answer(id: string, request: string, answer: CallbackAnswer): boolean {
    return this.#sessions.get(id)?.requests.answer(request, answer) ?? false;
  }

  /** Calls a method of the Agent SDK's `Query` for a session. @throws EdgeError `container_full`. */
  async control(id: string, call: ControlCall): Promise<ControlResult> {
    const session = this.#sessions.get(id) ?? this.#add(id);
    if (!session.process?.alive && !this.#spares.has(id)) this.#makeRoom();
    return session.control(call);
  }

  /**
   * Takes over a transcript that is stored elsewhere: before the session's first turn here, or in place of what it has
   * here. Its process knows another, and one that was made ready begins a new one: both end.
   * @throws EdgeError `turn_running`.
   */
  async restore(id: string, entries: AsyncIterable<TranscriptEntry[]>): Promise<void> {
    const session = this.#sessions.get(id);
    if (session?.busy) throw new EdgeError("turn_running", "A turn of the session is running.");
    const spare = this.#spares.get(id);
    this.#spares.delete(id);
    await spare?.process.close();
    await session?.close();
    // Claude Code keeps a transcript of its own there, and begins no session under an id that it finds in one.
    await rm(`${this.#folders.state}/${id}/config/projects`, { recursive: true, force: true });
    // What an attempt that was cut off left behind would be there twice.
    await this.#transcripts.delete({ projectKey: SCOPE, sessionId: id });
    // The process's own copy, by which the next one would take the id for used when there is nothing to resume.
    const { state } = this.#folders;
    await rm(`${state}/${id}/config/projects`, { recursive: true, force: true });
    for await (const batch of entries) {
      const byPath = Map.groupBy(batch, ({ subpath }) => subpath);
      for (const [subpath, group] of byPath) {
        const key = {
          projectKey: SCOPE,
          sessionId: id,
          ...(subpath === undefined ? {} : { subpath }),
        };
        await this.#transcripts.restore(
          key,
          group.map(({ entry }) => entry),
        );
      }
    }
  }

  /**
   * How the workspace of a session is to be; gives the content that is missing for it. Not while its turn runs, unless
   * that waits for just this.
   * @throws EdgeError `turn_running`, `path_invalid`, `disk_full`, …
   */
  putWorkspace(id: string, body: AsyncIterable<Uint8Array>): Promise<string[]> {
    const mayBegin = () => {
      if (!this.#sessions.get(id)?.busy || !this.workspaces.isWhole(id)) return;
      throw new EdgeError("turn_running", "A turn of the session is running.");
    };
    return this.workspaces.put(id, body, mayBegin);
  }

  /** Takes a checkpoint of a session; gives the log's cursor behind it. */
  async takeCheckpoint(id: string, { reason, full = false }: TakeCheckpoint): Promise<number> {
    const turn = this.#sessions.get(id)?.currentTurn ?? "";
    await this.workspaces.checkpoint(id, { turn, reason, full, isAwaited: true });
    return this.#log.head.cursor;
  }

  /** Ends a session's process, stops what runs in it, and removes all it has here. */
  async remove(id: string): Promise<void> {
    const session = this.#sessions.get(id);
    const spare = this.#spares.get(id);
    this.#sessions.delete(id);
    this.#spares.delete(id);
    await spare?.process.close();
    this.#scheduleRefill();
    if (session) {
      clearTimeout(this.#idleTimers.get(session));
      this.#idleTimers.delete(session);
      await session.close();
    }
    await this.workspaces.forget(id);
    await this.#transcripts.delete({ projectKey: SCOPE, sessionId: id });
    const { workspaces, state } = this.#folders;
    const folders = [`${workspaces}/${id}`, `${state}/${id}`];
    await Promise.all(folders.map((path) => rm(path, { recursive: true, force: true })));
  }

  /** Ends every process. Turns that run are not ended: to the account they are lost with the container. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refill);
    await this.#preparing;
    await Promise.all([
      ...[...this.#sessions.values()].map((session) => session.abandon()),
      ...[...this.#spares.values()].map((spare) => spare.process.close()),
    ]);
    await this.workspaces.close();
  }

  #add(id: string): Session {
    const session = new Session(id, {
      log: this.#log,
      openProcess: (of, options, turn) => this.#openProcess(of, options, turn),
      wantsOutput: (options) => (options.outputFormat ?? this.#agent.outputFormat) !== undefined,
      onIdle: (of) => this.#onIdle(of),
      files: this.#filesOf(id),
    });
    this.#sessions.set(id, session);
    return session;
  }

  #filesOf(id: string): SessionFiles {
    return {
      isWhole: () => this.workspaces.isWhole(id),
      untilWhole: () => this.workspaces.untilWhole(id),
      checkpoint: (turn, reason) => this.workspaces.checkpoint(id, { turn, reason }),
      attach: (paths, prompt) =>
        withAttachments(`${this.#folders.workspaces}/${id}`, paths, prompt),
    };
  }

  // Processes.

  async #openProcess(
    session: Session,
    options: SessionOptions,
    { begun, traceparent, message }: OpeningTurn = {},
  ): Promise<OpenedProcess> {
    const spare = await this.#takeSpare(session.id, options);
    if (spare) {
      spare.claim(session);
      await spare.configure(options as Pick<Options, "model" | "permissionMode">);
      return { process: spare, wasSpare: true, isUnderWay: false, holdsTools: false };
    }
    const sdkOptions = message
      ? forOneMessage(await this.#sdkOptions(session.id, options, session, {}), message)
      : await this.#sdkOptions(session.id, options, session);
    if (traceparent !== undefined) sdkOptions.env!.TRACEPARENT = traceparent;
    const isUnderWay = begun !== undefined && (await this.#hasPrompt(session.id, begun.id));
    // One that stands at a question goes on by itself, at that question.
    if (isUnderWay && !begun.isAnswered) Object.assign(sdkOptions.env!, RESUME_TURN);
    const files = this.#filesOf(session.id);
    const holdsTools = !files.isWhole();
    if (holdsTools) sdkOptions.hooks = joinHooks(restoreHooks(files), sdkOptions.hooks);
    const process = AgentProcess.start(session.id, sdkOptions, session);
    return { process, wasSpare: false, isUnderWay, holdsTools };
  }

  /** The turn's prompt is in the transcript: it was begun, and resuming goes on with it. */
  async #hasPrompt(id: string, turn: string): Promise<boolean> {
    const entries = await this.#transcripts.load({ projectKey: SCOPE, sessionId: id });
    return entries?.some(({ uuid }) => uuid === turn) ?? false;
  }

  /** The spare that was made ready under this id, if it lives and will do for these options. */
  async #takeSpare(id: string, options: SessionOptions): Promise<AgentProcess | undefined> {
    const spare = this.#spares.get(id);
    this.#spares.delete(id);
    if (!spare) return undefined;
    const { process } = spare;
    if (process.alive && fitsSpare(options) && spare.asks === asks(options)) return process;
    // To its end: what ends with it is found by the session's mark, which the next process will carry.
    await process.close();
    return undefined;
  }

  /** What a process is started with. Its callbacks are the session's. */
  async #sdkOptions(
    id: string,
    wire: SessionOptions,
    session: Session,
    definition: AgentDefinition = this.#agent,
  ): Promise<Options> {
    const { env, workspace: _ours, ...agent } = definition;
    // Said with each prompt: a spare can serve for either.
    const { verbatimPrompts: _perPrompt, ...options } = withCallbacks(wire, session);
    const folders = await makeSessionFolders(this.#folders, id);
    const entries = await this.#transcripts.load({ projectKey: SCOPE, sessionId: id });
    // Last words of a process that a rewind has ended may be all there is: no conversation to resume.
    const isKnown = entries?.some(({ type }) => type === "user" || type === "assistant") ?? false;
    return {
      settingSources: [],
      strictMcpConfig: true,
      // Otherwise servers' headers and variables would be on a command line that every tool can read.
      mcpServersDelivery: "initialize",
      ...agent,
      ...options,
      ...merged("mcpServers", agent.mcpServers, options.mcpServers),
      ...merged("agents", agent.agents, options.agents),
      additionalDirectories: directoriesOf(agent, options),
      hooks: joinHooks(
        agent.hooks,
        options.hooks,
        checkpointHooks(() => session.onToolDone()),
      ),
      ...(isKnown ? { resume: id } : { sessionId: id }),
      cwd: folders.workspace,
      env: agentEnvironment(id, folders, env),
      includePartialMessages: true,
      sessionStore: this.#storeOf(),
      // What has finished must be stored when the process is killed the moment after.
      sessionStoreFlush: "eager",
      ...(options.permissionMode === "bypassPermissions"
        ? { allowDangerouslySkipPermissions: true }
        : {}),
    } as Options;
  }

  /** The store as the Agent SDK sees it: it scopes by working directory, which is the session's own anyway. */
  #storeOf(): SessionStore {
    const store = this.#transcripts;
    const inScope = <Key extends { projectKey: string }>(key: Key) => ({
      ...key,
      projectKey: SCOPE,
    });
    return {
      append: (key, entries) => store.append(inScope(key), entries),
      load: (key) => store.load(inScope(key)),
      listSubkeys: (key) => store.listSubkeys(inScope(key)),
    };
  }

  #onIdle(session: Session): void {
    const { process } = session;
    const { hotMs, maxTurns, maxResidentBytes } = this.#policy;
    const isWorn =
      process && (process.turns >= maxTurns || process.residentBytes > maxResidentBytes);
    const timer = setTimeout(() => void this.#cool(session), isWorn ? 0 : hotMs);
    timer.unref();
    clearTimeout(this.#idleTimers.get(session));
    this.#idleTimers.set(session, timer);
    this.#scheduleRefill();
  }

  /** Ends an idle session's process; its next turn resumes. */
  async #cool(session: Session): Promise<void> {
    clearTimeout(this.#idleTimers.get(session));
    this.#idleTimers.delete(session);
    if (session.busy) return;
    this.#transcripts.forget(session.id);
    await session.close();
  }

  /** Ends idle processes, the least recently used first, until another one fits. @throws EdgeError `container_full`. */
  #makeRoom(): void {
    if (this.#hasRoom()) return;
    const [spare] = this.#spares;
    if (spare) {
      this.#drop(...spare);
    }
    const idle = [...this.#sessions.values()]
      .filter((session) => session.process && !session.busy)
      .toSorted((a, b) => a.lastUsed - b.lastUsed);
    if (idle[0]) void this.#cool(idle[0]);
    // What has just been told to end is room in a moment; with nothing to end there will be none soon.
    if (!spare && !idle[0]) {
      throw new EdgeError("container_full", "The container has no memory for another session.");
    }
  }

  #hasRoom(): boolean {
    return process.availableMemory() > this.#policy.reserveBytes;
  }

  // Spares.

  #scheduleRefill(): void {
    clearTimeout(this.#refill);
    if (this.#closed || this.#spareFailed || this.#policy.spares === 0) return;
    const wanted = [...this.#spares.values()].filter((spare) => spare.asks === this.#spareAsks);
    if (wanted.length >= this.#policy.spares) return;
    this.#refill = setTimeout(() => {
      const busy = [...this.#sessions.values()].some((session) => session.busy);
      if (busy || this.#preparing || !this.#hasRoom()) return this.#scheduleRefill();
      this.#preparing = this.#prepareSpare().finally(() => {
        this.#preparing = undefined;
        this.#scheduleRefill();
      });
    }, SPARE_DELAY_MS);
    this.#refill.unref();
  }

  #drop(id: string, spare: Spare): void {
    this.#spares.delete(id);
    this.#sessions.delete(id);
    void spare.process.close();
  }

  async #prepareSpare(): Promise<void> {
    const id = randomUUID();
    const isAsking = this.#spareAsks;
    // One that is of no use any more makes room.
    for (const [other, spare] of this.#spares)
      if (spare.asks !== isAsking) this.#drop(other, spare);
    try {
      const options = await this.#sdkOptions(
        id,
        isAsking ? { canUseTool: true } : {},
        this.#add(id),
      );
      const process = await AgentProcess.prepare(id, options);
      if (this.#closed) return await process.close();
      this.#spares.set(id, { process, asks: isAsking });
      this.#log.append({ kind: "spare", session: id, turn: "", asks: isAsking });
    } catch {
      // It is an accelerator: a session without one starts cold, and tells what is wrong. No second try.
      this.#spareFailed = true;
    }
  }
}

/** Records of the agent's and the session's own under one name, the session's before the agent's. */
function merged<Name extends string, Value>(
  name: Name,
  agent: Record<string, Value> | undefined,
  session: Record<string, Value> | undefined,
): Partial<Record<Name, Record<string, Value>>> {
  if (!agent || !session) return {};
  return { [name]: { ...agent, ...session } } as Record<Name, Record<string, Value>>;
}
