import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { EdgeError, type CallbackAnswer, type SessionOptions } from "@claude-edge/protocol";
import type {
  ControlCall,
  ControlResult,
  StartTurn,
  TranscriptEntry,
  UserMessage,
} from "@claude-edge/protocol/runner";

import { SessionCallbacks, type CallbackSession } from "../callbacks/session-callbacks.js";
import type { EventLog } from "../log/event-log.js";
import { logger } from "../logger.js";
import type { AgentProcess } from "../process/agent-process.js";
import type { PooledSession } from "../process/pool.js";
import type { ProcessOwner } from "../process/process-owner.js";
import {
  SessionProcess,
  type OpenedProcess,
  type OpeningTurn,
} from "../process/session-process.js";
import { BackgroundWork } from "./background-work.js";
import { control } from "./control.js";
import { placeOf } from "./follow-up.js";
import type { SessionFiles } from "./session-files.js";
import type { SessionRepositories } from "./session-repositories.js";
import { SessionOutput } from "./session-output.js";
import { cutOutput, overgrownTasks } from "./task-output.js";
import { Turn, type TurnContext } from "./turn.js";

/** What a session needs of the registry that holds it. */
export interface SessionContext {
  log: EventLog;
  files: SessionFiles;
  repositories: SessionRepositories;
  openProcess(
    owner: ProcessOwner,
    options: SessionOptions,
    turn: OpeningTurn,
  ): Promise<OpenedProcess>;
  /** Whether these options promise a structured output. */
  wantsOutput(options: SessionOptions): boolean;
  /** The agent's tools that may run a second time. */
  repeatableTools: string[];
  /** How long tasks in the background may go on after the last turn, milliseconds. */
  backgroundMs: number;
  /** The session's folder for temporary files. */
  temp: string;
  /** It has a process and no turn. */
  onIdle(session: Session): void;
  /** Tasks run in the background until this promise resolves. */
  onBackground(over: Promise<void>): void;
}

/** An interrupt that has not ended the turn after this long ends the process, milliseconds. */
const INTERRUPT_GRACE_MS = 5_000;

/** How often the output of tasks in the background is looked at, milliseconds: a program may write a gigabyte a second. */
const OUTPUT_CHECK_MS = 1_000;

/** How long the end of a session waits for the last message of a running turn, which holds its usage, milliseconds. */
const CLOSE_PATIENCE_MS = 1_000;

/** How long the runner's shutdown waits for the process of a session to end, milliseconds. It takes 3 s at most. */
const ABANDON_PATIENCE_MS = 5_000;

/**
 * One conversation: a live `claude` process, kept between turns, one turn at a time. A process that has ended is
 * replaced on the next turn by one that resumes from the transcript.
 */
export class Session implements PooledSession, CallbackSession {
  readonly id: string;
  readonly files: SessionFiles;
  readonly callbacks: SessionCallbacks;
  readonly background: BackgroundWork;
  lastUsed: number = Date.now();
  readonly #context: SessionContext;
  readonly #process: SessionProcess;
  readonly #output: SessionOutput;
  /** The log's cursor before each turn, by turn: a repeated request starts nothing. */
  readonly #started = new Map<string, number>();
  /** Messages that a process was stopped for: it may have begun to answer them, which is in the transcript then. */
  readonly #strays = new Set<string>();
  #turn: Turn | undefined;
  #lastTurn = "";
  /** The turn before the one that runs, while what tasks of it cause may still come first. */
  #followedTurn: string | undefined;
  #isUsed = false;

  constructor(id: string, context: SessionContext) {
    this.id = id;
    this.files = context.files;
    this.#context = context;
    const onHeldTooLong = () => void this.#releaseProcess();
    this.callbacks = new SessionCallbacks(this, context.log, onHeldTooLong);
    this.#process = new SessionProcess(
      (options, turn) => context.openProcess(this, options, turn),
      () => this.#onProcessGone(),
    );
    this.#output = new SessionOutput(context.log, this.#process);
    this.background = new BackgroundWork({
      session: id,
      limitMs: context.backgroundMs,
      emit: (message) => this.#output.message(this.lastTurn, message),
      endProcess: () => void this.close().then(() => this.#onTaskEnded()),
      onBegun: (over) => this.#onBackground(over),
      onEnded: () => this.#onTaskEnded(),
    });
  }

  get busy(): boolean {
    return this.#turn !== undefined;
  }

  get isKept(): boolean {
    return this.busy || this.background.isActive;
  }

  /** A turn runs, and its prompt has been taken up. */
  get running(): boolean {
    return this.#followedTurn === undefined && (this.#turn?.isRunning ?? false);
  }

  /** The id of the running turn; empty when there is none. */
  get currentTurn(): string {
    return this.#turn?.id ?? "";
  }

  /** The turn that whatever the process does now belongs to. */
  get lastTurn(): string {
    return this.#followedTurn ?? this.#lastTurn;
  }

  /** A turn or a control call has been asked of it. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** A process has worked for it here, which may have left files. */
  get hasRun(): boolean {
    return this.#process.hasOpened;
  }

  get process(): AgentProcess | undefined {
    return this.#process.live;
  }

  get holdMs(): number {
    return this.#turn?.start.hold_ms ?? 0;
  }

  /** Gives an answer to the request that waits for it. False when none does. */
  answer(request: string, answer: CallbackAnswer): boolean {
    return this.callbacks.requests.answer(request, answer);
  }

  /** Its process has written entries of its transcript, or of a subagent's with this subpath. */
  onTranscript(subpath: string | undefined, entries: TranscriptEntry["entry"][]): void {
    this.#output.transcript(this.#lastTurn, subpath, entries);
    if (subpath === undefined) this.callbacks.onStored(entries);
  }

  /** The log's cursor before a turn; undefined when no such turn was started. */
  startOf(turn: string): number | undefined {
    return this.#started.get(turn);
  }

  /** Starts a turn; resolves when it is over. What comes of it, a failed start included, is in the log. */
  start(id: string, start: StartTurn): Promise<void> {
    const turn = new Turn(id, start, this.#turnContext());
    this.background.onTurnStart();
    this.#followedTurn = this.background.isActive ? this.#lastTurn : undefined;
    this.#started.set(id, this.#output.cursor);
    this.#turn = turn;
    this.#lastTurn = id;
    this.#noteUse();
    turn.begin();
    this.callbacks.onTurnStart(start);
    void this.#run(turn);
    return turn.over;
  }

  /** Holds a message for the next tools of a turn. False when that turn does not run, or is being interrupted. */
  steer(turn: string, id: string, message: UserMessage): boolean {
    const running = this.#turn;
    if (running?.id !== turn || !running.isRunning || running.isInterrupted) return false;
    running.steering.add(id, message);
    return true;
  }

  /** Takes a message to a turn back. False when its process has it. */
  withdraw(turn: string, id: string): boolean {
    return this.#turn?.id !== turn || this.#turn.steering.withdraw(id);
  }

  /** Stops a turn, if it runs. The log says how it ended. */
  async interrupt(id: string): Promise<void> {
    const turn = this.#turn;
    if (!turn && id === this.#lastTurn && this.background.isActive) {
      return this.#process.interrupt(false);
    }
    if (turn?.id !== id || !turn.isRunning) return;
    turn.interrupt();
    const forced = setTimeout(() => {
      if (turn.isRunning) void this.#process.terminate();
    }, INTERRUPT_GRACE_MS);
    forced.unref();
    // Otherwise they would begin turns of their own. With nothing queued it could drop the prompt itself.
    await this.#process.interrupt(turn.steering.queued.length > 0);
  }

  /** Calls a method of the Agent SDK's `Query`, starting a process if there is none. Failures are part of the answer. */
  control(call: ControlCall): Promise<ControlResult> {
    this.#noteUse();
    const onStarted = () => {
      if (!this.busy) this.#context.onIdle(this);
    };
    return control({ process: this.#process, callbacks: this.callbacks, onStarted }, call);
  }

  /** Ends its process; the next turn starts another. A turn that is running is interrupted. */
  async close(): Promise<void> {
    const turn = this.#turn;
    if (turn) {
      const timeout = new Promise((resolve) => setTimeout(resolve, CLOSE_PATIENCE_MS).unref());
      void this.interrupt(turn.id);
      await Promise.race([turn.over, timeout]);
      turn.endInterrupted();
    }
    await this.#process.close();
    await turn?.over;
  }

  /** The runner drains: a turn that waits for an answer lets its process go. */
  drain(): void {
    this.callbacks.requests.drain();
  }

  /**
   * Ends its process as the container's end would: a running turn gets no outcome. All that the process began is in the log:
   * by that the session's object decides whether the turn can be begun again.
   */
  async abandon(): Promise<void> {
    this.#turn?.abandon();
    // A process that hangs while it is being opened must not hold up the end of the runner.
    const timeout = new Promise((resolve) => setTimeout(resolve, ABANDON_PATIENCE_MS).unref());
    await Promise.race([this.#process.abandon(), timeout]);
  }

  whenStored(message: SDKMessage): Promise<boolean> | undefined {
    return this.callbacks.whenAnswered(message);
  }

  onMessage(message: SDKMessage, process: AgentProcess): void {
    if (this.#process.isStale(process)) return;
    const wasActive = this.background.isActive;
    this.background.onMessage(message);
    const isWanted = wasActive || this.#process.options.sessionStateEvents === true;
    if (!isWanted && isSessionState(message)) return;
    const turn = this.#turn;
    if (!turn) return this.#output.message(this.#lastTurn, message);
    if (this.#followedTurn !== undefined) {
      const place = placeOf(message, turn.id);
      if (place === "before") return this.#output.message(this.#followedTurn, message);
      if (place === "begun") this.#followedTurn = undefined;
    }
    turn.onMessage(message);
  }

  onStderr(text: string, process: AgentProcess): void {
    if (this.#process.isStale(process) || !this.#turn?.start.options.stderr) return;
    this.#output.stderr(this.#turn.id, text);
  }

  async onToolDone(): Promise<void> {
    this.#turn?.onFilesChanged();
    await this.files.checkpoint(this.#lastTurn, "tool");
  }

  async onToolsDone(): Promise<void> {
    const turn = this.#turn;
    const { process } = this;
    if (!process || !turn?.isRunning || turn.isInterrupted) return;
    const verbatim = turn.start.options.verbatimPrompts ?? true;
    await turn.steering.handOver((id, message) => process.steer(id, message, verbatim));
  }

  onEnd(reason: string, process: AgentProcess): void {
    if (this.#process.isStale(process)) return;
    this.#process.onEnd();
    const turn = this.#turn;
    const fields = { session: this.id, turn: turn?.id, content: { reason } };
    logger.log(turn?.isRunning ? "warn" : "debug", "process of the agent ended", fields);
    if (!turn?.isRunning) return;
    if (turn.canRestart) void this.#run(turn);
    else turn.onProcessEnd(reason);
  }

  async #run(turn: Turn): Promise<void> {
    const { traceparent, message, resume, answers, options, fields } = turn.start;
    const isAnswered = answers !== undefined;
    const wasBegun = resume || isAnswered || this.#strays.has(turn.id);
    const begun = wasBegun ? { id: turn.id, isAnswered } : undefined;
    try {
      await this.#context.repositories.ensure(turn);
      if (turn.isRunning && turn.isInterrupted) return turn.endInterrupted();
      if (!turn.isRunning) return;
      const startedAt = Date.now();
      const opened = await this.#process.ensure(options, { begun, traceparent, message });
      turn.reused = opened.kind !== "new";
      turn.process = { kind: opened.kind, start: startedAt, end: Date.now() };
      logger.debug("process ready", {
        session: this.id,
        turn: turn.id,
        process: opened.kind,
        duration_ms: Date.now() - startedAt,
      });
      if (turn.isRunning && turn.isInterrupted) return turn.endInterrupted();
      if (!turn.isRunning || opened.isUnderWay) return;
      const process = this.process!;
      const prompt = await this.files.promptOf(turn, this.#process.holdsTools);
      // If the process has ended meanwhile, that has ended or restarted the turn.
      if (!turn.isRunning || this.process !== process) return;
      if (turn.isInterrupted) return turn.endInterrupted();
      const sent = { prompt, ...(fields ? { fields } : {}) };
      process.send(turn.id, sent, options.verbatimPrompts ?? true);
    } catch (error) {
      logger.warn("turn not begun", { session: this.id, turn: turn.id, error });
      if (error instanceof EdgeError) turn.failWith(error);
      else turn.fail("agent_start_failed", error instanceof Error ? error.message : String(error));
    }
  }

  #turnContext(): TurnContext {
    const { files, wantsOutput, repeatableTools, onIdle } = this.#context;
    return {
      emit: (turn, message) => this.#output.message(turn, message),
      emitStatus: (turn, state) => {
        logger.debug("turn reported", { session: this.id, turn, status: state.status });
        this.#output.status(turn, state);
      },
      checkpoint: (turn, reason) => files.checkpoint(turn, reason),
      wantsOutput,
      repeatableTools,
      interruptProcess: () => void this.#process.interrupt(false),
      stopProcess: (messages) => {
        for (const id of messages) this.#strays.add(id);
        void this.#process.kill(async () => {});
      },
      onOver: () => {
        this.#turn = undefined;
        this.#followedTurn = undefined;
        this.background.onTurnEnd();
        this.lastUsed = Date.now();
      },
      onIdle: () => onIdle(this),
    };
  }

  /** Its process has ended or is being ended: it waits for no answer, and its tasks are gone. */
  #onProcessGone(): void {
    this.callbacks.requests.drop();
    this.background.onProcessGone();
    this.#followedTurn = undefined;
  }

  #onBackground(over: Promise<void>): void {
    this.#context.onBackground(over);
    if (!this.#turn) this.background.onTurnEnd();
    const check = setInterval(() => void this.#stopOvergrown(), OUTPUT_CHECK_MS);
    check.unref();
    void over.then(() => {
      clearInterval(check);
      // One that was stopped may have written until it was gone.
      setTimeout(() => void this.#stopOvergrown(), OUTPUT_CHECK_MS).unref();
      // Its process was kept for its tasks: from now on it is idle.
      if (!this.busy && this.process) this.#context.onIdle(this);
    });
  }

  /** Stops tasks that write without end. That they were stopped is told by Claude Code. */
  async #stopOvergrown(): Promise<void> {
    const running = new Set(this.background.tasks.map(({ task_id }) => task_id));
    for (const { task, file } of await overgrownTasks(this.#context.temp, this.id)) {
      if (running.has(task)) {
        process.stderr.write(`session ${this.id}: task ${task} wrote too much and is stopped\n`);
        await this.process?.control("stopTask", [task]).catch(() => {});
      }
      await cutOutput(file).catch(() => {});
    }
  }

  /** Files of a task are safe from here on: no tool and no turn may follow. */
  #onTaskEnded(): void {
    this.#turn?.onFilesChanged();
    void this.files.checkpoint(this.#lastTurn, "tool");
  }

  #noteUse(): void {
    this.#isUsed = true;
    this.lastUsed = Date.now();
  }

  /** A question was not answered while the process was held for it: the turn waits without one. */
  async #releaseProcess(): Promise<void> {
    const turn = this.#turn;
    if (!turn || !this.process) return;
    await turn.release(async (afterwards) => {
      await this.#process.kill(afterwards);
      // With its answer the same turn is started again.
      this.#started.delete(turn.id);
    });
  }
}

/** Claude Code's word on what it is doing: for sessions that asked for it, and where tasks run in the background. */
const isSessionState = (message: SDKMessage): boolean =>
  message.type === "system" && message.subtype === "session_state_changed";
