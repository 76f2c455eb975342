import { isFinal, toWireError, wireError, type TurnStatus } from "@claude-edge/protocol";
import {
  isDelta,
  type CheckpointFrame,
  type LogFrame,
  type Background,
  type MessageFrame,
  type TakeCheckpoint,
} from "@claude-edge/protocol/runner";
import type { LogFields, LogSubject } from "@claude-edge/protocol/internal";

import { callRunner, type ContainerStub } from "../container/runner-client.js";
import {
  fetchCheckpoint,
  releaseCheckpoint,
  type FetchedCheckpoint,
} from "../files/from-runner.js";
import type { FileStore } from "../files/file-store.js";
import { logger } from "../logger.js";
import { Follower } from "./follower.js";
import type { LostRunners } from "./lost-runners.js";
import { MAX_TRIES, type PoisonedFrames } from "./poisoned-frames.js";
import type { LogStore, SessionLog } from "./session-log.js";

/** The columns of a turn that following a log depends on. */
interface RunningTurn {
  id: string;
  status: TurnStatus;
  boot: string | null;
  start_seq: number | null;
  start_cursor: number | null;
}

/** The part of the session's storage that following a log depends on. */
export interface RunnerLogStore extends LogStore {
  readonly id: string;
  readonly subject: LogSubject;
  readonly lostRunners: LostRunners;
  readonly poisoned: PoisonedFrames;
  readonly background: Background;
  setFollowed(boot: string | null, cursor: number): void;
  setTranscriptBoot(boot: null): void;
  setApplied(seq: number, cursor: number): void;
  turn(id: string): (RunningTurn & { end_seq: number | null }) | undefined;
  requestIdOf(turn: string): string | undefined;
  runningTurn(): RunningTurn | undefined;
  transaction<T>(work: () => T): T;
}

export interface RunnerLogCallbacks {
  container(): ContainerStub;
  /** Applies a frame, in the transaction of its batch. */
  apply(boot: string, frame: LogFrame, checkpoint: FetchedCheckpoint | undefined): void;
  /** Asserts that there is room for what a turn brings. @throws EdgeError `storage_full`. */
  assertRoom(): void;
  /** Ends the turn of a frame that cannot be applied, in the transaction that puts the frame aside. */
  abandon(boot: string, frame: LogFrame, thrown: unknown): void;
  /** A piece of a message, emitted before a restart, is in memory again. */
  onReplayed(frame: MessageFrame): void;
  /** A batch with stored frames has been applied. */
  onApplied(frames: LogFrame[]): void;
  /** A frame of this turn was put aside. */
  onPutAside(turn: string): void;
  /**
   * A runner is gone, together with its process of the session. `sawEnd`: everything that it did is known, up to its end.
   */
  onLost(boot: string, sawEnd: boolean): void;
}

/** Frames that become exactly one stored event. */
const STORED = new Set<LogFrame["kind"]>(["message", "turn", "request", "checkpoint"]);

/** Polling interval for progress, milliseconds: the follower may end without a notification. */
const PROGRESS_MS = 250;

/** A checkpoint that cannot be fetched from a live runner is given up after this many tries. */
const MAX_FETCHES = 5;

/** The pause before a frame that could not be applied is tried again, milliseconds; longer each time. */
const AGAIN_MS = 250;

/** Timeout of a full checkpoint, milliseconds. */
const FULL_CHECKPOINT_MS = 120_000;

/** Follows the session's log in its runner and applies each frame once, in one transaction per batch. */
export class RunnerLog {
  readonly #ctx: DurableObjectState;
  readonly #store: RunnerLogStore;
  readonly #log: SessionLog;
  readonly #files: FileStore;
  readonly #callbacks: RunnerLogCallbacks;
  #follower: Follower | undefined;
  /** Results of checkpoints that were fetched but not yet applied. */
  readonly #fetched = new WeakMap<CheckpointFrame, FetchedCheckpoint>();
  /** The frame that is being applied. */
  #current: LogFrame | undefined;
  /** The cursor of the frame that could not be applied last, until it is applied or put aside. */
  #failing: number | undefined;
  /** Failed attempts to fetch the next checkpoint. */
  #failedFetches = 0;
  /** Callers that wait for the log, in addition to a running turn. */
  #waiters = 0;
  /** Called when the log has been applied further. */
  readonly #progress = new Set<() => void>();

  constructor(
    ctx: DurableObjectState,
    store: RunnerLogStore,
    log: SessionLog,
    files: FileStore,
    callbacks: RunnerLogCallbacks,
  ) {
    this.#ctx = ctx;
    this.#store = store;
    this.#log = log;
    this.#files = files;
    this.#callbacks = callbacks;
  }

  /** Whether the log is being read, which proves that the container runs. */
  get isFollowing(): boolean {
    return this.#follower?.stopped === false;
  }

  /** Whether a runner was given up on. It must be stopped, and not followed. */
  isLost(boot: string | undefined): boolean {
    return boot !== undefined && this.#store.exists && this.#store.lostRunners.has(boot);
  }

  /** Follows a boot's log from the last applied cursor. A new boot means that the previous runner is lost. */
  follow(boot: string): void {
    // The session may have been deleted during the call that leads here.
    if (!this.#store.exists) return;
    const current = this.#follower;
    if (current?.stopped === false && current.boot === boot) return current.touch();
    current?.stop();
    const known = this.#store.followed;
    if (known && known.boot !== boot) this.#onRunnerLost(known.boot, false);
    if (known?.boot !== boot) {
      this.#store.setFollowed(boot, 0);
      this.#log.moveTo(0);
    }
    this.#failing = this.#store.poisoned.failing;
    const stored = known?.boot === boot ? known.cursor : 0;
    // Of what passes through memory alone, more may have been read than is stored.
    const isReadOn = current?.boot === boot && known?.boot === boot;
    const from = isReadOn ? Math.max(stored, current.cursor) : this.#rewind(boot, stored);
    const container = this.#callbacks.container();
    const follower = new Follower(
      container,
      this.#store.id,
      { boot, cursor: from, minLength: stored },
      {
        fetchCheckpoint: (frame) => this.#fetch(boot, frame, stored),
        apply: (frames, advance) => {
          try {
            this.#applyAll(boot, frames, stored, advance);
          } catch (error) {
            follower.stop();
            this.#onFailed(follower, this.#current ?? frames[0]!, error);
            throw error;
          }
        },
        caughtUp: () => this.#release(),
        acknowledgeable: () => this.#acknowledgeable(boot),
        draining: () => {
          const told = this.#callbacks.container().onDraining(boot);
          this.#ctx.waitUntil(
            told.catch((error: unknown) =>
              logger.warn("container not told that its runner drains", this.#about({ error })),
            ),
          );
        },
        lost: (sawEnd) => {
          // A hanging container still runs: stop it before another one is started.
          this.#store.lostRunners.add(boot);
          this.#ctx.waitUntil(this.#stopRunner(boot));
          this.#onRunnerLost(boot, sawEnd);
        },
        removed: () => {
          this.#onRunnerLost(boot, false);
          this.#store.setTranscriptBoot(null);
        },
        isBusy: () =>
          this.#store.exists &&
          (this.#waiters > 0 ||
            this.#store.runningTurn() !== undefined ||
            this.#store.background.isActive),
      },
    );
    this.#follower = follower;
    if (from >= stored) this.#replayRest();
    this.#ctx.waitUntil(follower.run());
  }

  /** Stops a runner that was given up on. If that fails, it is stopped before its container is used again. */
  async #stopRunner(boot: string): Promise<void> {
    await this.#callbacks
      .container()
      .sleep(boot)
      .catch((error: unknown) =>
        logger.error("lost runner not stopped", this.#about({ boot, error })),
      );
  }

  /** Follows the log while `work` runs, even without a turn. */
  async during<Value>(boot: string, work: () => Promise<Value>): Promise<Value> {
    this.#waiters += 1;
    this.follow(boot);
    try {
      return await work();
    } finally {
      this.#waiters -= 1;
      this.touch();
    }
  }

  /** Resolves with true when the log is applied up to a cursor; with false on a timeout or when following has ended. */
  async whenApplied(cursor: number, patienceMs: number): Promise<boolean> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const follower = this.#follower;
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

  /** Work has begun or ended. */
  touch(): void {
    this.#follower?.touch();
  }

  /** Stops following: the container sleeps, or the session is deleted. */
  stop(): void {
    this.#follower?.stop();
    this.#follower = undefined;
  }

  /** The cursor to read from after a restart: the start of the running turn, whose deltas were only in memory. */
  #rewind(boot: string, stored: number): number {
    const turn = this.#store.runningTurn();
    if (turn?.boot !== boot || turn.start_cursor === null || turn.start_seq === null) return stored;
    this.#log.rewind(turn.start_seq);
    return Math.min(stored, turn.start_cursor);
  }

  /** The cursor up to which frames are not needed again. A restart rereads from the start of the running turn. */
  #acknowledgeable(boot: string): number {
    const stored = this.#store.followed?.cursor ?? 0;
    const turn = this.#store.runningTurn();
    return turn?.boot === boot ? Math.min(stored, turn.start_cursor ?? 0) : stored;
  }

  /** Stores a checkpoint's files. The outcome is recorded when its frame is applied. */
  async #fetch(boot: string, frame: CheckpointFrame, stored: number): Promise<void> {
    // Applied already; this is a replay.
    if (frame.cursor <= stored || !this.#store.exists) return;
    if (this.#store.poisoned.has(frame.turn)) return;
    const container = this.#callbacks.container();
    try {
      const fetched = await fetchCheckpoint(this.#files, container, {
        session: this.#store.id,
        boot,
        frame,
      });
      this.#fetched.set(frame, fetched);
    } catch (error) {
      this.#failedFetches += 1;
      if (this.#failedFetches < MAX_FETCHES) throw error;
      logger.error("checkpoint not fetched", this.#about({ turn: frame.turn, error }));
      const message = "The runner did not give the files that it told of.";
      this.#fetched.set(frame, { error: wireError("workspace_unavailable", message) });
      // Later checkpoints are deltas on top of this one, so a full one must replace it.
      if (!frame.full) this.#ctx.waitUntil(this.#takeFullCheckpoint(container, frame));
    }
    this.#failedFetches = 0;
  }

  async #takeFullCheckpoint(container: ContainerStub, { reason }: CheckpointFrame): Promise<void> {
    const take: TakeCheckpoint = { reason, full: true };
    const path = `/sessions/${this.#store.id}/checkpoints`;
    await callRunner(container, "POST", path, take, FULL_CHECKPOINT_MS).catch((error: unknown) => {
      logger.error("full checkpoint not taken", this.#about({ error }));
    });
  }

  /** @param advance Called with the cursor of the last frame that need not be read again. */
  #applyAll(
    boot: string,
    frames: LogFrame[],
    stored: number,
    advance: (cursor: number) => void,
  ): void {
    if (!this.#store.exists) return;
    this.#current = undefined;
    const fresh = frames.findIndex(({ cursor }) => cursor > stored);
    const replayed = fresh < 0 ? frames : frames.slice(0, fresh);
    for (const frame of replayed) this.#replay(frame);
    if (frames.at(-1)!.cursor >= stored) this.#replayRest();
    if (fresh >= 0) {
      for (const batch of this.#batches(frames.slice(fresh))) {
        this.#apply(boot, batch, advance);
        advance(batch.at(-1)!.cursor);
      }
    }
    for (const wake of this.#progress) wake();
  }

  /** The frames in one batch; up to one that has failed before, each in a batch of its own. */
  #batches(frames: LogFrame[]): LogFrame[][] {
    const failing = this.#failing;
    if (failing === undefined) return [frames];
    const careful = frames.filter(({ cursor }) => cursor <= failing);
    const rest = frames.slice(careful.length);
    return [...careful.map((frame) => [frame]), ...(rest.length > 0 ? [rest] : [])];
  }

  /**
   * A frame could not be applied. Its transaction was rolled back, and what is in memory with it. It is tried again, and
   * then put aside: with its turn, which cannot go on without it.
   */
  #onFailed(follower: Follower, frame: LogFrame, error: unknown): void {
    const { boot } = follower;
    const { poisoned } = this.#store;
    // A full database does not get emptier. Tried once more by itself: it may have come with others.
    const isFull = toWireError(error).code === "storage_full";
    const tries = poisoned.noteFailure(frame.cursor);
    if (tries >= (isFull ? 2 : MAX_TRIES)) this.#putAside(boot, frame, error);
    else logger.warn("frame not applied", this.#ofFrame(boot, frame, { tries, error }));
    const again = scheduler.wait(AGAIN_MS * tries).then(() => {
      if (this.#follower !== follower) return;
      this.follow(boot);
      // No turn may be left that would stop it.
      this.touch();
    });
    this.#ctx.waitUntil(again);
  }

  #putAside(boot: string, frame: LogFrame, thrown: unknown): void {
    // The turn's error names the request too.
    const request_id = this.#store.requestIdOf(frame.turn);
    logger.error("frame put aside", this.#ofFrame(boot, frame, { request_id, error: thrown }));
    const { poisoned } = this.#store;
    const pass = () => {
      poisoned.clearFailure();
      this.#log.moveTo(frame.cursor, frame.at);
      if (frame.cursor <= (this.#store.followed?.cursor ?? 0)) return;
      this.#store.setApplied(this.#log.lastSeq, frame.cursor);
    };
    try {
      this.#store.transaction(() => {
        pass();
        poisoned.add(boot, frame, thrown, Date.now());
        this.#callbacks.abandon(boot, frame, thrown);
      });
    } catch (error) {
      // Its turn goes on without it, until its process tells of the end.
      logger.error(
        "turn of a frame that was put aside not ended",
        this.#ofFrame(boot, frame, { error }),
      );
      this.#store.transaction(pass);
    }
    try {
      if (this.#store.turn(frame.turn)) this.#callbacks.onPutAside(frame.turn);
    } catch (error) {
      // The alarm sees to what follows.
      logger.error("session did not go on after its log", this.#about({ turn: frame.turn, error }));
    }
  }

  #about(fields: LogFields): LogFields {
    return { ...this.#store.subject, ...fields };
  }

  #ofFrame(boot: string, { kind, turn, cursor }: LogFrame, fields: LogFields): LogFields {
    return this.#about({ turn, boot, frame: kind, cursor, ...fields });
  }

  /** Replays an applied frame to rebuild the in-memory part of the log. */
  #replay(frame: LogFrame): void {
    if (!this.#log.isReplaying) return;
    // Only what came since the running turn began: of it, and of what an earlier one left in the background.
    const row = this.#store.turn(frame.turn);
    const isEnded = row !== undefined && isFinal(row.status);
    const from = isEnded ? this.#store.runningTurn() : row;
    if (!from || frame.cursor <= (from.start_cursor ?? Infinity)) return;
    if (frame.kind === "message" && isDelta(frame)) {
      this.#log.replayDelta(frame.turn, frame.at, { message: frame.message });
      if (!isEnded) this.#callbacks.onReplayed(frame);
    } else if (STORED.has(frame.kind)) {
      this.#log.replayNextStored();
    }
  }

  #replayRest(): void {
    if (this.#log.isReplaying) this.#log.replayRest();
  }

  #release(): void {
    if (this.#log.isHeld) this.#log.release();
  }

  /**
   * Applies a batch. A batch of deltas only goes through memory, so no token waits for a commit. A batch with stored
   * frames is applied in one transaction. Its events carry the cursor; that of frames after them which became none
   * (transcripts, mostly) is stored by itself.
   */
  #apply(boot: string, frames: LogFrame[], advance: (cursor: number) => void): void {
    const apply = (frame: LogFrame) => {
      this.#current = frame;
      const checkpoint = frame.kind === "checkpoint" ? this.#fetched.get(frame) : undefined;
      this.#log.moveTo(frame.cursor, frame.at);
      this.#callbacks.apply(boot, frame, checkpoint);
    };
    const isFailing = this.#failing === frames.at(-1)!.cursor;
    const last = frames.findLast((frame) => !isDelta(frame));
    if (!last) {
      for (const frame of frames) {
        apply(frame);
        advance(frame.cursor);
      }
      if (isFailing) this.#store.poisoned.clearFailure();
      return;
    }
    this.#assertRoom(frames);
    this.#store.transaction(() => {
      frames.forEach(apply);
      const isStored = this.#store.followed!.cursor >= last.cursor;
      if (!isStored) this.#store.setApplied(this.#log.lastSeq, frames.at(-1)!.cursor);
      if (isFailing) this.#store.poisoned.clearFailure();
    });
    for (const frame of frames) {
      if (frame.kind !== "checkpoint" || !this.#fetched.get(frame)?.root) continue;
      const released = releaseCheckpoint(this.#callbacks.container(), this.#store.id, frame);
      this.#ctx.waitUntil(released);
    }
    try {
      this.#callbacks.onApplied(frames);
    } catch (error) {
      // The frames are stored. What follows from them the alarm sees to.
      logger.error("session did not go on after its log", this.#about({ error }));
    }
  }

  /** The end of a turn is taken in any case, and what comes of one that has ended. */
  #assertRoom(frames: LogFrame[]): void {
    const added = frames.find((frame) => {
      if (isDelta(frame) || frame.kind === "turn") return false;
      const row = this.#store.turn(frame.turn);
      return row !== undefined && !isFinal(row.status);
    });
    if (!added) return;
    this.#current = added;
    this.#callbacks.assertRoom();
  }

  /** Handles the loss of a runner. Seqs of its deltas are not reused. */
  #onRunnerLost(boot: string, sawEnd: boolean): void {
    this.#replayRest();
    const isRunning = this.#store.runningTurn()?.boot === boot;
    if (isRunning || this.#store.background.isActive) this.#log.skipSeqs();
    this.#release();
    this.#files.runner.drop(boot);
    if (this.#follower?.boot === boot) this.stop();
    if (this.#store.followed?.boot === boot) this.#store.setFollowed(null, 0);
    this.#callbacks.onLost(boot, sawEnd);
  }
}
