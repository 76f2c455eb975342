import type { Options } from "@anthropic-ai/claude-agent-sdk";
import type { OneMessage, ProcessStart, RunnerOptions } from "@claude-edge/protocol/runner";

import type { AgentProcess } from "./agent-process.js";
import { liveChange } from "./live-change.js";

/** The turn that a process is opened for. */
export interface OpeningTurn {
  /** The caller's span, as W3C traceparent. */
  traceparent?: string | undefined;
  /** Set when the turn began in another process. `isAnswered`: it stopped at a question that is now answered. */
  begun?: { id: string; isAnswered: boolean } | undefined;
  /** Set when the turn asks for a single message instead of running the agent. */
  message?: OneMessage | undefined;
}

export interface OpenedProcess {
  process: AgentProcess;
  wasSpare: boolean;
  /** The process resumes the turn by itself and takes no prompt. */
  isUnderWay: boolean;
  /** Its tools wait until the workspace is complete, so its prompt need not. */
  holdsTools: boolean;
}

type OpenProcess = (options: RunnerOptions, turn: OpeningTurn) => Promise<OpenedProcess>;

/** The process of one session: opened one at a time, reconfigured where it can be, otherwise replaced. */
export class SessionProcess {
  readonly #open: OpenProcess;
  readonly #onGone: () => void;
  #live: AgentProcess | undefined;
  #options: RunnerOptions = {};
  #holdsTools = false;
  #hasOpened = false;
  /** Processes are opened and closed in the order of the calls. */
  #queue: Promise<unknown> = Promise.resolve();
  /** What ends with a process is found by the session's mark, so the next one waits until that is done. */
  #ending: Promise<void> | undefined;

  /** `onGone` is called when a process has ended or is being ended: it waits for no answer any more. */
  constructor(open: OpenProcess, onGone: () => void) {
    this.#open = open;
    this.#onGone = onGone;
  }

  get live(): AgentProcess | undefined {
    return this.#live;
  }

  /** The options in effect. */
  get options(): RunnerOptions {
    return this.#options;
  }

  /** Whether there has ever been a process. */
  get hasOpened(): boolean {
    return this.#hasOpened;
  }

  get holdsTools(): boolean {
    return this.#holdsTools;
  }

  /** Resolves when no process is being opened. */
  async opened(): Promise<void> {
    await this.#queue;
  }

  /** Records options that the process has already taken. */
  noteOptions(change: Partial<RunnerOptions>): void {
    this.#options = { ...this.#options, ...change };
  }

  /** Whether a process has been superseded by another one; its output is then ignored. */
  isStale(process: AgentProcess): boolean {
    return this.#live !== undefined && this.#live !== process;
  }

  /** Ensures that there is a live process with these options. */
  ensure(
    options: RunnerOptions,
    turn: OpeningTurn = {},
  ): Promise<{ isUnderWay: boolean; kind: ProcessStart["kind"] }> {
    return this.#inOrder(async () => {
      await this.#ending;
      const live = this.#live;
      if (live?.alive) {
        const isReusable = !turn.begun && (await this.#reconfigure(live, options));
        if (isReusable) return { isUnderWay: false, kind: "hot" };
        await this.#discard(live);
      }
      const opened = await this.#open(options, turn);
      this.#live = opened.process;
      this.#hasOpened = true;
      this.#options = options;
      this.#holdsTools = opened.holdsTools;
      return { isUnderWay: opened.isUnderWay, kind: opened.wasSpare ? "spare" : "new" };
    });
  }

  /** As {@link AgentProcess.interrupt}. A process that is on its way out rejects that; its end is reported then. */
  async interrupt(cancelQueued: boolean): Promise<void> {
    await this.#live?.interrupt(cancelQueued).catch(() => {});
  }

  /** Ends the live process and reports its end, as if it had ended by itself. */
  async terminate(): Promise<void> {
    await this.#live?.close();
  }

  /** The live process has ended by itself. */
  onEnd(): void {
    this.#live = undefined;
    this.#onGone();
  }

  /** Ends the live process, and one that is being opened; further output is ignored. */
  async close(): Promise<void> {
    // At once: an opening that waits for the live process to take its options fails by that.
    const discarded = this.#live && this.#discard(this.#live);
    await this.#inOrder(async () => {
      await discarded;
      await this.#ending;
      if (this.#live) await this.#discard(this.#live);
    });
  }

  /** Ends the live process as the end of its container would. What it has said is still reported. */
  async abandon(): Promise<void> {
    await this.#live?.abandon();
    await this.close();
  }

  /** Kills the live process with no time for last transcript entries. The next one waits for `afterwards` too. */
  async kill(afterwards: () => Promise<void>): Promise<void> {
    const live = this.#live;
    this.#live = undefined;
    this.#onGone();
    this.#ending = live?.kill().then(afterwards);
    await this.#ending;
  }

  /** Changes a live process to other options, if all that differs can be changed. */
  async #reconfigure(live: AgentProcess, options: RunnerOptions): Promise<boolean> {
    const before = this.#options;
    const change = liveChange(before, options);
    if (!change) return false;
    // The process reports its new mode before the call returns: by then it must not be news.
    this.#options = options;
    try {
      await live.configure(change as Pick<Options, "model" | "permissionMode">);
    } catch (error) {
      this.#options = before;
      throw error;
    }
    return true;
  }

  async #discard(process: AgentProcess): Promise<void> {
    if (this.#live === process) this.#live = undefined;
    this.#onGone();
    this.#ending = process.discard();
    await this.#ending;
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }
}
