import { existsSync } from "node:fs";
import { join } from "node:path";

import {
  query,
  type ModelUsage,
  type Options,
  type Query,
  type SDKMessage,
  type SDKResultMessage,
} from "@anthropic-ai/claude-agent-sdk";
import { wireError, type ErrorCode, type SdkMessage } from "@claude-edge/protocol";
import type { StartTurn } from "@claude-edge/protocol/runner";

import type { AgentDefinition } from "./agent.js";
import {
  agentEnvironment,
  makeSessionFolders,
  SESSION_MARK,
  type RunnerFolders,
  type SessionFolders,
} from "./environment.js";
import type { EventLog } from "./event-log.js";
import { outcomeOf, type Outcome } from "./outcome.js";
import { killMarked } from "./processes.js";
import { PromptQueue } from "./prompt-queue.js";
import { usageBetween } from "./usage.js";

/** What every session of a runner shares. */
export interface SessionContext {
  agent: AgentDefinition;
  folders: RunnerFolders;
  log: EventLog;
}

interface Turn {
  id: string;
  interrupted: boolean;
  /** The model of the newest answer. */
  model?: string;
}

interface Live {
  query: Query;
  prompts: PromptQueue;
  ended: Promise<void>;
}

/** An interrupt that has not ended the turn after this long ends the process, milliseconds. */
const INTERRUPT_GRACE_MS = 5_000;

/** The end of the process's standard error that a failure quotes, in characters. */
const STDERR_KEPT = 2_000;

/**
 * One conversation: a live `claude` process in streaming-input mode, kept between turns, one turn at a time.
 * A process that has ended is replaced on the next turn by one that resumes from the transcript on disk.
 */
export class Session {
  readonly id: string;
  readonly #context: SessionContext;
  /** Turns seen, so that a repeated request starts nothing. */
  readonly #turns = new Set<string>();
  #options: StartTurn["options"] = {};
  #live: Live | undefined;
  #current: Turn | undefined;
  #lastTurn = "";
  #totals: Record<string, ModelUsage> = {};
  #stderr = "";

  constructor(id: string, context: SessionContext) {
    this.id = id;
    this.#context = context;
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  knows(turn: string): boolean {
    return this.#turns.has(turn);
  }

  /** Starts a turn. What comes of it, a failed start included, is in the log. */
  async start(turn: string, { prompt, options }: StartTurn): Promise<void> {
    this.#turns.add(turn);
    this.#current = { id: turn, interrupted: false };
    this.#lastTurn = turn;
    this.#context.log.append({ kind: "turn", session: this.id, turn, status: "running" });
    try {
      this.#options = options;
      this.#live ??= await this.#spawn();
      if (this.#current?.interrupted) return this.#endInterrupted();
      this.#live.prompts.push(turn, prompt);
    } catch (error) {
      this.#fail("agent_start_failed", error);
    }
  }

  /** Stops the running turn; the log says how it ended. */
  async interrupt(turn: string): Promise<void> {
    const current = this.#current;
    if (current?.id !== turn) return;
    current.interrupted = true;
    const live = this.#live;
    const forced = setTimeout(() => {
      if (this.#current === current) live?.query.close();
    }, INTERRUPT_GRACE_MS);
    forced.unref();
    // Rejects when the process is on its way out; the log then gets the turn's end from there.
    await live?.query.interrupt().catch(() => {});
  }

  /** Ends the process and everything it started. */
  async close(): Promise<void> {
    const live = this.#live;
    if (this.#current) await Promise.race([this.interrupt(this.#current.id), after(1_000)]);
    live?.prompts.close();
    live?.query.close();
    await Promise.race([live?.ended, after(3_000)]);
    killMarked(SESSION_MARK, this.id);
  }

  async #spawn(): Promise<Live> {
    const folders = await makeSessionFolders(this.#context.folders, this.id);
    const prompts = new PromptQueue();
    this.#stderr = "";
    const live = query({ prompt: prompts, options: this.#sdkOptions(folders) });
    return { query: live, prompts, ended: this.#follow(live) };
  }

  #sdkOptions(folders: SessionFolders): Options {
    const { env, ...agent } = this.#context.agent;
    return {
      settingSources: [],
      strictMcpConfig: true,
      ...agent,
      ...this.#options,
      ...(hasTranscript(folders, this.id) ? { resume: this.id } : { sessionId: this.id }),
      cwd: folders.workspace,
      env: agentEnvironment(this.id, folders, env),
      includePartialMessages: true,
      // Otherwise "/clear" or "@/etc/passwd" in a prompt would be carried out.
      verbatimPrompts: true,
      stderr: (text: string) => {
        this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
      },
      ...(this.#options.permissionMode === "bypassPermissions"
        ? { allowDangerouslySkipPermissions: true }
        : {}),
    } as Options;
  }

  async #follow(live: Query): Promise<void> {
    let started = false;
    let thrown: unknown;
    try {
      for await (const message of live) {
        started = true;
        this.#take(message);
      }
    } catch (error) {
      // It also throws after an error result, which has ended the turn by then.
      thrown = error;
    }
    this.#live = undefined;
    if (!this.#current) return;
    if (this.#current.interrupted) return this.#endInterrupted();
    this.#fail(started ? "agent_exited" : "agent_start_failed", thrown);
  }

  #take(message: SDKMessage): void {
    const turn = this.#current?.id ?? this.#lastTurn;
    const sent = message as unknown as SdkMessage;
    this.#context.log.append({ kind: "message", session: this.id, turn, message: sent });
    if (message.type === "assistant" && this.#current && !message.parent_tool_use_id) {
      this.#current.model = message.message.model;
    }
    // An interrupt that overtook its prompt found nothing to stop: ask again now that the turn has begun.
    if (message.type === "system" && message.subtype === "init" && this.#current?.interrupted) {
      void this.#live?.query.interrupt().catch(() => {});
    }
    if (message.type === "result" && this.#isOwnResult(message)) this.#settle(message);
  }

  /** A background task's result also comes as a `result` message; only the prompt's own ends the turn. */
  #isOwnResult(message: SDKResultMessage): boolean {
    if (!this.#current || message.origin?.kind === "task-notification") return false;
    return (
      message.user_message_uuid === undefined || message.user_message_uuid === this.#current.id
    );
  }

  #settle(message: SDKResultMessage): void {
    const usage = usageBetween(this.#totals, message.modelUsage);
    this.#totals = message.modelUsage;
    const outcome = outcomeOf(message, {
      interrupted: this.#current?.interrupted ?? false,
      wantsOutput: this.#wantsOutput,
      model: this.#current?.model,
    });
    this.#end(outcome, usage);
  }

  get #wantsOutput(): boolean {
    return (this.#options.outputFormat ?? this.#context.agent.outputFormat) !== undefined;
  }

  #endInterrupted(): void {
    const error = wireError("interrupted", "The turn was interrupted.");
    this.#end({ status: "interrupted", error });
  }

  #fail(code: ErrorCode, cause: unknown): void {
    const reason =
      this.#stderr.trim() || (cause instanceof Error ? cause.message : "no reason given");
    this.#end({ status: "failed", error: wireError(code, `The agent's process ended: ${reason}`) });
  }

  #end(outcome: Outcome, usage?: ReturnType<typeof usageBetween>): void {
    const turn = this.#current?.id;
    if (turn === undefined) return;
    this.#current = undefined;
    this.#context.log.append({
      kind: "turn",
      session: this.id,
      turn,
      ...outcome,
      ...(usage ? { usage } : {}),
    });
  }
}

/** Where Claude Code keeps a conversation: a folder named after the working directory, a file after the session. */
function hasTranscript({ config, workspace }: SessionFolders, id: string): boolean {
  const project = workspace.replace(/[^A-Za-z0-9]/g, "-");
  return existsSync(join(config, "projects", project, `${id}.jsonl`));
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
