import { isFinal } from "@claude-edge/protocol";
import type { LogFrame, TurnFrame } from "@claude-edge/protocol/runner";

import { Follower } from "./follower.js";
import type { ContainerStub } from "./runner-client.js";
import type { SessionLogs, TurnEnd } from "./session-logs.js";
import type { Store, TurnRow } from "./store.js";

export interface ContainerLogsCallbacks {
  container(name: string): ContainerStub;
  /** Turns of a container have ended. */
  onEnded(container: string): void;
  /** A runner is gone, and these turns with it. */
  onLost(turns: TurnRow[]): void;
}

/** Follows the logs of an account's containers, and applies them: once each frame, in one transaction a batch. */
export class ContainerLogs {
  readonly #ctx: DurableObjectState;
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #callbacks: ContainerLogsCallbacks;
  readonly #followers = new Map<string, Follower>();

  constructor(
    ctx: DurableObjectState,
    store: Store,
    logs: SessionLogs,
    callbacks: ContainerLogsCallbacks,
  ) {
    this.#ctx = ctx;
    this.#store = store;
    this.#logs = logs;
    this.#callbacks = callbacks;
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
      apply: (frames) => this.#applyOrAbort(name, boot, frames, stored),
      stored: () => this.#needed(name, boot),
      lost: () => {
        // One that hangs still runs: it is ended before another is started.
        this.#ctx.waitUntil(this.#callbacks.container(name).sleep());
        this.#lose(name, boot);
      },
      busy: () => this.#store.openTurnsOf(name).length > 0,
    });
    this.#followers.set(name, follower);
    this.#ctx.waitUntil(follower.run());
    if (from >= stored) this.#catchUp(name);
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

  /** Where to read from with nothing in memory: the beginning of the oldest turn that runs. */
  #rewind(name: string, boot: string, stored: number): number {
    let from = stored;
    for (const turn of this.#store.openTurnsOf(name)) {
      if (turn.boot !== boot || turn.start_cursor === null || turn.start_seq === null) continue;
      from = Math.min(from, turn.start_cursor);
      this.#logs.rewind(turn.session_id, turn.start_seq);
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

  #applyOrAbort(name: string, boot: string, frames: LogFrame[], stored: number): void {
    try {
      const fresh = frames.findIndex(({ cursor }) => cursor > stored);
      const again = fresh < 0 ? frames : frames.slice(0, fresh);
      for (const frame of again) this.#replay(frame);
      if (frames.at(-1)!.cursor >= stored) this.#catchUp(name);
      if (fresh >= 0) this.#apply(name, boot, frames.slice(fresh));
    } catch (error) {
      // Memory is ahead of storage now: start over from storage, which is whole.
      this.#ctx.abort(`could not apply the log of ${name}: ${String(error)}`);
    }
  }

  /** A frame that is applied already: puts back into memory what is only there. */
  #replay(frame: LogFrame): void {
    const { session } = frame;
    if (!this.#logs.isRewound(session)) return;
    if (frame.cursor <= (this.#store.turn(frame.turn)?.start_cursor ?? Infinity)) return;
    if (frame.kind === "message" && isDelta(frame)) {
      this.#logs.replayDelta(session, frame.turn, { message: frame.message });
    } else if (frame.kind === "message" || frame.kind === "turn") {
      this.#logs.replayNextStored(session);
    }
  }

  #catchUp(name: string): void {
    for (const { session_id } of this.#store.openTurnsOf(name)) {
      if (this.#logs.isRewound(session_id)) this.#logs.catchUp(session_id);
    }
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
    let ended = false;
    this.#store.transaction(() => {
      for (const frame of frames) ended = this.#applyFrame(name, boot, frame) || ended;
      this.#store.containers.setCursor(name, boot, frames.at(-1)!.cursor, Date.now());
    });
    if (ended) this.#callbacks.onEnded(name);
  }

  /** True when the frame ended its turn. */
  #applyFrame(name: string, boot: string, frame: LogFrame): boolean {
    const { session, turn } = frame;
    if (frame.kind === "spare") {
      this.#store.containers.addSpare(session, name, boot);
    } else if (!this.#store.hasSession(session)) {
      // It was deleted while its last words were on their way.
    } else if (frame.kind === "transcript") {
      this.#store.transcripts.append(session, frame.subpath ?? "", frame.entries);
    } else if (frame.kind === "message") {
      const kind = isDelta(frame) ? "delta" : "message";
      this.#logs.emit(session, turn, kind, { message: frame.message });
    } else {
      return this.#applyTurn(frame);
    }
    return false;
  }

  #applyTurn({ session, turn, status, result, error, usage }: TurnFrame): boolean {
    const row = this.#store.turn(turn);
    if (!row || isFinal(row.status)) return false;
    if (status === "running") {
      this.#logs.emit(session, turn, "turn", { session_id: session, status });
      return false;
    }
    const end: TurnEnd = {
      status,
      ...(result ? { result } : {}),
      ...(error ? { error } : {}),
      ...(usage ? { usage } : {}),
    };
    const seq = this.#logs.emit(session, turn, "turn", { session_id: session, ...end });
    this.#store.endTurn(turn, status, seq, Date.now());
    return true;
  }

  /** A runner is gone: what only it had is lost, and its numbers are not given again. */
  #lose(name: string, boot: string): void {
    const lost = this.#store.openTurnsOf(name).filter((turn) => turn.boot === boot);
    for (const { session_id } of lost) {
      if (this.#logs.isRewound(session_id)) this.#logs.catchUp(session_id);
      this.#logs.jump(session_id);
    }
    this.stop(name);
    if (this.#store.containers.get(name)?.boot === boot) this.#store.containers.delete(name);
    else this.#store.containers.dropSpares(name);
    this.#callbacks.onLost(lost);
  }
}

function isDelta(frame: LogFrame): boolean {
  return frame.kind === "message" && frame.message.type === "stream_event";
}
