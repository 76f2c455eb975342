import { EdgeError, isFinal, type EdgeEvent, type TurnStatus } from "@claude-edge/protocol";

import { eventStream } from "./event-stream.js";
import type { EventTable } from "./event-table.js";
import type { LogEvent, LogHead, LogPart } from "./log-event.js";
import { writePace } from "./pace.js";
import { Tail } from "./tail.js";

/** Seqs skipped after a container is lost, so that seqs of its unstored deltas are not reused. */
const SEQ_JUMP = 1_000_000;

/** Readers of a session at the same time. One takes some 30 kB here, with what the runtime holds for it. */
const MAX_READERS = 500;

/** How long readers of a session that is being deleted are given to take what was emitted, and looked at, milliseconds. */
const DRAIN_MS = 100;
const DRAIN_CHECK_MS = 10;

/** The part of the session's storage that the log depends on. */
export interface LogStore {
  readonly events: EventTable;
  readonly exists: boolean;
  readonly lastSeq: number;
  readonly followed: { boot: string; cursor: number } | undefined;
  skipTo(seq: number): void;
  turn(id: string): { status: TurnStatus; end_seq: number | null } | undefined;
  /** Follows the transactions of the storage. */
  inMemory: InMemory | undefined;
}

/** State in memory that must not get ahead of the storage. Transactions may be nested. */
export interface InMemory {
  /** A transaction begins. The result takes back what is done in it. */
  begin(): () => void;
  /** The transaction is committed. */
  commit(): void;
}

function newEvent(
  seq: number,
  turn: string,
  kind: LogEvent["kind"],
  at: number,
  rest: object,
): LogEvent {
  return { seq, turn, kind, data: JSON.stringify({ seq, turn_id: turn, at, ...rest }) };
}

/** Options of a reader. */
interface ReaderSettings {
  /** Only this turn's events, up to its end. */
  turn?: string | undefined;
  /** The reader runs the session's callbacks. */
  callbacks?: boolean | undefined;
  /** Whether the reader has lost access. */
  isBarred(): boolean;
}

/** A session's log: numbers events, stores all but deltas, and serves readers, who pull at their own pace. */
export class SessionLog implements InMemory {
  readonly #store: LogStore;
  readonly #tail = new Tail();
  readonly #wakes = new Set<() => void>();
  /** The newest seq. */
  #seq: number;
  /** The frame of the runner's log up to which everything is in here. Events carry it. */
  #cursor: number;
  /** When that frame was appended to the runner's log, if it says so. */
  #frameAt: number | undefined;
  /** Transactions that are open. */
  #depth = 0;
  /** Events of open transactions: readers get them when they are stored. */
  #uncommitted: LogEvent[] = [];
  /** The stored part of the running turn is being replayed after a restart. */
  #isReplaying = false;
  /** The replay is not complete: the unstored part may still follow. Readers and own events wait. */
  #isHeld = false;
  #readers = 0;
  /** The session is being deleted, and readers take what was emitted before. */
  #isDraining = false;
  /** When readers were last woken for an event, and when they will be next. */
  #wokenAt = 0;
  #wakeTimer: ReturnType<typeof setTimeout> | null = null;
  #callers = 0;
  #callersGoneAt = Date.now();
  /** Called when an event is stored, in its transaction. */
  onStored: () => void = () => {};
  /** Called when the last reader that runs the session's callbacks has left. */
  onCallersGone: () => void = () => {};

  constructor(store: LogStore) {
    this.#store = store;
    this.#seq = store.lastSeq;
    this.#cursor = (store.exists && store.followed?.cursor) || 0;
    store.inMemory = this;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  /** Since when no reader runs the session's callbacks; undefined while one does. */
  get callersGoneAt(): number | undefined {
    return this.#callers > 0 ? undefined : this.#callersGoneAt;
  }

  // Writing.

  /**
   * The events that follow come from this frame of the runner's log, or after it. An own event takes the seq after the
   * deltas that were emitted, so with it their frames count as applied.
   */
  moveTo(cursor: number, at?: number): void {
    this.#cursor = cursor;
    this.#frameAt = at;
  }

  /** Adds an event from a runner's log. Call it in the transaction of its batch. */
  emit(turn: string, kind: LogEvent["kind"], rest: object): number {
    return this.#write(turn, kind, rest, { own: false, at: this.#frameAt });
  }

  /** Adds an event that is derived from a frame of a runner's log, in the same batch. */
  emitDerived(turn: string, kind: LogEvent["kind"], rest: object): number {
    return this.#write(turn, kind, rest, { own: true, at: this.#frameAt });
  }

  /**
   * Adds an event that originates in the session, not in a runner's log. Call it in a transaction and after
   * {@link whenReplayed}: otherwise it would take the seq of a delta.
   */
  emitOwn(turn: string, kind: LogEvent["kind"], rest: object): number {
    if (this.#isHeld) throw new Error("the session's log is being replayed");
    return this.#write(turn, kind, rest, { own: true });
  }

  #write(
    turn: string,
    kind: LogEvent["kind"],
    rest: object,
    { own, at }: { own: boolean; at?: number | undefined },
  ): number {
    if (this.#isReplaying) throw new Error("the session's log is being replayed");
    const seq = this.#seq + 1;
    const now = Date.now();
    const event = newEvent(seq, turn, kind, at ?? now, rest);
    if (kind !== "delta") {
      this.#store.events.insert(event, { own, cursor: this.#cursor, now });
      this.onStored();
    }
    this.#seq = seq;
    if (this.#depth > 0) this.#uncommitted.push(event);
    else this.#append([event]);
    return seq;
  }

  begin(): () => void {
    const [seq, cursor] = [this.#seq, this.#cursor];
    const { length } = this.#uncommitted;
    this.#depth += 1;
    return () => {
      this.#depth -= 1;
      [this.#seq, this.#cursor] = [seq, cursor];
      this.#uncommitted.length = length;
    };
  }

  commit(): void {
    this.#depth -= 1;
    if (this.#depth > 0 || this.#uncommitted.length === 0) return;
    const events = this.#uncommitted;
    this.#uncommitted = [];
    this.#append(events);
  }

  /** Skips the seqs that a lost container's deltas may have used. */
  skipSeqs(): void {
    this.#seq += SEQ_JUMP;
    this.#store.skipTo(this.#seq);
  }

  // Replay. After a restart, the deltas of a running turn exist in the runner's log only. They are read again from the
  // turn's start and get the same seqs: stored events keep theirs, own events are skipped, and deltas fill the gaps.
  // Frames after the last stored event had been emitted too and are numbered as usual. Readers and own events continue
  // after that.

  /** Goes back to the start of a running turn. Readers wait until {@link release}. */
  rewind(seq: number): void {
    this.#tail.clear();
    this.#seq = seq;
    this.#isReplaying = true;
    this.#isHeld = true;
  }

  get isReplaying(): boolean {
    return this.#isReplaying;
  }

  /** Readers and own events wait until the log has been replayed. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Replays a delta with its original seq. */
  replayDelta(turn: string, at: number | undefined, rest: object): void {
    while (this.#store.events.isOwn(this.#seq + 1)) this.#replayStored(this.#seq + 1);
    const seq = ++this.#seq;
    this.#append([newEvent(seq, turn, "delta", at ?? Date.now(), rest)]);
  }

  /** Replays the next stored event from the runner's log, and the own events before it. */
  replayNextStored(): void {
    const next = this.#store.events.nextFromLog(this.#seq);
    if (next !== undefined) this.#replayStored(next);
  }

  /** Replays the remaining stored events. */
  replayRest(): void {
    this.#replayStored(this.#store.lastSeq);
    this.#isReplaying = false;
  }

  /** Everything that had been emitted is in memory again: readers continue. */
  release(): void {
    this.#isHeld = false;
    this.wake();
  }

  /** Resolves when the log is not being replayed. */
  async whenReplayed(): Promise<void> {
    while (this.#isHeld) await this.#nextWake();
  }

  #replayStored(upTo: number): void {
    while (this.#seq < upTo) {
      const events = this.#store.events.range(this.#seq, upTo);
      this.#append(events);
      this.#seq = events.at(-1)?.seq ?? upTo;
    }
  }

  // Reading.

  /** Lists a page of events. */
  async list(after: number): Promise<EdgeEvent[]> {
    await this.whenReplayed();
    return this.#read(after).map((event) => {
      const { kind, data } = event.more ? this.#whole(event) : event;
      return { ...(JSON.parse(data) as object), kind } as EdgeEvent;
    });
  }

  /** Streams events as an SSE body; with `turn`, only those of that turn up to its end. @throws EdgeError `session_busy`. */
  stream(
    after: number,
    { turn, callbacks = false, isBarred }: ReaderSettings,
  ): ReadableStream<Uint8Array> {
    if (this.#readers >= MAX_READERS) {
      throw new EdgeError(
        "session_busy",
        `${MAX_READERS} readers have this session's events open.`,
      );
    }
    this.#readers += 1;
    if (callbacks) this.#callers += 1;
    const isClosed = () => isBarred() || !(this.#store.exists || this.#isDraining);
    const endOfTurn = () =>
      (turn === undefined ? null : this.#store.turn(turn)?.end_seq) ?? Infinity;
    let last = isClosed() ? 0 : endOfTurn();
    return eventStream(
      {
        read: (position) => {
          if (isClosed()) return { events: [], position };
          const found = this.#read(position);
          const moved = found.at(-1)?.seq ?? position;
          if (turn === undefined) return { events: found, position: moved };
          const ofTurn = found.filter((event) => event.turn === turn);
          // Looked up only when it may have changed: most events are pieces of messages.
          if (ofTurn.some(({ kind }) => kind === "turn")) last = endOfTurn();
          return { events: ofTurn.filter(({ seq }) => seq <= last), position: moved };
        },
        part: (seq, part) => (isClosed() ? undefined : this.#part(seq, part)),
        onAppend: (wake) => this.#onAppend(wake),
        isOver: (position) =>
          isClosed() ||
          position >= (last = endOfTurn()) ||
          (this.#isDraining && position >= this.#seq),
        onEnd: () => {
          this.#readers -= 1;
          if (!callbacks) return;
          this.#callers -= 1;
          this.#callersGoneAt = Date.now();
          if (this.#callers === 0) this.onCallersGone();
        },
      },
      after,
    );
  }

  /** Resolves when a turn has ended, waits for an answer, or no longer exists. */
  async whenSettled(turn: string): Promise<void> {
    for (;;) {
      const status = (this.#store.exists && this.#store.turn(turn)?.status) || "failed";
      if (isFinal(status) || status === "waiting") return;
      await this.#nextWake();
    }
  }

  /**
   * The session is being deleted: readers that keep up get what was emitted, the end of their turns with it. Resolves when
   * none is left, or not in time.
   */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.wake();
    for (let waitedMs = 0; this.#readers > 0 && waitedMs < DRAIN_MS; waitedMs += DRAIN_CHECK_MS) {
      await scheduler.wait(DRAIN_CHECK_MS);
    }
    this.#isDraining = false;
    this.wake();
  }

  /** Wakes all readers, for changes other than new events. */
  wake(): void {
    clearTimeout(this.#wakeTimer);
    this.#wakeTimer = null;
    for (const wake of this.#wakes) wake();
  }

  /** Frees the in-memory events of an idle session without readers. */
  sweep(): void {
    if (this.#wakes.size === 0 && this.#tail.isStale(Date.now())) this.#tail.clear();
  }

  /** A bounded batch of events after a seq, from storage first, then from memory. */
  #read(after: number): LogHead[] {
    if (this.#isHeld) return [];
    const { start } = this.#tail;
    const stored = after + 1 < start ? this.#store.events.heads(after, start - 1) : [];
    return stored.length > 0 ? stored : this.#tail.since(after);
  }

  /** Parts are cut alike in memory and in storage, and an event may leave memory in between. */
  #part(seq: number, part: number): LogPart | undefined {
    return this.#tail.part(seq, part) ?? this.#store.events.part(seq, part);
  }

  #whole(head: LogHead): LogEvent {
    const { seq } = head;
    return this.#tail.whole(seq) ?? this.#store.events.range(seq - 1, seq)[0] ?? head;
  }

  #append(events: LogEvent[]): void {
    const now = Date.now();
    this.#tail.append(events, now);
    const isUrgent = events.some(({ kind }) => kind !== "delta");
    const delay = isUrgent ? 0 : writePace.delay(this.#wakes.size, now);
    if (this.#wokenAt + delay <= now) {
      this.#wokenAt = now;
      return this.wake();
    }
    this.#wakeTimer ??= setTimeout(
      () => {
        this.#wokenAt = Date.now();
        this.wake();
      },
      this.#wokenAt + delay - now,
    );
  }

  #onAppend(wake: () => void): () => void {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  }

  #nextWake(): Promise<void> {
    return new Promise((resolve) => {
      const unsubscribe = this.#onAppend(() => {
        unsubscribe();
        resolve();
      });
    });
  }
}
