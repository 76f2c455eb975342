import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { EdgeError } from "@claude-edge/protocol";
import { asks, fitsSpare, type RunnerOptions } from "@claude-edge/protocol/runner";

import { joinHooks, restoreHooks } from "../workspace/hooks.js";
import { AgentProcess } from "./agent-process.js";
import { forOneMessage } from "./one-message.js";
import type { ProcessPolicy } from "./policy.js";
import type { ProcessOwner } from "./process-owner.js";
import { sdkOptions, type RunnerSetup } from "./sdk-options.js";
import type { OpenedProcess, OpeningTurn } from "./session-process.js";
import { isSameKind, Spares, type SpareKind } from "./spares.js";

/** When there is no memory for another process, a caller is asked to retry after this, seconds. */
export const RETRY_AFTER_S = 5;

/** Has Claude Code continue the turn that a transcript breaks off in, instead of waiting for a prompt. */
const RESUME_TURN = {
  CLAUDE_CODE_RESUME_INTERRUPTED_TURN: "1",
  CLAUDE_CODE_RESUME_REASON: "container_recreated",
};

/** A session whose process counts towards the pool. */
export interface PooledSession extends ProcessOwner {
  readonly process: AgentProcess | undefined;
  readonly busy: boolean;
  /** A turn runs, or tasks in the background: its process is not to be ended. */
  readonly isKept: boolean;
  readonly lastUsed: number;
  /** Ends its process; its next turn resumes. */
  close(): Promise<void>;
}

/** The sessions of a runner, as the pool needs them. */
export interface PooledSessions {
  all(): Iterable<PooledSession>;
  create(id: string): PooledSession;
  delete(id: string): void;
}

/** The processes of a runner: those in use, hot ones of idle sessions, and spares; within the container's memory. */
export class ProcessPool {
  readonly #setup: RunnerSetup;
  readonly #policy: ProcessPolicy;
  readonly #sessions: PooledSessions;
  readonly #spares: Spares<AgentProcess>;
  readonly #idleTimers = new Map<PooledSession, NodeJS.Timeout>();

  constructor(setup: RunnerSetup, policy: ProcessPolicy, sessions: PooledSessions) {
    this.#setup = setup;
    this.#policy = policy;
    this.#sessions = sessions;
    this.#spares = new Spares(policy.spares, {
      prepare: async (id, { asks: isAsking, variables }) => {
        const options = {
          ...(isAsking ? ({ canUseTool: true } as const) : {}),
          ...(variables ? { variables } : {}),
        };
        const given = await sdkOptions(setup, sessions.create(id), options);
        return AgentProcess.prepare(id, given, policy.niceness);
      },
      hasCapacity: () => this.#hasRoom() && ![...sessions.all()].some(({ busy }) => busy),
      onDropped: (id) => sessions.delete(id),
    });
  }

  /** Begins to keep spares. */
  start(): void {
    this.#spares.scheduleRefill();
  }

  /** Reserves a spare for a new session; returns the session's id, if there is a spare. */
  reserveSpare(isAsking: boolean): string | undefined {
    return this.#spares.reserve(isAsking);
  }

  /** Makes a reserved spare free again. */
  releaseSpare(id: string): void {
    this.#spares.release(id);
  }

  /** Makes room for the process of a session that has none. @throws EdgeError `container_full`. */
  ensureRoom(id: string, live: AgentProcess | undefined): void {
    if (!live?.alive && !this.#spares.has(id)) this.#makeRoom();
  }

  /** A turn begins: its process is no longer idle, and spares must not compete with it for the processor. */
  onTurnStart(session: PooledSession, options: RunnerOptions): void {
    if (!session.process?.alive) this.#spares.expect(kindOf(options));
    clearTimeout(this.#idleTimers.get(session));
    this.#spares.pauseRefill();
  }

  /** A session has become idle: its process is kept hot for a while, unless it has grown too large. */
  onIdle(session: PooledSession): void {
    this.#spares.scheduleRefill();
    clearTimeout(this.#idleTimers.get(session));
    if (session.isKept) return;
    const { process: live } = session;
    const { hotMs, maxTurns, maxResidentBytes } = this.#policy;
    const isWorn = live && (live.turns >= maxTurns || live.residentBytes > maxResidentBytes);
    const timer = setTimeout(() => void this.#cool(session), isWorn ? 0 : hotMs);
    timer.unref();
    this.#idleTimers.set(session, timer);
  }

  /** Opens a process for a session: its spare if that fits, otherwise a new one. */
  async open(
    owner: ProcessOwner,
    options: RunnerOptions,
    { begun, traceparent, message }: OpeningTurn,
  ): Promise<OpenedProcess> {
    const spare = await this.#takeSpare(owner.id, options);
    if (spare) {
      spare.claim(owner);
      await spare.configure(options as Pick<Options, "model" | "permissionMode">);
      return { process: spare, wasSpare: true, isUnderWay: false, holdsTools: false };
    }
    const given = await this.#optionsOf(owner, options, message);
    const env = given.env!;
    if (traceparent !== undefined) env.TRACEPARENT = traceparent;
    const isUnderWay =
      begun !== undefined && (await this.#setup.transcripts.hasEntry(owner.id, begun.id));
    // A turn that stopped at a question resumes there by itself.
    if (isUnderWay && !begun.isAnswered) Object.assign(env, RESUME_TURN);
    const holdsTools = !owner.files.isComplete();
    if (holdsTools) given.hooks = joinHooks(restoreHooks(owner.files), given.hooks);
    const started = AgentProcess.start(owner.id, given, this.#policy.niceness, owner);
    return { process: started, wasSpare: false, isUnderWay, holdsTools };
  }

  /** Ends the spare with this id, if there is one. */
  async discardSpare(id: string): Promise<void> {
    await this.#spares.take(id)?.process.close();
    this.#spares.scheduleRefill();
  }

  /** A session is removed. */
  forget(session: PooledSession): void {
    clearTimeout(this.#idleTimers.get(session));
    this.#idleTimers.delete(session);
  }

  /** Ends the spares, and prepares no more. */
  close(): Promise<void> {
    return this.#spares.close();
  }

  async #optionsOf(
    owner: ProcessOwner,
    options: RunnerOptions,
    message: OpeningTurn["message"],
  ): Promise<Options> {
    if (!message) return sdkOptions(this.#setup, owner, options);
    // A bare message has nothing of the agent's own definition in it.
    return forOneMessage(await sdkOptions({ ...this.#setup, agent: {} }, owner, options), message);
  }

  async #takeSpare(id: string, options: RunnerOptions): Promise<AgentProcess | undefined> {
    const spare = this.#spares.take(id);
    if (!spare) return undefined;
    const { process: ready } = spare;
    if (ready.alive && fitsSpare(options) && isSameKind(spare.kind, kindOf(options))) return ready;
    // What ends with it is found by the session's mark, which the next process will carry: it must be gone by then.
    await ready.close();
    return undefined;
  }

  async #cool(session: PooledSession): Promise<void> {
    this.forget(session);
    if (session.isKept) return;
    this.#setup.transcripts.release(session.id);
    await session.close();
  }

  /** Ends a spare and the least recently used idle process, if memory is short. @throws EdgeError `container_full`. */
  #makeRoom(): void {
    if (this.#hasRoom()) return;
    const hadSpare = this.#spares.dropOne("free");
    const [idle] = [...this.#sessions.all()]
      .filter((session) => session.process && !session.isKept)
      .toSorted((a, b) => a.lastUsed - b.lastUsed);
    if (idle) void this.#cool(idle);
    // Their memory is free in a moment. With nothing to end, there will be none soon.
    if (!hadSpare && !idle && !this.#spares.dropOne("reserved")) {
      throw new EdgeError("container_full", "The container has no memory for another session.");
    }
  }

  #hasRoom(): boolean {
    return process.availableMemory() > this.#policy.reserveBytes;
  }
}

/** The kind of spare that a session with these options can take, if it can take one. */
const kindOf = (options: RunnerOptions): SpareKind => ({
  asks: asks(options),
  variables: options.variables,
});
