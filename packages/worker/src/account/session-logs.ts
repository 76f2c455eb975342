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

/** The logs of an account's sessions: numbers events, stores those that last, and hands them to readers. */
export class SessionLogs {
  readonly #store: Store;
  readonly #live = new Map<string, LiveSession>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The newest seq of a session's log. */
  lastSeq(session: string): number {
    return this.#session(session).seq;
  }

  /** Writes an event; all but deltas into storage too, so call it in a transaction. Gives its seq. */
  emit(sessionId: string, turn: string, kind: LogEvent["kind"], rest: object): number {
    const session = this.#session(sessionId);
    const seq = ++session.seq;
    const event: LogEvent = {
      seq,
      turn,
      kind,
      data: JSON.stringify({ seq, turn_id: turn, ...rest }),
    };
    const now = Date.now();
    if (kind !== "delta") {
      this.#store.insertEvent(sessionId, event);
      this.#store.setSeq(sessionId, seq, now);
    }
    session.append([event], now);
    return seq;
  }

  emitTurn(
    session: string,
    turn: string,
    rest: TurnEnd | { status: "queued" | "running" },
  ): number {
    return this.emit(session, turn, "turn", { session_id: session, ...rest });
  }

  /** Leaves out the numbers that a lost container's deltas may have been given. */
  jump(session: string): void {
    this.#session(session).seq += SEQ_JUMP;
  }

  /** Events behind a seq, stored ones before those in memory, a bounded piece of them. */
  read(sessionId: string, after: number): LogEvent[] {
    const session = this.#session(sessionId);
    const stored =
      after + 1 < session.start ? this.#store.events(sessionId, after, session.start - 1) : [];
    return stored.length > 0 ? stored : session.since(after);
  }

  /** The same, as callers see them. */
  list(sessionId: string, after: number): EdgeEvent[] {
    return this.read(sessionId, after).map(
      ({ kind, data }) => ({ ...(JSON.parse(data) as object), kind }) as EdgeEvent,
    );
  }

  /** A session's events as an SSE body; with a turn, that turn's alone, up to its end. */
  stream(sessionId: string, after: number, turn?: string): ReadableStream<Uint8Array> {
    const session = this.#session(sessionId);
    const end = () => (turn === undefined ? null : this.#store.turn(turn)!.end_seq) ?? Infinity;
    const isWanted = (event: LogEvent) =>
      turn === undefined || (event.turn === turn && event.seq <= end());
    return eventStream(
      {
        read: (position) => {
          const events = this.read(sessionId, position);
          return { events: events.filter(isWanted), position: events.at(-1)?.seq ?? position };
        },
        onAppend: (wake) => session.onAppend(wake),
        isOver: (position) => position >= end(),
      },
      after,
    );
  }

  /** Resolves when a turn has ended. */
  async untilEnded(sessionId: string, turn: string): Promise<void> {
    while (!isFinal(this.#store.turn(turn)!.status)) {
      await new Promise<void>((resolve) => {
        const unsubscribe = this.#session(sessionId).onAppend(() => {
          unsubscribe();
          resolve();
        });
      });
    }
  }

  /** Frees the memory of sessions that nobody reads and that have nothing running. */
  sweep(): void {
    const open = new Set(this.#store.openTurns().map((turn) => turn.session_id));
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
