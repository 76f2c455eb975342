import type { SDKMessage, SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import { wireError, type ErrorCode, type SdkMessage, type Usage } from "@claude-edge/protocol";
import type { StartTurn } from "@claude-edge/protocol/runner";

import type { AgentProcess, ProcessCallbacks } from "./agent-process.js";
import type { EventLog } from "./event-log.js";
import { outcomeOf, type Outcome } from "./outcome.js";
import { usageOf } from "./usage.js";

/** What a session is given by whoever holds it. */
export interface SessionContext {
  log: EventLog;
  /** Gives a process for the session's turn, and whether the turn is under way in it already. */
  openProcess(session: Session, turn: string, start: StartTurn): Promise<OpenedProcess>;
  /** A structured output is promised for these options. */
  wantsOutput(options: StartTurn["options"]): boolean;
  /** A turn has ended. */
  onIdle(session: Session): void;
}

export interface OpenedProcess {
  process: AgentProcess;
  wasSpare: boolean;
  isUnderWay: boolean;
}

interface Turn {
  id: string;
  start: StartTurn;
  interrupted: boolean;
  /** The process has said something since the turn began. */
  heard: boolean;
  /** The process was there before the turn: it may have been dying. */
  reused: boolean;
  /** The model of the newest answer. */
  model?: string;
}

/** An interrupt that has not ended the turn after this long ends the process, milliseconds. */
const INTERRUPT_GRACE_MS = 5_000;

/**
 * One conversation: a live `claude` process, kept between turns, one turn at a time. A process that has ended is
 * replaced on the next turn by one that resumes from the transcript.
 */
export class Session implements ProcessCallbacks {
  readonly id: string;
  readonly #context: SessionContext;
  /** Turns seen, so that a repeated request starts nothing, with the log's cursor before each. */
  readonly #turns = new Map<string, number>();
  #process: AgentProcess | undefined;
  #closing: Promise<void> | undefined;
  #current: Turn | undefined;
  #lastTurn = "";
  /** When it last did anything, for the choice of whose process goes first. */
  lastUsed = Date.now();

  constructor(id: string, context: SessionContext) {
    this.id = id;
    this.#context = context;
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** Its live process, if there is one. */
  get process(): AgentProcess | undefined {
    return this.#process;
  }

  get lastTurn(): string {
    return this.#lastTurn;
  }

  /** The log's cursor before a turn that was started; undefined when it was not. */
  startOf(turn: string): number | undefined {
    return this.#turns.get(turn);
  }

  /** Starts a turn. What comes of it, a failed start included, is in the log. */
  async start(id: string, start: StartTurn): Promise<void> {
    const turn: Turn = { id, start, interrupted: false, heard: false, reused: false };
    this.#turns.set(id, this.#context.log.head.cursor);
    this.#current = turn;
    this.#lastTurn = id;
    this.lastUsed = Date.now();
    this.#context.log.append({ kind: "turn", session: this.id, turn: id, status: "running" });
    await this.#begin(turn);
  }

  async #begin(turn: Turn): Promise<void> {
    try {
      await this.#closing;
      let isUnderWay = false;
      turn.reused = this.#process?.alive ?? false;
      if (!turn.reused) {
        const opened = await this.#context.openProcess(this, turn.id, turn.start);
        ({ isUnderWay } = opened);
        turn.reused = opened.wasSpare;
        this.#process = opened.process;
      }
      if (this.#current !== turn) return;
      if (turn.interrupted) return this.#endInterrupted();
      if (!isUnderWay) this.#process!.send(turn.id, turn.start.prompt);
    } catch (error) {
      this.#fail("agent_start_failed", error instanceof Error ? error.message : String(error));
    }
  }

  /** Stops the running turn; the log says how it ended. */
  async interrupt(turn: string): Promise<void> {
    const current = this.#current;
    if (current?.id !== turn) return;
    current.interrupted = true;
    const forced = setTimeout(() => {
      if (this.#current === current) void this.#process?.close();
    }, INTERRUPT_GRACE_MS);
    forced.unref();
    // Rejects when the process is on its way out; the log then gets the turn's end from there.
    await this.#process?.interrupt().catch(() => {});
  }

  /** Ends its process; the next turn starts another. A turn that is running is interrupted. */
  async close(): Promise<void> {
    if (this.#current) {
      const timeout = new Promise((resolve) => setTimeout(resolve, 1_000).unref());
      await Promise.race([this.interrupt(this.#current.id), timeout]);
    }
    const process = this.#process;
    this.#process = undefined;
    // What ends with a process is found by the session's mark: the next one waits until this is done.
    if (this.#current) this.#endInterrupted();
    this.#closing = process?.discard();
    await this.#closing;
  }

  /** Ends its process as the container's end would: nothing is said of a turn that runs. */
  async abandon(): Promise<void> {
    this.#current = undefined;
    await this.#process?.discard();
  }

  onMessage(message: SDKMessage): void {
    const current = this.#current;
    const turn = current?.id ?? this.#lastTurn;
    const sent = message as unknown as SdkMessage;
    this.#context.log.append({ kind: "message", session: this.id, turn, message: sent });
    if (!current) return;
    current.heard = true;
    if (message.type === "assistant" && !message.parent_tool_use_id) {
      current.model = message.message.model;
    }
    // An interrupt that overtook its prompt found nothing to stop: ask again now that the turn has begun.
    if (message.type === "system" && message.subtype === "init" && current.interrupted) {
      void this.#process?.interrupt().catch(() => {});
    }
    if (message.type === "result" && isOwnResult(message, current)) this.#settle(message, current);
  }

  onEnd(reason: string): void {
    this.#process = undefined;
    const turn = this.#current;
    if (!turn) return;
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
    });
    this.#end(outcome, usageOf(message));
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
    const turn = this.#current?.id;
    if (turn === undefined) return;
    this.#current = undefined;
    this.lastUsed = Date.now();
    this.#context.log.append({
      kind: "turn",
      session: this.id,
      turn,
      ...outcome,
      ...(usage ? { usage } : {}),
    });
    this.#context.onIdle(this);
  }
}

/** A background task's result also comes as a `result` message; only the prompt's own ends the turn. */
function isOwnResult(message: SDKResultMessage, turn: Turn): boolean {
  if (message.origin?.kind === "task-notification") return false;
  return message.user_message_uuid === undefined || message.user_message_uuid === turn.id;
}
