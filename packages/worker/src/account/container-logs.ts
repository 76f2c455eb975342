import { isFinal, wireError } from "@claude-edge/protocol";
import {
  isDelta,
  usageOf,
  type CheckpointFrame,
  type LogFrame,
  type TakeCheckpoint,
  type TurnFrame,
} from "@claude-edge/protocol/runner";

import { fetchCheckpoint, releaseCheckpoint, type Arrived } from "../workspace/from-runner.js";
import type { Files } from "../workspace/files.js";

import { Follower } from "./follower.js";
import type { Requests } from "./requests.js";
import { callRunner, type ContainerStub } from "./runner-client.js";
import type { SessionLogs, TurnEnd } from "./session-logs.js";
import type { Store, TurnRow } from "./store.js";
import { REWOUND } from "./transcripts.js";

export interface ContainerLogsCallbacks {
  container(name: string): ContainerStub;
  /** Turns of a container have ended, or wait without it. */
  onFreed(container: string): void;
  /** Something was asked that may expire. */
  onAsked(): void;
  /** A runner is gone, and these turns with it. */
  onLost(turns: TurnRow[]): void;
}

/** Frames that came to an event each, which is stored. */
const STORED = new Set<LogFrame["kind"]>(["message", "turn", "request", "checkpoint"]);

/** How a log stands is looked at this often at least, milliseconds: its follower may have ended. */
const PROGRESS_MS = 250;

/** A checkpoint that cannot be fetched from a runner that runs is given up after this many tries. */
const MAX_FETCHES = 5;

/** Reading a whole workspace takes its time, milliseconds. */
const TAKE_ALL_MS = 120_000;

/** Follows the logs of an account's containers, and applies them: once each frame, in one transaction a batch. */
export class ContainerLogs {
  readonly #ctx: DurableObjectState;
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #requests: Requests;
  readonly #files: Files;
  readonly #callbacks: ContainerLogsCallbacks;
  readonly #followers = new Map<string, Follower>();
  /** Sessions that are being read again, by container. */
  readonly #rewound = new Map<string, Set<string>>();
  /** What checkpoints came to whose frames are about to be applied. */
  readonly #arrived = new WeakMap<CheckpointFrame, Arrived>();
  /** How often a checkpoint was tried to be fetched. */
  readonly #fetches = new Map<string, number>();
  /** Containers whose log somebody waits for, beside those of turns. */
  readonly #awaited = new Map<string, number>();
  /** Called when a log has been applied further. */
  readonly #progress = new Set<() => void>();

  constructor(
    ctx: DurableObjectState,
    store: Store,
    logs: SessionLogs,
    requests: Requests,
    files: Files,
    callbacks: ContainerLogsCallbacks,
  ) {
    this.#ctx = ctx;
    this.#store = store;
    this.#logs = logs;
    this.#requests = requests;
    this.#files = files;
    this.#callbacks = callbacks;
    logs.onOwn((session) => this.#checkpoint(store.containerOf(session)));
  }

  /** A log is being read, which vouches for its container. */
  isFollowing(name: string): boolean {
    return this.#followers.get(name)?.stopped === false;
  }

  /** Follows a boot's log, from where it was left. A new boot means that the one before it is lost. */
  follow(name: string, boot: string): void {
    const current = this.#followers.get(name);
    if (current?.stopped === false && current.boot === boot) return current.touch();
    current?.stop();
    const known = this.#store.containers.get(name);
    if (known && known.boot !== boot) this.#lose(name, known.boot);
    if (known?.boot !== boot) this.#store.containers.setCursor(name, boot, 0, Date.now());
    const stored = known?.boot === boot ? known.cursor : 0;
    const from = current?.boot === boot ? stored : this.#rewind(name, boot, stored);
    const follower = new Follower(this.#callbacks.container(name), boot, from, {
      fetch: (frame) => this.#fetch(name, boot, frame, stored),
      apply: (frames) => this.#applyOrAbort(name, boot, frames, stored),
      reached: () => this.#release(name),
      stored: () => this.#needed(name, boot),
      lost: () => {
        // One that hangs still runs: it is ended before another is started.
        this.#ctx.waitUntil(this.#callbacks.container(name).sleep(boot));
        this.#lose(name, boot);
      },
      busy: () => this.#awaited.has(name) || this.#store.openTurnsOf(name).length > 0,
    });
    this.#followers.set(name, follower);
    if (from >= stored) this.#catchUp(name);
    this.#ctx.waitUntil(follower.run());
  }

  /** Follows a log for as long as some work takes, with or without turns. */
  async during<Value>(name: string, boot: string, work: () => Promise<Value>): Promise<Value> {
    this.#awaited.set(name, (this.#awaited.get(name) ?? 0) + 1);
    this.follow(name, boot);
    try {
      return await work();
    } finally {
      const others = this.#awaited.get(name)! - 1;
      if (others > 0) this.#awaited.set(name, others);
      else this.#awaited.delete(name);
      this.touch(name);
    }
  }

  /** Resolves when a log is applied up to a cursor; false when it will not be, or not in time. */
  async untilApplied(name: string, cursor: number, patienceMs: number): Promise<boolean> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const follower = this.#followers.get(name);
      if (!follower || follower.stopped) return false;
      if (follower.cursor >= cursor) return true;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) return false;
      const moved = Promise.withResolvers<void>();
      this.#progress.add(moved.resolve);
      await Promise.race([moved.promise, scheduler.wait(Math.min(leftMs, PROGRESS_MS))]);
      this.#progress.delete(moved.resolve);
    }
  }

  /** A container's work has begun or ended. */
  touch(name: string): void {
    this.#followers.get(name)?.touch();
  }

  /** The container is to end: its log ends with it. */
  stop(name: string): void {
    this.#followers.get(name)?.stop();
    this.#followers.delete(name);
  }

  /**
   * Writes down how far memory has come, where that is further than storage. An own event takes the number behind the
   * deltas that were handed out: after a restart those must count as read before.
   */
  #checkpoint(name: string): void {
    const follower = this.#followers.get(name);
    const known = this.#store.containers.get(name);
    if (!follower || follower.stopped || known?.boot !== follower.boot) return;
    if (follower.cursor <= known.cursor) return;
    this.#store.containers.setCursor(name, known.boot, follower.cursor, known.used_at);
  }

  /** Where to read from with nothing in memory: the beginning of the oldest turn that runs. */
  #rewind(name: string, boot: string, stored: number): number {
    let from = stored;
    const sessions = new Set<string>();
    this.#rewound.set(name, sessions);
    for (const turn of this.#store.openTurnsOf(name)) {
      if (turn.boot !== boot || turn.start_cursor === null || turn.start_seq === null) continue;
      from = Math.min(from, turn.start_cursor);
      this.#logs.rewind(turn.session_id, turn.start_seq);
      sessions.add(turn.session_id);
    }
    return from;
  }

  /** Frames up to here are not needed again. */
  #needed(name: string, boot: string): number {
    let cursor = this.#store.containers.get(name)?.cursor ?? 0;
    for (const turn of this.#store.openTurnsOf(name)) {
      if (turn.boot === boot) cursor = Math.min(cursor, turn.start_cursor ?? 0);
    }
    return cursor;
  }

  /** Stores what a checkpoint holds; how that went is written down when its frame is applied. */
  async #fetch(name: string, boot: string, frame: CheckpointFrame, stored: number): Promise<void> {
    // It is written down already, and only read again.
    if (frame.cursor <= stored || !this.#store.hasSession(frame.session)) return;
    const container = this.#callbacks.container(name);
    const key = `${boot}/${frame.cursor}`;
    const isThere = () =>
      this.#store.containers.get(name)?.boot === boot && this.#store.hasSession(frame.session);
    try {
      const { stored: files } = this.#files;
      this.#arrived.set(frame, await fetchCheckpoint(files, container, boot, frame, isThere));
    } catch (error) {
      const tries = (this.#fetches.get(key) ?? 0) + 1;
      this.#fetches.set(key, tries);
      if (tries < MAX_FETCHES) throw error;
      console.error(`a checkpoint of ${frame.session} could not be fetched`, error);
      const message = "The runner did not give the files that it told of.";
      this.#arrived.set(frame, { error: wireError("workspace_unavailable", message) });
      // The next one tells only what differs from this: what this one held is had again by taking all there is.
      if (!frame.full) this.#ctx.waitUntil(this.#takeAll(container, frame));
    }
    this.#fetches.delete(key);
  }

  async #takeAll(container: ContainerStub, { session, reason }: CheckpointFrame): Promise<void> {
    const take: TakeCheckpoint = { reason, full: true };
    const path = `/sessions/${session}/checkpoints`;
    await callRunner(container, "POST", path, take, TAKE_ALL_MS).catch((error: unknown) => {
      console.error(`no other checkpoint of ${session} was taken`, error);
    });
  }

  #applyOrAbort(name: string, boot: string, frames: LogFrame[], stored: number): void {
    try {
      const fresh = frames.findIndex(({ cursor }) => cursor > stored);
      const again = fresh < 0 ? frames : frames.slice(0, fresh);
      for (const frame of again) this.#replay(frame);
      if (frames.at(-1)!.cursor >= stored) this.#catchUp(name);
      if (fresh >= 0) this.#apply(name, boot, frames.slice(fresh));
      for (const wake of this.#progress) wake();
    } catch (error) {
      // Memory is ahead of storage now: start over from storage, which is whole.
      this.#ctx.abort(`could not apply the log of ${name}: ${String(error)}`);
    }
  }

  /** A frame that is applied already: puts back into memory what is only there. */
  #replay(frame: LogFrame): void {
    const { session } = frame;
    if (!this.#logs.isRewound(session)) return;
    // Of the turn that runs, and no other: one that ended before it may be in the same stretch of the log.
    const row = this.#store.turn(frame.turn);
    if (!row || isFinal(row.status) || frame.cursor <= (row.start_cursor ?? Infinity)) return;
    if (frame.kind === "message" && isDelta(frame)) {
      this.#logs.replayDelta(session, frame.turn, { message: frame.message });
    } else if (STORED.has(frame.kind)) {
      this.#logs.replayNextStored(session);
    }
  }

  #catchUp(name: string): void {
    for (const session of this.#rewound.get(name) ?? []) {
      if (this.#logs.isRewound(session)) this.#logs.catchUp(session);
    }
  }

  #release(name: string): void {
    for (const session of this.#rewound.get(name) ?? []) this.#logs.release(session);
    this.#rewound.delete(name);
  }

  /**
   * Applies a batch. Pieces of messages only pass through memory; as soon as something that lasts is among them, all
   * of it and the cursor go into one transaction. So no token waits for a commit.
   */
  #apply(name: string, boot: string, frames: LogFrame[]): void {
    if (frames.every(isDelta)) {
      for (const frame of frames) this.#applyFrame(name, boot, frame);
      return;
    }
    let freed = false;
    this.#store.transaction(() => {
      for (const frame of frames) freed = this.#applyFrame(name, boot, frame) || freed;
      this.#store.containers.setCursor(name, boot, frames.at(-1)!.cursor, Date.now());
    });
    for (const frame of frames) {
      if (frame.kind !== "checkpoint" || !this.#arrived.get(frame)?.root) continue;
      this.#ctx.waitUntil(releaseCheckpoint(this.#callbacks.container(name), frame));
    }
    if (freed) this.#callbacks.onFreed(name);
    if (frames.some(({ kind }) => kind === "request")) this.#callbacks.onAsked();
  }

  /** True when its turn needs the container no more. */
  #applyFrame(name: string, boot: string, frame: LogFrame): boolean {
    const { session, turn } = frame;
    // Also of a session that was deleted in the meantime, and of work in the background that outlasts its turn.
    if (frame.kind === "message" && frame.message.type === "result") {
      this.#store.usage.add(turn, session, usageOf(frame.message), Date.now());
      this.#store.modelCalls.told(session);
    }
    if (frame.kind === "spare") {
      this.#store.containers.addSpare(session, name, boot, frame.asks);
    } else if (!this.#store.hasSession(session)) {
      // It was deleted while its last words were on their way.
    } else if (frame.kind === "transcript" && this.#store.transcriptBoot(session) === REWOUND) {
      // What a process still has to say of what it is to forget.
    } else if (frame.kind === "transcript") {
      this.#store.transcripts.append(session, frame.subpath ?? "", frame.entries);
    } else if (frame.kind === "message") {
      const kind = isDelta(frame) ? "delta" : "message";
      this.#logs.emit(session, turn, kind, { message: frame.message });
    } else if (frame.kind === "checkpoint") {
      this.#applyCheckpoint(frame);
    } else if (frame.kind === "request") {
      this.#requests.add(frame);
    } else if (frame.kind === "request.cancelled") {
      this.#requests.cancel(frame);
    } else {
      return this.#applyTurn(boot, frame);
    }
    return false;
  }

  #applyCheckpoint(frame: CheckpointFrame): void {
    const { session, turn, reason, skipped } = frame;
    const { root, error } = this.#arrived.get(frame) ?? {};
    if (root === undefined) {
      this.#logs.emit(session, turn, "checkpoint", { error });
      return;
    }
    const seq = this.#logs.lastSeq(session) + 1;
    const before = this.#files.stored.checkpoints.stateAt(session).root;
    const state = { turn, reason, root, skipped };
    const checkpoint = this.#files.write(session, seq, state, before);
    this.#files.stored.runners.setBase(session, root);
    this.#logs.emit(session, turn, "checkpoint", { checkpoint });
  }

  #applyTurn(boot: string, frame: TurnFrame): boolean {
    const { session, turn, status, result, error, usage, cursor } = frame;
    const row = this.#store.turn(turn);
    if (!row || isFinal(row.status)) return false;
    if (status === "running") {
      this.#store.setStart(turn, boot, cursor - 1, this.#logs.lastSeq(session));
      this.#logs.emit(session, turn, "turn", { session_id: session, status });
      return false;
    }
    // Without a result: its process is gone.
    if (!usage) this.#store.modelCalls.ended(session);
    if (status === "waiting" && row.interrupted) {
      const reason = wireError("interrupted", "The turn was interrupted.");
      this.#endTurn(frame, { status: "interrupted", error: reason });
      return true;
    }
    if (status === "waiting") {
      this.#requests.cancelOf(turn, { beside: true, waits: true });
      this.#store.markWaiting(turn);
      // What it goes on from is here, with more in it than the runner knows of.
      this.#store.setTranscriptBoot(session, null);
      this.#logs.emit(session, turn, "turn", { session_id: session, status });
      return true;
    }
    this.#endTurn(frame, {
      status,
      ...(result ? { result } : {}),
      ...(error ? { error } : {}),
      ...(usage ? { usage } : {}),
    });
    return true;
  }

  #endTurn({ session, turn }: TurnFrame, end: TurnEnd): void {
    this.#requests.cancelOf(turn, { beside: true });
    const seq = this.#logs.emit(session, turn, "turn", { session_id: session, ...end });
    this.#store.endTurn(turn, session, end.status, seq, Date.now());
  }

  /** A runner is gone: what only it had is lost, and its numbers are not given again. */
  #lose(name: string, boot: string): void {
    const lost = this.#store.openTurnsOf(name).filter((turn) => turn.boot === boot);
    this.#catchUp(name);
    for (const { session_id } of lost) this.#logs.jump(session_id);
    this.#release(name);
    this.#files.stored.runners.drop(boot);
    if (this.#followers.get(name)?.boot === boot) this.stop(name);
    if (this.#store.containers.get(name)?.boot === boot) this.#store.containers.delete(name);
    else this.#store.containers.dropSpares(name);
    this.#callbacks.onLost(lost);
  }
}
