import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

import {
  query,
  startup,
  type Options,
  type Query,
  type SDKMessage,
  type WarmQuery,
} from "@anthropic-ai/claude-agent-sdk";

import type { ControlMethod } from "@claude-edge/protocol";
import type { UserMessage } from "@claude-edge/protocol/runner";

import { logger } from "../logger.js";
import { sessionMarks } from "./environment.js";
import { lowerPriority } from "../priority.js";
import { killMarked } from "../processes.js";
import { PromptQueue } from "./prompt-queue.js";

/** How much of the end of standard error a failure quotes, characters. */
const STDERR_KEPT = 2_000;

/** How long a process may take to exit once its input has ended, milliseconds. The Agent SDK kills it after 2 s. */
const CLOSE_MS = 3_000;

export interface ProcessCallbacks {
  /**
   * Resolves when a tool's result, if the message brings one, is in the stored transcript; false when it is not after some
   * time. Undefined for messages that need not be waited for.
   */
  whenStored(message: SDKMessage): Promise<boolean> | undefined;
  onMessage(message: SDKMessage, process: AgentProcess): void;
  /** It has written to standard error. */
  onStderr(text: string, process: AgentProcess): void;
  /** It has ended; `reason` says why, as far as it is known. */
  onEnd(reason: string, process: AgentProcess): void;
}

/** One `claude` process in streaming-input mode. */
export class AgentProcess {
  readonly #session: string;
  readonly #niceness: number;
  readonly #prompts = new PromptQueue();
  #child: ChildProcess | undefined;
  #query: Query | undefined;
  #warm: WarmQuery | undefined;
  #ended: Promise<void> | undefined;
  #callbacks: ProcessCallbacks | undefined;
  #stderr = "";
  #isDiscarded = false;
  #isOver = false;
  /** Prompts it has been given. */
  turns = 0;

  private constructor(session: string, niceness: number) {
    this.#session = session;
    this.#niceness = niceness;
  }

  /** Starts a process for a session. `niceness`: by how much its priority, and its tools', is below the runner's. */
  static start(
    session: string,
    options: Options,
    niceness: number,
    callbacks: ProcessCallbacks,
  ): AgentProcess {
    const agent = new AgentProcess(session, niceness);
    agent.#query = query({ prompt: agent.#prompts, options: agent.#spawning(options) });
    agent.#follow(callbacks);
    return agent;
  }

  /** Starts a process ahead of its session's first turn, which then costs a fraction of a cold start. */
  static async prepare(session: string, options: Options, niceness: number): Promise<AgentProcess> {
    const agent = new AgentProcess(session, niceness);
    agent.#warm = await startup({ options: agent.#spawning(options) });
    return agent;
  }

  /** Hands a prepared process to its session. */
  claim(callbacks: ProcessCallbacks): void {
    this.#query = this.#warm!.query(this.#prompts);
    this.#warm = undefined;
    this.#follow(callbacks);
  }

  /** True from construction on, although the Agent SDK may not have started the program yet. */
  get alive(): boolean {
    const { exitCode = null, signalCode = null } = this.#child ?? {};
    return !this.#isOver && exitCode === null && signalCode === null;
  }

  /** Resident memory in bytes; 0 where that is unknown. */
  get residentBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  send(turn: string, message: UserMessage, verbatim: boolean): void {
    this.turns += 1;
    void this.#prompts.push(turn, message, verbatim);
  }

  /** Puts a message into the queue of the turn that runs. Resolves when it is written. */
  steer(id: string, message: UserMessage, verbatim: boolean): Promise<void> {
    return this.#prompts.push(id, message, verbatim);
  }

  /** The live controls: model, permission mode. */
  async configure({
    model,
    permissionMode,
  }: Pick<Options, "model" | "permissionMode">): Promise<void> {
    if (model !== undefined) await this.#query?.setModel(model);
    if (permissionMode !== undefined) await this.#query?.setPermissionMode(permissionMode);
  }

  /** Calls a method of the Agent SDK's `Query`. Rejects as that does. */
  async control(method: Exclude<ControlMethod, "mcpMessage">, args: unknown[]): Promise<unknown> {
    const methods = this.#query as unknown as Record<
      string,
      (...given: unknown[]) => Promise<unknown>
    >;
    return methods[method]!(...args);
  }

  /** Stops what it is doing, and with `cancelQueued` also drops its queue. Rejects when it is on its way out. */
  async interrupt(cancelQueued: boolean): Promise<void> {
    // Its types leave the option out.
    const live = this.#query as { interrupt(options: object): Promise<unknown> } | undefined;
    await live?.interrupt({ cancelQueued });
  }

  /** Ends it without reporting its end or any further output. */
  discard(): Promise<void> {
    this.#isDiscarded = true;
    return this.close();
  }

  /** Ends it at once, with no time to write to its transcript. */
  async kill(): Promise<void> {
    this.#isDiscarded = true;
    await this.abandon();
  }

  /** Ends it at once, with no time to begin anything else. What it has said by then is still reported. */
  async abandon(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.close();
  }

  /** Ends it, and everything it started. */
  async close(): Promise<void> {
    this.#prompts.close();
    this.#query?.close();
    this.#warm?.close();
    const child = this.#child;
    const exited = new Promise((resolve) => {
      if (child && this.alive) child.once("exit", resolve);
      else resolve(undefined);
    });
    const timeout = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref());
    await Promise.race([Promise.all([exited, this.#ended]), timeout]);
    await killMarked(sessionMarks(this.#session));
  }

  #spawning(options: Options): Options {
    // What a process says of itself with this holds prompts and answers.
    const isDebugging = "debug-to-stderr" in (options.extraArgs ?? {});
    const isLogged = !isDebugging || logger.settings.content;
    return {
      ...options,
      spawnClaudeCodeProcess: ({ command, args, cwd, env, signal }) => {
        const child = spawn(command, args, {
          cwd,
          env: env as NodeJS.ProcessEnv,
          signal,
          stdio: ["pipe", "pipe", "pipe"],
        });
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
          this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
          if (isLogged) process.stderr.write(text);
          if (!this.#isDiscarded) this.#callbacks?.onStderr(text, this);
        });
        lowerPriority(child.pid, this.#niceness);
        this.#child = child;
        return child;
      },
    };
  }

  #follow(callbacks: ProcessCallbacks): void {
    this.#callbacks = callbacks;
    const read = async () => {
      let reason = "";
      try {
        for await (const message of this.#query!) {
          if (this.#isDiscarded) continue;
          const stored = callbacks.whenStored(message);
          // A process that was killed first has taken the result along: the next one shows its model that the call's outcome
          // is unknown, and so it is for readers.
          if (stored && !(await stored) && !this.alive) continue;
          if (!this.#isDiscarded) callbacks.onMessage(message, this);
        }
      } catch (error) {
        // It also throws after an error result, which has ended its turn by then.
        reason = error instanceof Error ? error.message : String(error);
      }
      this.#isOver = true;
      // A tool it had started would keep changing the workspace under the next turn.
      await killMarked(sessionMarks(this.#session));
      if (!this.#isDiscarded) {
        callbacks.onEnd(this.#stderr.trim() || reason || "no reason given", this);
      }
    };
    this.#ended = read();
  }
}
