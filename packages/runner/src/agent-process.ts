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

import type { ControlMethod, Prompt } from "@claude-edge/protocol";

import { SESSION_MARK } from "./environment.js";
import { killMarked } from "./processes.js";
import { PromptQueue } from "./prompt-queue.js";

/** The end of the process's standard error that a failure quotes, in characters. */
const STDERR_KEPT = 2_000;

/** How long a process may take to end by itself once its input has ended, milliseconds. The Agent SDK kills it at 2 s. */
const CLOSE_MS = 3_000;

export interface ProcessCallbacks {
  onMessage(message: SDKMessage, process: AgentProcess): void;
  /** It has ended; `reason` says why, as far as it is known. */
  onEnd(reason: string, process: AgentProcess): void;
}

/** One `claude` process in streaming-input mode. */
export class AgentProcess {
  readonly #session: string;
  readonly #prompts = new PromptQueue();
  #child: ChildProcess | undefined;
  #query: Query | undefined;
  #warm: WarmQuery | undefined;
  #ended: Promise<void> | undefined;
  #stderr = "";
  #isDiscarded = false;
  #isOver = false;
  /** Prompts it has been given. */
  turns = 0;

  private constructor(session: string) {
    this.#session = session;
  }

  /** Starts a process for a session. */
  static start(session: string, options: Options, callbacks: ProcessCallbacks): AgentProcess {
    const agent = new AgentProcess(session);
    agent.#query = query({ prompt: agent.#prompts, options: agent.#spawning(options) });
    agent.#follow(callbacks);
    return agent;
  }

  /** Makes one ready that is to become a session later: its first turn then costs a fraction of a start. */
  static async prepare(session: string, options: Options): Promise<AgentProcess> {
    const agent = new AgentProcess(session);
    agent.#warm = await startup({ options: agent.#spawning(options) });
    return agent;
  }

  /** Turns one that was made ready into a session's. */
  claim(callbacks: ProcessCallbacks): void {
    this.#query = this.#warm!.query(this.#prompts);
    this.#warm = undefined;
    this.#follow(callbacks);
  }

  /** From its making on: the Agent SDK may take its time to start the program. */
  get alive(): boolean {
    const { exitCode = null, signalCode = null } = this.#child ?? {};
    return !this.#isOver && exitCode === null && signalCode === null;
  }

  /** Memory it holds, in bytes; 0 where that cannot be told. */
  get residentBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  send(turn: string, prompt: Prompt, verbatim: boolean): void {
    this.turns += 1;
    this.#prompts.push(turn, prompt, verbatim);
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

  /** Stops what it is doing. Rejects when it is on its way out. */
  async interrupt(): Promise<void> {
    await this.#query?.interrupt();
  }

  /** Whoever had it has let go of it: its last words and its end are nobody's. */
  discard(): Promise<void> {
    this.#isDiscarded = true;
    return this.close();
  }

  /** Ends it at once, with no time for last words in its transcript. */
  async kill(): Promise<void> {
    this.#isDiscarded = true;
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
    await killMarked(SESSION_MARK, this.#session);
  }

  #spawning(options: Options): Options {
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
          process.stderr.write(text);
        });
        this.#child = child;
        return child;
      },
    };
  }

  #follow(callbacks: ProcessCallbacks): void {
    const read = async () => {
      let reason = "";
      try {
        for await (const message of this.#query!) {
          if (!this.#isDiscarded) callbacks.onMessage(message, this);
        }
      } catch (error) {
        // It also throws after an error result, which has ended its turn by then.
        reason = error instanceof Error ? error.message : String(error);
      }
      this.#isOver = true;
      // A tool it had started would go on changing the workspace under the next turn.
      await killMarked(SESSION_MARK, this.#session);
      if (!this.#isDiscarded) {
        callbacks.onEnd(this.#stderr.trim() || reason || "no reason given", this);
      }
    };
    this.#ended = read();
  }
}
