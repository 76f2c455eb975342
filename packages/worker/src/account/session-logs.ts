import { isFinal, type EdgeEvent, type TurnResource, type WireError } from "@claude-edge/protocol";

import { eventStream } from "./event-stream.js";
import { LiveSession } from "./live-session.js";
import type { LogEvent } from "./log-event.js";
import type { Store } from "./store.js";

/** A lost container's session goes on this far ahead: deltas it had numbered but not stored are not numbered again. */
const SEQ_JUMP = 1_000_000;

/** How a turn ended. */
export type TurnEnd = {
  status: "completed" | "failed" | "interrupted";
  error?: WireError;
} & Pick<TurnResource, "result" | "usage">;

/** Who reads a session's events, and which. */
interface ReaderSettings {
  /** That turn's alone, up to its end. */
  turn?: string | undefined;
  /** The reader runs the session's callbacks. */
  callbacks?: boolean | undefined;
  /** The reader may read no more. */
  isBarred(): boolean;
}

/** The logs of an account's sessions: numbers events, stores those that last, and hands them to readers. */
export class SessionLogs {
  readonly #store: Store;
  readonly #live = new Map<string, LiveSession>();
  #beforeOwn: (session: string) => void = () => {};
  #onCallersGone: (session: string) => void = () => {};

  constructor(store: Store) {
    this.#store = store;
  }

  /** The newest seq of a session's log. */
  lastSeq(session: string): number {
    return this.#session(session).seq;
  }

  /** Writes an event from a runner's log; all but deltas into storage too, so call it in a transaction. */
  emit(session: string, turn: string, kind: LogEvent["kind"], rest: object): number {
    return this.#write(session, turn, kind, rest, false);
  }

  /** Writes an event that follows from one of a runner's log and is in the same transaction with it. */
  emitBeside(session: string, turn: string, kind: LogEvent["kind"], rest: object): number {
    return this.#write(session, turn, kind, rest, true);
  }

  /**
   * Writes the account's own word, which is in no runner's log. Call it in a transaction, and not before
   * {@link untilWhole}: it would take a number that a delta had.
   */
  emitOwn(id: string, turn: string, kind: LogEvent["kind"], rest: object): number {
    if (this.#session(id).held) throw new Error(`session ${id} is not whole yet`);
    this.#beforeOwn(id);
    return this.#write(id, turn, kind, rest, true);
  }

  /** Calls back when the last reader that runs a session's callbacks has left. */
  onCallersGone(gone: (session: string) => void): void {
    this.#onCallersGone = gone;
  }

  /** Since when nobody runs a session's callbacks; undefined while somebody does. */
  callersGoneAt(id: string): number | undefined {
    const { callers, callersGoneAt } = this.#session(id);
    return callers > 0 ? undefined : callersGoneAt;
  }

  /** Calls back in the transaction of each own event, before it. */
  onOwn(beforeOwn: (session: string) => void): void {
    this.#beforeOwn = beforeOwn;
  }

  #write(id: string, turn: string, kind: LogEvent["kind"], rest: object, own: boolean): number {
    const session = this.#session(id);
    if (session.rewound) throw new Error(`session ${id} is being read again`);
    const seq = session.seq + 1;
    const data = JSON.stringify({ seq, turn_id: turn, ...rest });
    const event: LogEvent = { seq, turn, kind, data };
    const now = Date.now();
    if (kind !== "delta") {
      this.#store.events.insert(id, event, own);
      this.#store.setSeq(id, seq, now);
    }
    session.seq = seq;
    session.append([event], now);
    return seq;
  }

  /** Leaves out the numbers that a lost container's deltas may have been given. */
  jump(id: string): void {
    const session = this.#session(id);
    session.seq += SEQ_JUMP;
    this.#store.setSeq(id, session.seq, Date.now());
  }

  // Reading again. After a restart the deltas of a running turn are in the runner's log only. They are read from there
  // once more, from the turn's beginning, and get the numbers they had: what was stored keeps its own, what is the
  // account's own word is stepped over, and between them they are dense. What the log holds behind what is stored had
  // been handed out too: it is numbered as ever, and only then do readers and own events go on.

  /** Goes back to where a running turn began. Readers wait until {@link release}. */
  rewind(id: string, seq: number): void {
    const session = this.#session(id);
    session.reset(seq);
    session.rewound = true;
    session.held = true;
  }

  /** Whether a session is being read again. */
  isRewound(id: string): boolean {
    return this.#live.get(id)?.rewound ?? false;
  }

  /** Whether its readers and own events wait until it has been read again. */
  isHeld(id: string): boolean {
    return this.#live.get(id)?.held ?? false;
  }

  /** A delta, as it was. */
  replayDelta(id: string, turn: string, rest: object): void {
    const session = this.#session(id);
    while (this.#store.events.isOwn(id, session.seq + 1)) {
      this.#replayStored(id, session, session.seq + 1);
    }
    const seq = ++session.seq;
    const data = JSON.stringify({ seq, turn_id: turn, ...rest });
    session.append([{ seq, turn, kind: "delta", data }], Date.now());
  }

  /** The next stored event of the runner's log, and what is stored before it. */
  replayNextStored(id: string): void {
    const session = this.#session(id);
    const next = this.#store.events.nextFromLog(id, session.seq);
    if (next !== undefined) this.#replayStored(id, session, next);
  }

  /** What is left of storage. */
  catchUp(id: string): void {
    const session = this.#session(id);
    this.#replayStored(id, session, this.#store.session(id)?.last_seq ?? 0);
    session.rewound = false;
  }

  /** All that had been handed out is there again: readers go on. */
  release(id: string): void {
    const session = this.#session(id);
    session.held = false;
    session.wake();
  }

  /** Resolves when a session is not being read again. */
  async untilWhole(id: string): Promise<void> {
    while (this.#live.get(id)?.held) await this.#nextWake(id);
  }

  #replayStored(id: string, session: LiveSession, upTo: number): void {
    while (session.seq < upTo) {
      const events = this.#store.events.range(id, session.seq, upTo);
      session.append(events, Date.now());
      session.seq = events.at(-1)?.seq ?? upTo;
    }
  }

  // Readers.

  /** Events behind a seq, stored ones before those in memory, a bounded piece of them. */
  #read(session: LiveSession, sessionId: string, after: number): LogEvent[] {
    if (session.held) return [];
    const stored =
      after + 1 < session.start
        ? this.#store.events.range(sessionId, after, session.start - 1)
        : [];
    return stored.length > 0 ? stored : session.since(after);
  }

  /** The same, as callers see them. */
  async list(sessionId: string, after: number): Promise<EdgeEvent[]> {
    await this.untilWhole(sessionId);
    return this.#read(this.#session(sessionId), sessionId, after).map(
      ({ kind, data }) => ({ ...(JSON.parse(data) as object), kind }) as EdgeEvent,
    );
  }

  /** A session's events as an SSE body; with a turn, that turn's alone, up to its end. */
  stream(
    sessionId: string,
    after: number,
    { turn, callbacks = false, isBarred }: ReaderSettings,
  ): ReadableStream<Uint8Array> {
    const session = this.#session(sessionId);
    if (callbacks) session.callers += 1;
    const end = () => {
      // A deleted session has no more to come.
      if (isBarred() || !this.#store.hasSession(sessionId)) return -1;
      return (turn === undefined ? null : this.#store.turn(turn)?.end_seq) ?? Infinity;
    };
    return eventStream(
      {
        read: (position) => {
          if (isBarred()) return { events: [], position };
          const found = this.#read(session, sessionId, position);
          const last = end();
          const events =
            turn === undefined
              ? found
              : found.filter((event) => event.turn === turn && event.seq <= last);
          return { events, position: found.at(-1)?.seq ?? position };
        },
        onAppend: (wake) => session.onAppend(wake),
        isOver: (position) => position >= end(),
        onEnd: () => {
          if (!callbacks) return;
          session.callers -= 1;
          session.callersGoneAt = Date.now();
          if (session.callers === 0) this.#onCallersGone(sessionId);
        },
      },
      after,
    );
  }

  /** Resolves when a turn has ended, waits for an answer, or is no more. */
  async untilSettled(sessionId: string, turn: string): Promise<void> {
    for (;;) {
      const status = this.#store.turn(turn)?.status ?? "failed";
      if (isFinal(status) || status === "waiting") return;
      await this.#nextWake(sessionId);
    }
  }

  #nextWake(sessionId: string): Promise<void> {
    return new Promise((resolve) => {
      const unsubscribe = this.#session(sessionId).onAppend(() => {
        unsubscribe();
        resolve();
      });
    });
  }

  /** Something has changed that readers go by, beside events. */
  wakeReaders(): void {
    for (const session of this.#live.values()) session.wake();
  }

  /** A session is deleted: its readers end. */
  drop(id: string): void {
    const session = this.#live.get(id);
    this.#live.delete(id);
    session?.wake();
  }

  /** Frees the memory of sessions that nobody reads and that have nothing running. */
  sweep(): void {
    const open = new Set<string>();
    for (const { status, session_id } of this.#store.openTurns()) {
      if (status !== "waiting") open.add(session_id);
    }
    const now = Date.now();
    for (const [id, session] of this.#live) {
      if (!open.has(id) && session.isStale(now)) this.#live.delete(id);
    }
  }

  #session(id: string): LiveSession {
    let session = this.#live.get(id);
    if (!session) {
      session = new LiveSession(this.#store.session(id)?.last_seq ?? 0);
      this.#live.set(id, session);
    }
    return session;
  }
}
