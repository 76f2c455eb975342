import { isFinal, toWireError, wireError } from "@claude-edge/protocol";
import {
  isDelta,
  usageOf,
  type CheckpointFrame,
  type LogFrame,
  type MessageFrame,
  type TurnFrame,
} from "@claude-edge/protocol/runner";

import type { Files } from "../files/files.js";
import type { FetchedCheckpoint } from "../files/from-runner.js";
import type { SessionLog } from "../log/session-log.js";
import type { BackgroundTasks } from "./background.js";
import type { Requests } from "./requests.js";
import type { Steering } from "./steering.js";
import type { Store } from "./store.js";
import { REWOUND } from "./transcripts.js";
import type { TurnEnd } from "./turn-end.js";

/** What frames change beside the session's row and its events. */
interface AppliedTo {
  requests: Requests;
  steering: Steering;
  files: Files;
  background: BackgroundTasks;
}

/** Applies frames of the runner's log to the session. Call it in the transaction of their batch. */
export class FrameApplier {
  readonly #store: Store;
  readonly #log: SessionLog;
  readonly #requests: Requests;
  readonly #steering: Steering;
  readonly #files: Files;
  readonly #background: BackgroundTasks;

  constructor(store: Store, log: SessionLog, { requests, steering, files, background }: AppliedTo) {
    this.#background = background;
    this.#store = store;
    this.#log = log;
    this.#requests = requests;
    this.#steering = steering;
    this.#files = files;
  }

  apply(boot: string, frame: LogFrame, checkpoint: FetchedCheckpoint | undefined): void {
    const { turn } = frame;
    if (this.#store.poisoned.has(turn)) return this.#pass(frame);
    if (frame.kind === "transcript") {
      // A process that has yet to be restarted after a rewind may still append.
      if (this.#store.transcriptBoot === REWOUND) return;
      this.#store.transcripts.append(frame.subpath ?? "", frame.entries);
    } else if (frame.kind === "message") {
      const { message } = frame;
      if (message.type === "result") {
        // A container must not add to a turn of another session.
        const counted = this.#store.turn(turn) ? turn : "";
        this.#store.modelCalls.applyResult(counted, usageOf(message), Date.now());
      }
      this.noteToken(frame);
      this.#log.emit(turn, isDelta(frame) ? "delta" : "message", { message });
      this.#background.note(message);
      if (frame.mode_change) this.#store.options.changeMode(frame.mode_change);
    } else if (frame.kind === "checkpoint") {
      this.#applyCheckpoint(boot, frame, checkpoint);
    } else if (frame.kind === "repository") {
      const { url, path, status, commit } = frame.repository;
      const known = commit === undefined ? {} : { commit };
      this.#log.emit(turn, "repository", { url, path, status, ...known });
    } else if (frame.kind === "request") {
      this.#requests.add(frame);
    } else if (frame.kind === "request.cancelled") {
      this.#requests.cancel(frame);
    } else {
      this.#applyTurn(boot, frame);
    }
  }

  /** Notes when the first piece of a turn's answer came. */
  noteToken({ turn, message: { type, event }, at = Date.now() }: MessageFrame): void {
    const isPiece = (event as { type?: unknown } | undefined)?.type === "content_block_delta";
    if (turn !== "" && (isPiece || type === "assistant")) this.#store.timings.noteToken(turn, at);
  }

  /**
   * Fails the turn of a frame that cannot be applied. What the process knows is not what is stored any more: before the
   * next turn it is ended, and a new one gets the transcript and the files that are stored.
   */
  abandon(boot: string, { turn }: LogFrame, thrown: unknown): void {
    const { stored } = this.#files;
    stored.runner.drop(boot);
    stored.awaited = [];
    this.#store.setTranscriptBoot(REWOUND);
    this.#store.modelCalls.settleWithoutResult();
    if (!this.#store.isOpen(turn)) return;
    const known = toWireError(thrown);
    const request = this.#store.requestIdOf(turn);
    const details = request === undefined ? undefined : { request_id: request };
    const message = "What the turn's container reported could not be stored.";
    const code = known.code === "storage_full" ? known.code : "internal";
    this.#endTurn(turn, { status: "failed", error: wireError(code, message, details) });
  }

  /** A frame of a turn that was abandoned: what comes after a frame that is missing means nothing. */
  #pass(frame: LogFrame): void {
    // Tasks go on although their turn was abandoned: their end must be known.
    if (frame.kind === "message") this.#background.note(frame.message);
    const isEnd = frame.kind === "turn" && isFinal(frame.status);
    if (isEnd) this.#store.modelCalls.settleWithoutResult();
  }

  #applyCheckpoint(
    boot: string,
    { turn, reason, skipped }: CheckpointFrame,
    { root, runnerRoot, error }: FetchedCheckpoint = {},
  ): void {
    const { stored } = this.#files;
    if (runnerRoot !== undefined) stored.runner.advance(boot, runnerRoot, root);
    stored.awaited = [];
    if (root === undefined) {
      this.#log.emit(turn, "checkpoint", { error });
      return;
    }
    const seq = this.#log.lastSeq + 1;
    const before = stored.checkpoints.stateAt().root;
    const checkpoint = this.#files.record(seq, { turn, reason, root, skipped }, before);
    this.#log.emit(turn, "checkpoint", { checkpoint });
  }

  #applyTurn(boot: string, frame: TurnFrame): void {
    const { turn, status, steered_turn: by, result, error, usage, cursor } = frame;
    const row = this.#store.turn(turn);
    if (!row || isFinal(row.status)) return;
    if (by !== undefined) return this.#steering.onTakenIn(frame, by);
    const session_id = this.#store.id;
    if (status === "running") {
      const at = { cursor: cursor - 1, seq: this.#log.lastSeq };
      this.#store.setStart(turn, boot, at, frame.repeatable_tools);
      this.#log.emit(turn, "turn", { session_id, status });
      return;
    }
    // Without usage there was no result, so the process is gone.
    if (!usage) this.#store.modelCalls.settleWithoutResult();
    if (frame.process) {
      const { kind, start, end } = frame.process;
      const attributes = { kind };
      this.#store.timings.add(turn, { kind: "process", name: "process", start, end, attributes });
    }
    if (status === "waiting" && !row.interrupted) {
      this.#requests.cancelOf(turn, { derived: true, waits: true });
      this.#store.markWaiting(turn);
      // The turn resumes from the transcript stored here, which has entries that the runner lacks.
      this.#store.setTranscriptBoot(null);
      this.#log.emit(turn, "turn", { session_id, status });
      return;
    }
    if (status === "waiting") {
      const reason = wireError("interrupted", "The turn was interrupted.");
      return this.#endTurn(turn, { status: "interrupted", error: reason });
    }
    this.#endTurn(turn, {
      status,
      ...(result ? { result } : {}),
      ...(error ? { error } : {}),
      ...(usage ? { usage } : {}),
    });
  }

  #endTurn(turn: string, end: TurnEnd): void {
    this.#requests.cancelOf(turn, { derived: true });
    const session_id = this.#store.id;
    const seq = this.#log.emit(turn, "turn", { session_id, ...end });
    this.#store.endTurn(turn, end, seq, Date.now());
    this.#steering.endWith(turn, end, "emitDerived");
    this.#store.publish();
  }
}
