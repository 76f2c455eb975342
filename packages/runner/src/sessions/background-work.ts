import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import type { SdkMessage } from "@claude-edge/protocol";
import {
  cutOffMessages,
  nextBackground,
  NO_BACKGROUND,
  type Background,
  type BackgroundTask,
} from "@claude-edge/protocol/runner";

export interface BackgroundContext {
  session: string;
  /** How long it may go on after the last turn, milliseconds. */
  limitMs: number;
  /** Appends a message to the log, after the last turn's. */
  emit(message: SDKMessage): void;
  /** Ends the process: the limit is reached. */
  endProcess(): void;
  /** It has begun; `over` resolves when it is over. */
  onBegun(over: Promise<void>): void;
  /** A task has ended, or the last turn that tasks caused: files may have changed. */
  onEnded(): void;
}

/** Why tasks were cut off, unless their process ended by itself. */
const BY_PROCESS = "stopped, because its process ended";

/**
 * Tasks in the background, and the turns that they cause: they go on between the session's turns, up to a limit. What is
 * cut off is told in the log.
 */
export class BackgroundWork {
  readonly #context: BackgroundContext;
  #now: Background = NO_BACKGROUND;
  #over: PromiseWithResolvers<void> | undefined;
  /** Runs between turns only. A turn that tasks cause does not put it off: such turns could go on for ever. */
  #limit: NodeJS.Timeout | undefined;
  #why = BY_PROCESS;

  constructor(context: BackgroundContext) {
    this.#context = context;
  }

  get tasks(): BackgroundTask[] {
    return this.#now.tasks;
  }

  /** Tasks run, or may still cause a turn. */
  get isActive(): boolean {
    return this.#now.isActive;
  }

  /** Takes note of a message of the process. */
  onMessage(message: SDKMessage): void {
    const before = this.#now;
    this.#now = nextBackground(before, message as unknown as SdkMessage);
    if (this.#now.isActive && !before.isActive) {
      this.#over = Promise.withResolvers();
      this.#context.onBegun(this.#over.promise);
    }
    const ids = new Set(this.#now.tasks.map(({ task_id }) => task_id));
    const hasEnded = before.tasks.some(({ task_id }) => !ids.has(task_id));
    const isOver = before.isActive && !this.#now.isActive;
    if (hasEnded || isOver) this.#context.onEnded();
    if (isOver) this.#end();
  }

  /** A turn begins: what runs beside it is limited by the turn. */
  onTurnStart(): void {
    clearTimeout(this.#limit);
    this.#limit = undefined;
  }

  /** No turn runs any more. */
  onTurnEnd(): void {
    if (!this.isActive || this.#limit) return;
    const { limitMs, endProcess } = this.#context;
    this.#limit = setTimeout(() => {
      this.#why = `stopped, because it ran in the background for ${limitMs / 1_000} s after the last turn`;
      endProcess();
    }, limitMs);
    this.#limit.unref();
  }

  /** The process is gone, and the tasks with it. */
  onProcessGone(): void {
    const { tasks, isActive } = this.#now;
    const why = this.#why;
    this.#why = BY_PROCESS;
    if (!isActive) return;
    this.#now = NO_BACKGROUND;
    for (const message of cutOffMessages(this.#context.session, tasks, { why }, Date.now())) {
      this.#context.emit(message as unknown as SDKMessage);
    }
    this.#end();
  }

  #end(): void {
    this.onTurnStart();
    this.#over?.resolve();
    this.#over = undefined;
  }
}
