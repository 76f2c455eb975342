import type { Options, SDKMessage, SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import {
  EdgeError,
  toWireError,
  wireError,
  type CallbackAnswer,
  type CheckpointReason,
  type ErrorCode,
  type JsonRpcMessage,
  type Prompt,
  type SdkMessage,
  type SessionOptions,
  type Usage,
} from "@claude-edge/protocol";
import {
  usageOf,
  type ControlCall,
  type ControlResult,
  type OneMessage,
  type StartTurn,
  type TranscriptEntry,
} from "@claude-edge/protocol/runner";

import type { AgentProcess, ProcessCallbacks } from "./agent-process.js";
import { withTunnels, type CallbackContext } from "./callbacks.js";
import type { EventLog } from "./event-log.js";
import { liveChange } from "./live-change.js";
import type { McpTunnel } from "./mcp-tunnel.js";
import { outcomeOf, type Outcome } from "./outcome.js";
import { Requests } from "./requests.js";
import { StoredToolUses } from "./stored-tool-uses.js";

/** What a session is given by whoever holds it. */
export interface SessionContext {
  log: EventLog;
  /** Gives a process for the session, and whether the turn is under way in it already. */
  openProcess(
    session: Session,
    options: SessionOptions,
    turn?: OpeningTurn,
  ): Promise<OpenedProcess>;
  /** A structured output is promised for these options. */
  wantsOutput(options: StartTurn["options"]): boolean;
  /** A turn has ended. */
  onIdle(session: Session): void;
  /** The files of its workspace. */
  files: SessionFiles;
}

/** What a session needs of whoever holds its files. */
export interface SessionFiles {
  /** Nothing is missing: tools may run. */
  isWhole(): boolean;
  untilWhole(): Promise<void>;
  /** Takes a checkpoint; its frame is in the log when this resolves. Never rejects. */
  checkpoint(turn: string, reason: CheckpointReason): Promise<void>;
  /** The prompt with some of the files. @throws EdgeError `file_not_found`. */
  attach(paths: string[], prompt: Prompt): Promise<Prompt>;
}

/** The turn that a process is opened for. */
export interface OpeningTurn {
  /** The caller's span, as W3C traceparent. */
  traceparent?: string | undefined;
  /** It was begun in another process; `isAnswered`: it stands at a question whose answer is there now. */
  begun?: { id: string; isAnswered: boolean } | undefined;
  /** It asks for one message, not for a turn of the agent. */
  message?: OneMessage | undefined;
}

export interface OpenedProcess {
  process: AgentProcess;
  wasSpare: boolean;
  isUnderWay: boolean;
  /** Its tools wait by themselves until the workspace is whole. */
  holdsTools: boolean;
}

interface Turn {
  id: string;
  start: StartTurn;
  interrupted: boolean;
  /** Resolves when it is interrupted. */
  interruption: PromiseWithResolvers<void>;
  /** Files may have changed by it. */
  usedTools: boolean;
  /** How it ended is known; the last checkpoint is being taken. What comes meanwhile is told after the end. */
  isEnding: boolean;
  held: SDKMessage[];
  /** The process has said something since the turn began. */
  heard: boolean;
  /** The process was there before the turn: it may have been dying. */
  reused: boolean;
  /** The model of the newest answer. */
  model?: string;
  /** The newest text of the model's. */
  lastText: string;
}

/** An interrupt that has not ended the turn after this long ends the process, milliseconds. */
const INTERRUPT_GRACE_MS = 5_000;

/** A prompt waits this long for the files of its workspace, milliseconds; so does a tool. */
export const RESTORE_PATIENCE_MS = 10 * 60_000;

/**
 * One conversation: a live `claude` process, kept between turns, one turn at a time. A process that has ended is
 * replaced on the next turn by one that resumes from the transcript.
 */
export class Session implements ProcessCallbacks, CallbackContext {
  readonly id: string;
  readonly #context: SessionContext;
  /** Turns seen, so that a repeated request starts nothing, with the log's cursor before each. */
  readonly #turns = new Map<string, number>();
  readonly requests: Requests;
  /** The MCP servers in the caller's process, by name. */
  readonly tunnels: Map<string, McpTunnel> = new Map<string, McpTunnel>();
  readonly #stored = new StoredToolUses();
  #answers = new Map<string, CallbackAnswer>();
  #process: AgentProcess | undefined;
  /** The options its process has. */
  #options: SessionOptions = {};
  /** Its process's tools wait for the workspace by themselves. */
  #holdsTools = false;
  /** One process is opened at a time. */
  #opening: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #current: Turn | undefined;
  /** The end of the newest turn. */
  #ending: Promise<void> = Promise.resolve();
  /** Called when a turn has ended. */
  #onEnded: () => void = () => {};
  #lastTurn = "";
  /** When it last did anything, for the choice of whose process goes first. */
  lastUsed = Date.now();

  constructor(id: string, context: SessionContext) {
    this.id = id;
    this.#context = context;
    this.requests = new Requests(this, context.log, () => void this.#letGo());
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  get running(): boolean {
    return this.#current !== undefined && !this.#current.isEnding;
  }

  /** The turn that runs; empty when none does. */
  get currentTurn(): string {
    return this.#current?.id ?? "";
  }

  /** Its live process, if there is one. */
  get process(): AgentProcess | undefined {
    return this.#process;
  }

  get lastTurn(): string {
    return this.#lastTurn;
  }

  get holdMs(): number {
    return this.#current?.start.hold_ms ?? 0;
  }

  keptAnswer(toolUseId: string): CallbackAnswer | undefined {
    return this.#answers.get(toolUseId);
  }

  untilStored(toolUseId: string): Promise<void> {
    return this.#stored.until(toolUseId);
  }

  /** Entries of its transcript are in the log. */
  onStored(entries: TranscriptEntry["entry"][]): void {
    this.#stored.add(entries);
  }

  /** The log's cursor before a turn that was started; undefined when it was not. */
  startOf(turn: string): number | undefined {
    return this.#turns.get(turn);
  }

  /** Starts a turn. What comes of it, a failed start included, is in the log. */
  async start(id: string, start: StartTurn): Promise<void> {
    const turn = turnOf(id, start);
    this.#turns.set(id, this.#context.log.head.cursor);
    this.#current = turn;
    this.#lastTurn = id;
    this.lastUsed = Date.now();
    this.#context.log.append({ kind: "turn", session: this.id, turn: id, status: "running" });
    this.#stored.clear();
    this.requests.clear();
    this.#answers = new Map(Object.entries(start.answers ?? {}));
    await this.#begin(turn);
  }

  async #begin(turn: Turn): Promise<void> {
    const { id, start } = turn;
    try {
      const isAnswered = start.answers !== undefined;
      const begun = start.resume || isAnswered ? { id, isAnswered } : undefined;
      const { traceparent, message } = start;
      const opening = { begun, traceparent, message };
      const { isUnderWay, reused } = await this.#withProcess(start.options, opening);
      turn.reused = reused;
      if (this.#current !== turn || turn.isEnding) return;
      if (turn.interrupted) return this.#endInterrupted();
      if (isUnderWay) return;
      const process = this.#process!;
      const prompt = await this.#promptOf(turn);
      // Whoever ended it meanwhile has said so, or begun again.
      if (this.#current !== turn || turn.isEnding || this.#process !== process) return;
      if (turn.interrupted) return this.#endInterrupted();
      const { verbatimPrompts = true } = start.options;
      process.send(id, prompt, verbatimPrompts);
    } catch (error) {
      if (this.#current !== turn) return;
      if (error instanceof EdgeError)
        return this.#end({ status: "failed", error: toWireError(error) });
      this.#fail("agent_start_failed", error instanceof Error ? error.message : String(error));
    }
  }

  /** The prompt with its files, when all is there that it needs. @throws EdgeError `workspace_unavailable`, … */
  async #promptOf(turn: Turn): Promise<Prompt> {
    const { files } = this.#context;
    const { prompt, attachments = [] } = turn.start;
    const needsFiles = !this.#holdsTools || attachments.length > 0;
    if (needsFiles && !files.isWhole()) {
      const patience = new Promise((resolve) => setTimeout(resolve, RESTORE_PATIENCE_MS).unref());
      await Promise.race([files.untilWhole(), turn.interruption.promise, patience]);
      if (turn.interrupted) return prompt;
      if (!files.isWhole()) {
        const message = "The files of the session did not come into the container.";
        throw new EdgeError("workspace_unavailable", message);
      }
    }
    return attachments.length > 0 ? files.attach(attachments, prompt) : prompt;
  }

  /** Sees to it that there is a live process with these options. */
  #withProcess(
    options: SessionOptions,
    turn: OpeningTurn = {},
  ): Promise<{ isUnderWay: boolean; reused: boolean }> {
    const open = async () => {
      await this.#closing;
      const live = this.#process;
      if (live?.alive) {
        const isTaken = !turn.begun && (await this.#takesOver(live, options));
        if (isTaken) return { isUnderWay: false, reused: true };
        await this.#discard(live);
      }
      const opened = await this.#context.openProcess(this, options, turn);
      this.#process = opened.process;
      this.#options = options;
      this.#holdsTools = opened.holdsTools;
      return { isUnderWay: opened.isUnderWay, reused: opened.wasSpare };
    };
    const opening = this.#opening.then(open);
    this.#opening = opening.catch(() => {});
    return opening;
  }

  /** Changes a live process to other options, where those that differ can be changed. */
  async #takesOver(live: AgentProcess, options: SessionOptions): Promise<boolean> {
    const change = liveChange(this.#options, options);
    if (!change) return false;
    await live.configure(change as Pick<Options, "model" | "permissionMode">);
    this.#options = options;
    return true;
  }

  async #discard(process: AgentProcess): Promise<void> {
    if (this.#process === process) this.#process = undefined;
    this.requests.drop();
    await process.discard();
  }

  /**
   * Calls a method of the Agent SDK's `Query` on its process, starting one if there is none. How that fails is part of
   * the answer.
   */
  async control({ method, args, options }: ControlCall): Promise<ControlResult> {
    this.lastUsed = Date.now();
    try {
      if (method === "mcpMessage") {
        const [server, message] = args as [string, JsonRpcMessage];
        await this.tunnels.get(server)?.deliver(message);
        return {};
      }
      // One that is being opened for a turn has that turn's options.
      await this.#opening;
      if (!this.#process?.alive) {
        await this.#withProcess(options);
        if (!this.busy) this.#context.onIdle(this);
      }
      const [servers, ...rest] = args;
      const given =
        method === "setMcpServers"
          ? [withTunnels(servers as NonNullable<SessionOptions["mcpServers"]>, this), ...rest]
          : args;
      const result = await this.#process!.control(method, given);
      // It holds the change already: the next turn must not take it for another set of options.
      if (method === "setModel") this.#options = { ...this.#options, model: args[0] as string };
      if (method === "setPermissionMode") {
        const permissionMode = args[0] as NonNullable<SessionOptions["permissionMode"]>;
        this.#options = { ...this.#options, permissionMode };
      }
      return result === undefined ? {} : { result };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  /**
   * Nobody has answered while the process was held: it is let go, and the turn waits without one. What is running
   * beside the question is lost with it, so nothing of it is told to the transcript: whoever goes on says so.
   */
  async #letGo(): Promise<void> {
    const turn = this.#current;
    const process = this.#process;
    if (!turn || !process || turn.interrupted || turn.isEnding) return;
    this.#current = undefined;
    this.#process = undefined;
    this.#turns.delete(turn.id);
    this.requests.drop();
    this.#closing = process.kill().then(() => this.#checkpoint(turn, "turn"));
    await this.#closing;
    this.#context.log.append({ kind: "turn", session: this.id, turn: turn.id, status: "waiting" });
    this.#context.onIdle(this);
  }

  /** Stops the running turn; the log says how it ended. */
  async interrupt(turn: string): Promise<void> {
    const current = this.#current;
    if (current?.id !== turn || current.isEnding) return;
    current.interrupted = true;
    current.interruption.resolve();
    const forced = setTimeout(() => {
      if (this.#current === current && !current.isEnding) void this.#process?.close();
    }, INTERRUPT_GRACE_MS);
    forced.unref();
    // Rejects when the process is on its way out; the log then gets the turn's end from there.
    await this.#process?.interrupt().catch(() => {});
  }

  /** Ends its process; the next turn starts another. A turn that is running is interrupted. */
  async close(): Promise<void> {
    if (this.#current) {
      const timeout = new Promise((resolve) => setTimeout(resolve, 1_000).unref());
      // Its last message says what it has used.
      const ended = new Promise<void>((resolve) => (this.#onEnded = resolve));
      void this.interrupt(this.#current.id);
      await Promise.race([ended, timeout]);
    }
    const process = this.#process;
    // What ends with a process is found by the session's mark: the next one waits until this is done.
    if (this.#current) this.#endInterrupted();
    this.#closing = process && this.#discard(process);
    await this.#closing;
    await this.#ending;
  }

  /** Ends its process as the container's end would: nothing is said of a turn that runs. */
  async abandon(): Promise<void> {
    this.#current = undefined;
    this.requests.drop();
    await this.#process?.discard();
  }

  onMessage(message: SDKMessage, process: AgentProcess): void {
    if (this.#isStranger(process)) return;
    const current = this.#current;
    if (current?.isEnding) return void current.held.push(message);
    this.#say(current?.id ?? this.#lastTurn, message);
    if (!current) return;
    current.heard = true;
    if (message.type === "assistant") {
      current.usedTools ||=
        current.start.message === undefined &&
        message.message.content.some(({ type }) => type === "tool_use");
    }
    if (message.type === "assistant" && !message.parent_tool_use_id) {
      current.model = message.message.model;
      for (const block of message.message.content) {
        if (block.type === "text") current.lastText = block.text;
      }
    }
    // An interrupt that overtook its prompt found nothing to stop: ask again now that the turn has begun.
    if (message.type === "system" && message.subtype === "init" && current.interrupted) {
      void this.#process?.interrupt().catch(() => {});
    }
    if (message.type === "result" && isOwnResult(message, current)) this.#settle(message, current);
  }

  #say(turn: string, message: SDKMessage): void {
    const sent = message as unknown as SdkMessage;
    this.#context.log.append({ kind: "message", session: this.id, turn, message: sent });
  }

  /** A tool has run: what it changed is in the log before the agent tells of it. */
  async onToolDone(): Promise<void> {
    const turn = this.#current;
    if (turn) turn.usedTools = true;
    await this.#context.files.checkpoint(turn?.id ?? this.#lastTurn, "tool");
  }

  /** Takes the last checkpoint of a turn that may have changed files. */
  async #checkpoint(turn: Turn, reason: CheckpointReason): Promise<void> {
    if (turn.usedTools) await this.#context.files.checkpoint(turn.id, reason);
  }

  /** A process that another has taken the place of: what it says is nobody's. */
  #isStranger(process: AgentProcess): boolean {
    return this.#process !== undefined && this.#process !== process;
  }

  onEnd(reason: string, process: AgentProcess): void {
    if (this.#isStranger(process)) return;
    this.#process = undefined;
    this.requests.drop();
    const turn = this.#current;
    if (!turn || turn.isEnding) return;
    if (turn.interrupted) return this.#endInterrupted();
    // It was dying when it was given the prompt, and has done nothing with it.
    if (turn.reused && !turn.heard) return void this.#begin(turn);
    this.#fail(turn.heard ? "agent_exited" : "agent_start_failed", reason);
  }

  #settle(message: SDKResultMessage, turn: Turn): void {
    const outcome = outcomeOf(message, {
      interrupted: turn.interrupted,
      wantsOutput: this.#context.wantsOutput(turn.start.options),
      model: turn.model,
      lastText: turn.lastText,
    });
    this.#end(outcome, usageOf(message as unknown as SdkMessage));
  }

  #endInterrupted(): void {
    const error = wireError("interrupted", "The turn was interrupted.");
    this.#end({ status: "interrupted", error });
  }

  #fail(code: ErrorCode, reason: string): void {
    const error = wireError(code, `The agent's process ended: ${reason}`);
    this.#end({ status: "failed", error });
  }

  #end(outcome: Outcome, usage?: Usage): void {
    const turn = this.#current;
    if (!turn || turn.isEnding) return;
    turn.isEnding = true;
    // At once where there is nothing to wait for: a turn without tools costs no more than it did.
    if (!turn.usedTools) return this.#sayEnd(turn, outcome, usage);
    const checkpoint = this.#checkpoint(turn, "turn");
    this.#ending = checkpoint.then(() => this.#sayEnd(turn, outcome, usage));
  }

  #sayEnd(turn: Turn, outcome: Outcome, usage: Usage | undefined): void {
    // Abandoned meanwhile: nothing is said of it.
    if (this.#current !== turn) return;
    this.#current = undefined;
    this.lastUsed = Date.now();
    this.#context.log.append({
      kind: "turn",
      session: this.id,
      turn: turn.id,
      ...outcome,
      ...(usage ? { usage } : {}),
    });
    for (const message of turn.held) this.#say(turn.id, message);
    this.#context.onIdle(this);
    this.#onEnded();
  }
}

function turnOf(id: string, start: StartTurn): Turn {
  const { attachments = [], resume, answers, message, options } = start;
  const isBegun = resume === true || answers !== undefined;
  // A command in a prompt may run programs without a tool.
  const mayRun = options.verbatimPrompts === false && message === undefined;
  return {
    id,
    start,
    interrupted: false,
    interruption: Promise.withResolvers(),
    usedTools: isBegun || attachments.length > 0 || mayRun,
    isEnding: false,
    held: [],
    heard: false,
    reused: false,
    lastText: "",
  };
}

/** A background task's result also comes as a `result` message; only the prompt's own ends the turn. */
function isOwnResult(message: SDKResultMessage, turn: Turn): boolean {
  if (message.origin?.kind === "task-notification") return false;
  return message.user_message_uuid === undefined || message.user_message_uuid === turn.id;
}
