import { rm } from "node:fs/promises";

import { EdgeError, type CallbackAnswer } from "@claude-edge/protocol";
import { DRAINING } from "@claude-edge/protocol/runner";
import type {
  ControlCall,
  ControlResult,
  RunnerSession,
  StartTurn,
  TakeCheckpoint,
  TranscriptEntry,
  TurnStarted,
  UserMessage,
} from "@claude-edge/protocol/runner";

import type { SessionLogs } from "../log/session-logs.js";
import { Transcripts } from "../log/transcripts.js";
import type { AgentDefinition } from "../process/agent-definition.js";
import { Certificates } from "../process/certificates.js";
import { removeTranscriptCopy, type RunnerFolders } from "../process/environment.js";
import type { ProcessPolicy } from "../process/policy.js";
import { ProcessPool } from "../process/pool.js";
import type { RunnerSetup } from "../process/sdk-options.js";
import { Workspaces } from "../workspace/workspaces.js";
import { Activity } from "./activity.js";
import { SessionFiles } from "./session-files.js";
import { cloningFolder, SessionRepositories } from "./session-repositories.js";
import { Session } from "./session.js";

/** The sessions of a runner. */
export class Sessions {
  readonly workspaces: Workspaces;
  readonly #sessions = new Map<string, Session>();
  /** Sessions that are being removed: whatever is asked of them meanwhile waits, and finds a new one. */
  readonly #removals = new Map<string, Promise<void>>();
  readonly #activity = new Activity();
  readonly #agent: AgentDefinition;
  readonly #folders: RunnerFolders;
  readonly #logs: SessionLogs;
  readonly #transcripts: Transcripts;
  readonly #pool: ProcessPool;
  readonly #setup: RunnerSetup;
  readonly #policy: ProcessPolicy;
  #isDraining = false;

  constructor(
    agent: AgentDefinition,
    folders: RunnerFolders,
    policy: ProcessPolicy,
    logs: SessionLogs,
  ) {
    this.#agent = agent;
    this.#folders = folders;
    this.#logs = logs;
    this.#transcripts = new Transcripts(`${folders.state}/transcripts`, (id, subpath, entries) => {
      this.#sessions.get(id)?.onTranscript(subpath, entries);
    });
    const { ignore = [], gitignore = false } = agent.workspace ?? {};
    const options = { ignore, gitignore, maxFiles: policy.maxWorkspaceFiles };
    this.workspaces = new Workspaces(logs, { ...folders, options });
    const certificates = new Certificates(folders.state);
    this.#policy = policy;
    const hasBackground = policy.backgroundMs > 0;
    this.#setup = { agent, folders, transcripts: this.#transcripts, certificates, hasBackground };
    this.#pool = new ProcessPool(this.#setup, policy, {
      all: () => this.#sessions.values(),
      create: (id) => this.#create(id),
      delete: (id) => {
        this.#sessions.delete(id);
        logs.release(id);
      },
    });
  }

  /** Begins to prepare processes for new sessions. */
  open(): void {
    this.#pool.start();
  }

  /** The sessions that this runner holds something of. */
  list(): RunnerSession[] {
    const withFiles = new Set(this.workspaces.sessions);
    for (const { id, hasRun } of this.#sessions.values()) if (hasRun) withFiles.add(id);
    // The session of a spare belongs to no caller yet.
    const used = [...this.#sessions.values()].filter((session) => session.isUsed);
    return [...new Set([...used.map(({ id }) => id), ...withFiles])].map((id) => ({
      id,
      busy: this.#sessions.get(id)?.busy ?? false,
      tasks: this.#sessions.get(id)?.background.tasks.length ?? 0,
      has_files: withFiles.has(id),
    }));
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get idleMs(): number {
    return this.#activity.idleMs;
  }

  /** Reserves a process that is ready; returns the id of the new session that it is for, if there is one. */
  reserveSpare(asks: boolean): string | undefined {
    this.#activity.note();
    return this.#isDraining ? undefined : this.#pool.reserveSpare(asks);
  }

  /** No session was created for a spare that was reserved. */
  releaseSpare(id: string): void {
    this.#pool.releaseSpare(id);
  }

  /**
   * Starts a turn, or finds it started. What comes of it is in the log.
   * @throws EdgeError `turn_running`, `container_full`, `container_unavailable` while it drains.
   */
  async startTurn(id: string, turn: string, start: StartTurn): Promise<TurnStarted> {
    await this.#removals.get(id);
    const { boot } = this.#logs;
    const known = this.#sessions.get(id);
    const started = known?.startOf(turn);
    if (started !== undefined) return { boot, cursor: started };
    if (known?.busy) {
      throw new EdgeError("turn_running", "Another turn of the session is running.");
    }
    this.#assertTaking();
    this.#pool.ensureRoom(id, known?.process);
    const session = known ?? this.#create(id);
    this.#pool.onTurnStart(session, start.options);
    void this.#activity.run(() => session.start(turn, start));
    return { boot, cursor: session.startOf(turn)! };
  }

  /** Stops a turn, if it runs. */
  async interrupt(id: string, turn: string): Promise<void> {
    await this.#sessions.get(id)?.interrupt(turn);
  }

  /** Gives a message to a turn that runs. False when it does not. */
  steer(id: string, turn: string, message: string, given: UserMessage): boolean {
    return this.#sessions.get(id)?.steer(turn, message, given) ?? false;
  }

  /** Takes a message to a turn back. False when its process has it. */
  withdraw(id: string, turn: string, message: string): boolean {
    return this.#sessions.get(id)?.withdraw(turn, message) ?? true;
  }

  /** Gives an answer to the request that waits for it. False when none does. */
  answer(id: string, request: string, answer: CallbackAnswer): boolean {
    return this.#sessions.get(id)?.answer(request, answer) ?? false;
  }

  /**
   * Calls a method of the Agent SDK's `Query` for a session.
   * @throws EdgeError `container_full`, `container_unavailable` while it drains and no turn of the session runs.
   */
  control(id: string, call: ControlCall): Promise<ControlResult> {
    return this.#activity.run(async () => {
      await this.#removals.get(id);
      const known = this.#sessions.get(id);
      if (!known?.busy) this.#assertTaking();
      this.#pool.ensureRoom(id, known?.process);
      return (known ?? this.#create(id)).control(call);
    });
  }

  /**
   * Replaces the transcript of a session by one that is stored elsewhere. Its process remembers another conversation,
   * and a spare would begin a new one: both end.
   * @throws EdgeError `turn_running`.
   */
  replaceTranscript(id: string, batches: AsyncIterable<TranscriptEntry[]>): Promise<void> {
    return this.#activity.run(async () => {
      await this.#removals.get(id);
      const session = this.#sessions.get(id);
      if (session?.busy) throw new EdgeError("turn_running", "A turn of the session is running.");
      await this.#pool.discardSpare(id);
      await session?.close();
      // The process's own copy. With nothing to resume, the next process would refuse the id as already in use.
      await removeTranscriptCopy({ config: `${this.#folders.state}/${id}/config` });
      await this.#transcripts.replace(id, batches);
    });
  }

  /**
   * Sets the desired state of a session's workspace; returns the content that is missing for it. Refused while a turn
   * runs, unless the turn is waiting for this.
   * @throws EdgeError `turn_running`, `path_invalid`, `disk_full`, …
   */
  putWorkspace(id: string, body: AsyncIterable<Uint8Array>): Promise<string[]> {
    const assertChangeable = () => {
      if (!this.#sessions.get(id)?.busy || !this.workspaces.isComplete(id)) return;
      throw new EdgeError("turn_running", "A turn of the session is running.");
    };
    return this.#activity.run(async () => {
      await this.#removals.get(id);
      return this.workspaces.put(id, body, assertChangeable);
    });
  }

  /** Receives missing content; returns what is still missing. @throws EdgeError `file_damaged`, `disk_full`, … */
  putBlobs(id: string, body: AsyncIterable<Uint8Array>): Promise<string[]> {
    return this.#activity.run(() => this.workspaces.putBlobs(id, body));
  }

  /** Takes a checkpoint of a session; returns the cursor of its log after it. */
  async takeCheckpoint(id: string, { reason, full = false }: TakeCheckpoint): Promise<number> {
    await this.#removals.get(id);
    const turn = this.#sessions.get(id)?.currentTurn ?? "";
    await this.workspaces.checkpoint(id, { turn, reason, full, isAwaited: true });
    return this.#logs.cursorOf(id);
  }

  /** Ends a session's process and everything it started, and deletes all that is kept of it here. */
  async remove(id: string): Promise<void> {
    let removal = this.#removals.get(id);
    if (!removal) {
      removal = this.#remove(id).finally(() => this.#removals.delete(id));
      this.#removals.set(id, removal);
    }
    await removal;
  }

  /**
   * Takes no new turns and resolves when those that run have ended, or when the signal aborts. A turn that waits for an
   * answer lets its process go.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    this.#logs.drain();
    void this.#pool.close();
    for (const session of this.#sessions.values()) session.drain();
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    if (!signal.aborted) await Promise.race([this.#activity.whenIdle(), aborted]);
  }

  /** Takes last checkpoints of the sessions whose logs are read. */
  async checkpointAll(): Promise<void> {
    const read = [...this.workspaces.sessions].filter((id) => this.#logs.get(id)?.hasReaders);
    await Promise.all(read.map((id) => this.takeCheckpoint(id, { reason: "sleep" })));
  }

  /** Ends every process. Running turns get no outcome: the Worker counts them as lost with the container. */
  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    await Promise.all([this.#pool.close(), ...sessions.map((session) => session.abandon())]);
    await this.workspaces.close();
  }

  /** @throws EdgeError `container_unavailable` while it drains: another container takes new work. */
  #assertTaking(): void {
    if (!this.#isDraining) return;
    const message = "The container is being replaced and takes no new turns.";
    throw new EdgeError("container_unavailable", message, { reason: DRAINING });
  }

  #create(id: string): Session {
    const log = this.#logs.open(id);
    const files = new SessionFiles(this.workspaces, id, `${this.#folders.workspaces}/${id}`);
    const repositories = new SessionRepositories(id, {
      setup: this.#setup,
      policy: this.#policy,
      files,
      emit: (turn, repository) => log.append({ kind: "repository", turn, repository }),
    });
    const session = new Session(id, {
      log,
      files,
      repositories,
      openProcess: (owner, options, turn) => this.#pool.open(owner, options, turn),
      wantsOutput: (options) => (options.outputFormat ?? this.#agent.outputFormat) !== undefined,
      repeatableTools: this.#agent.repeatableTools ?? [],
      backgroundMs: this.#policy.backgroundMs,
      temp: `${this.#folders.state}/${id}/tmp`,
      onIdle: (idle) => this.#pool.onIdle(idle),
      onBackground: (over) => void this.#activity.run(() => over),
    });
    this.#sessions.set(id, session);
    return session;
  }

  async #remove(id: string): Promise<void> {
    try {
      await this.#pool.discardSpare(id);
      await this.#sessions.get(id)?.close();
      await this.workspaces.forget(id);
      await this.#transcripts.delete(id);
      const { workspaces, state } = this.#folders;
      const folders = [`${workspaces}/${id}`, cloningFolder(workspaces, id), `${state}/${id}`];
      await Promise.all(folders.map((path) => rm(path, { recursive: true, force: true })));
    } finally {
      // Not before: the last frames of its process are in the log then.
      const session = this.#sessions.get(id);
      if (session) this.#pool.forget(session);
      this.#sessions.delete(id);
      this.#logs.remove(id);
    }
  }
}
