import type { SDKMessage, SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import {
  toWireError,
  wireError,
  type CheckpointReason,
  type EdgeError,
  type ErrorCode,
  type SdkMessage,
} from "@claude-edge/protocol";
import {
  usageOf,
  type ProcessStart,
  type StartTurn,
  type TurnFrame,
} from "@claude-edge/protocol/runner";

import { outcomeOf, type Outcome } from "./outcome.js";
import { Steering } from "./steering.js";

/** Where a turn's frames go, and what it asks of its session. */
export interface TurnContext {
  /** Appends a message to the log. */
  emit(turn: string, message: SDKMessage): void;
  /** Appends a state of the turn to the log. */
  emitStatus(turn: string, state: TurnState): void;
  /** Takes a checkpoint. Resolves once its frame is in the log; never rejects. */
  checkpoint(turn: string, reason: CheckpointReason): Promise<void>;
  /** Whether these options promise a structured output. */
  wantsOutput(options: StartTurn["options"]): boolean;
  /** The agent's tools that may run a second time. */
  repeatableTools: string[];
  interruptProcess(): void;
  /** Ends the process at once: it would begin turns of its own with these messages. */
  stopProcess(messages: string[]): void;
  /** The turn is no longer the session's current one. Called before its last frame is appended. */
  onOver(): void;
  /** Called once the last frame is in the log. */
  onIdle(): void;
}

/** A `turn` frame without what identifies it. */
export type TurnState = Pick<
  TurnFrame,
  "status" | "steered_turn" | "repeatable_tools" | "result" | "error" | "usage" | "process"
>;

/** The state `idle` follows a result within milliseconds. A turn waits for it no longer than this, milliseconds. */
const IDLE_STATE_MS = 2_000;

/**
 * One turn of a session. It ends exactly once: its first outcome counts, is logged after the final checkpoint, and
 * messages that arrive in between are buffered and logged after it. Two ways out log no outcome: `release`, when a
 * question outlasts the process, and `abandon`, when the runner shuts down.
 */
export class Turn {
  readonly id: string;
  readonly start: StartTurn;
  /** Set when the process existed before the turn: it may have been dying. */
  reused = false;
  /** How it came by its process. */
  process: ProcessStart | undefined;
  /** Messages that came while it runs. */
  readonly steering: Steering = new Steering();
  readonly #context: TurnContext;
  /** `ending`: the outcome is decided and the final checkpoint is in flight. */
  #phase: "running" | "ending" | "releasing" | "over" = "running";
  readonly #over = Promise.withResolvers<void>();
  readonly #interruption = Promise.withResolvers<void>();
  #isInterrupted = false;
  #mayHaveChangedFiles: boolean;
  #hasOutput = false;
  #model: string | undefined;
  #lastText = "";
  /** Messages that arrived while it was ending. */
  readonly #held: SDKMessage[] = [];
  /** Set between the result and the state `idle`, for sessions that asked for such states. */
  #endWhenIdle: (() => void) | undefined;

  constructor(id: string, start: StartTurn, context: TurnContext) {
    const { attachments = [], resume, answers, message, options } = start;
    const wasBegun = resume === true || answers !== undefined;
    // A command in a prompt may run programs without a tool.
    const mayRunCommands = options.verbatimPrompts === false && message === undefined;
    this.id = id;
    this.start = start;
    this.#context = context;
    this.#mayHaveChangedFiles = wasBegun || attachments.length > 0 || mayRunCommands;
  }

  /** Its outcome is not decided yet. */
  get isRunning(): boolean {
    return this.#phase === "running";
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Resolves when an interrupt is requested. */
  get interruption(): Promise<void> {
    return this.#interruption.promise;
  }

  /** Resolves when its last frame is in the log, or when it was abandoned. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Whether it can start over in another process: the one it was given died without having done anything with it. */
  get canRestart(): boolean {
    const isUntouched = this.reused && !this.#hasOutput;
    return this.isRunning && isUntouched && !this.#isInterrupted && !this.#endWhenIdle;
  }

  begin(): void {
    const { repeatableTools: tools } = this.#context;
    const known = tools.length > 0 ? { repeatable_tools: tools } : {};
    this.#context.emitStatus(this.id, { status: "running", ...known });
  }

  onMessage(message: SDKMessage): void {
    if (!this.isRunning) return void this.#held.push(message);
    this.#context.emit(this.id, message);
    const taken = this.steering.onMessage(message);
    if (taken !== undefined) {
      this.#context.emitStatus(taken, { status: "running", steered_turn: this.id });
    }
    this.#hasOutput = true;
    if (message.type === "assistant") this.#onAssistant(message);
    // An interrupt that overtook its prompt found nothing to stop. The turn has begun now, so it is repeated.
    const isInit = message.type === "system" && message.subtype === "init";
    if (isInit && this.#isInterrupted) this.#context.interruptProcess();
    if (message.type === "result" && this.#isOwnResult(message)) this.#onResult(message);
    if (isIdleState(message)) this.#endWhenIdle?.();
  }

  onFilesChanged(): void {
    this.#mayHaveChangedFiles = true;
  }

  /** Its process has ended by itself. */
  onProcessEnd(reason: string): void {
    if (this.#endWhenIdle) return this.#endWhenIdle();
    if (this.#isInterrupted) return this.endInterrupted();
    this.fail(this.#hasOutput ? "agent_exited" : "agent_start_failed", reason);
  }

  /** Marks it as interrupted; its process must still be told. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#interruption.resolve();
  }

  endInterrupted(): void {
    const error = wireError("interrupted", "The turn was interrupted.");
    this.#end({ status: "interrupted", error });
  }

  fail(code: ErrorCode, reason: string): void {
    const error = wireError(code, `The agent's process ended: ${reason}`);
    this.#end({ status: "failed", error });
  }

  failWith(error: EdgeError): void {
    this.#end({ status: "failed", error: toWireError(error) });
  }

  /**
   * Lets its process go while a question waits for its answer. Work that ran beside the question is lost with the
   * process and gets no transcript entries: the process that resumes the turn reports it.
   */
  async release(kill: (afterwards: () => Promise<void>) => Promise<void>): Promise<void> {
    if (!this.isRunning || this.#isInterrupted) return;
    this.#phase = "releasing";
    await kill(() => this.#checkpoint());
    this.#finish({ status: "waiting" });
  }

  /** Drops it without an outcome, as the end of the container would. One that is being released still says so. */
  abandon(): void {
    if (this.#phase === "releasing" || this.#phase === "over") return;
    this.#phase = "over";
    this.#context.onOver();
    this.#over.resolve();
  }

  #onAssistant({ message, parent_tool_use_id }: Extract<SDKMessage, { type: "assistant" }>): void {
    // The tools of a single message are run by the client.
    this.#mayHaveChangedFiles ||=
      this.start.message === undefined && message.content.some(({ type }) => type === "tool_use");
    if (parent_tool_use_id) return;
    this.#model = message.model;
    for (const block of message.content) {
      if (block.type === "text") this.#lastText = block.text;
    }
  }

  /**
   * Background tasks also report with `result` messages; only that of the prompt ends the turn. That of a turn which was
   * resumed at a question names the message that it has taken in.
   */
  #isOwnResult({ origin, user_message_uuid: prompt }: SDKResultMessage): boolean {
    if (prompt === undefined) return origin?.kind !== "task-notification";
    return prompt === this.id || this.steering.hasTakenIn(prompt);
  }

  #onResult(message: SDKResultMessage): void {
    const { options, fields } = this.start;
    const asksModel = fields?.shouldQuery !== false;
    const outcome = outcomeOf(message, {
      interrupted: this.#isInterrupted,
      wantsOutput: asksModel && this.#context.wantsOutput(options),
      model: this.#model,
      lastText: this.#lastText,
    });
    const usage = usageOf(message as unknown as SdkMessage);
    const end = () => this.#end({ ...outcome, usage });
    const { queued } = this.steering;
    if (queued.length > 0) this.#context.stopProcess(queued);
    if (!options.sessionStateEvents || queued.length > 0) return end();
    this.#endWhenIdle = end;
    setTimeout(end, IDLE_STATE_MS).unref();
  }

  #end(outcome: Outcome & Pick<TurnState, "usage">): void {
    if (!this.isRunning) return;
    this.#phase = "ending";
    // Without a checkpoint it ends at once: a turn without tools must not pay for one.
    if (!this.#mayHaveChangedFiles) return this.#finish(outcome);
    void this.#checkpoint().then(() => {
      // It may have been abandoned meanwhile.
      if (this.#phase === "ending") this.#finish(outcome);
    });
  }

  async #checkpoint(): Promise<void> {
    if (this.#mayHaveChangedFiles) await this.#context.checkpoint(this.id, "turn");
  }

  #finish(state: TurnState): void {
    this.#phase = "over";
    this.#context.onOver();
    const { process } = this;
    this.#context.emitStatus(this.id, { ...state, ...(process ? { process } : {}) });
    for (const message of this.#held) this.#context.emit(this.id, message);
    this.#context.onIdle();
    this.#over.resolve();
  }
}

/** Claude Code's signal that all of a turn is over, for sessions that asked for its states. */
const isIdleState = (message: SDKMessage): boolean =>
  message.type === "system" &&
  message.subtype === "session_state_changed" &&
  message.state === "idle";
