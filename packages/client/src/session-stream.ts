import { isEventList, isSession, type EdgeEvent } from "@claude-edge/protocol/wire";

import { ApiError } from "./errors.js";
import { waitAtFeed, type FeedWait } from "./feed-wait.js";
import { parseAnswer } from "./parse-answer.js";
import { EVENT_STREAM, type Transport } from "./transport.js";
import { advance, readEvents, reconnecting, type Position } from "./turn-stream.js";

/** A stream that brings nothing for this long, with no turn that runs, is left for the account's feed, milliseconds. */
const QUIET_MS = 5_000;

/** After the feed could not be had it is tried again, after ever longer, milliseconds. */
const MAX_PAUSE_MS = 5 * 60_000;

/**
 * The events of a session, across turns, without end. While no turn runs it waits at the account's feed, so that the
 * session's object may sleep, and comes back after the last event when something happens. `callbacks`: it runs hooks and
 * MCP servers of the session, and stays.
 * @throws StreamInterruptedError
 */
export async function* sessionEvents(
  transport: Transport,
  path: string,
  position: Position,
  { signal, callbacks = false }: { signal?: AbortSignal | undefined; callbacks?: boolean },
): AsyncGenerator<EdgeEvent> {
  const query = callbacks ? "&callbacks=true" : "";
  const rest = callbacks ? undefined : new Rest(transport, path, position);
  for (;;) {
    const connection = new AbortController();
    const abort = () => {
      connection.abort(signal?.reason);
      rest?.end();
    };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    const connect = () =>
      transport.request(`${path}/events?after=${position.lastSeq}${query}`, {
        accept: EVENT_STREAM,
        signal: connection.signal,
        maxRetries: 0,
      });
    const options = { signal: connection.signal, isBegun: true, decode: readEvents };
    rest?.begin(connection);
    try {
      for await (const batch of reconnecting(transport, connect, position, options)) {
        for (const event of batch) {
          advance(position, event);
          rest?.note(event);
          yield event;
        }
      }
    } catch (error) {
      if (!rest?.wait || signal?.aborted) throw error;
      await rest.wait.happened;
    } finally {
      signal?.removeEventListener("abort", abort);
      rest?.end();
    }
  }
}

/** Of a turn that something is to come of without anybody's doing. */
const OPEN: ReadonlySet<string> = new Set(["queued", "running"]);

/** A wait at the feed that ends sooner, for nothing, was cut off, milliseconds. */
const HEALTHY_MS = 30_000;

/** Decides when a reader of a session leaves its stream for the feed. */
class Rest {
  readonly #transport: Transport;
  readonly #path: string;
  readonly #position: Position;
  #connection = new AbortController();
  /** Ends what is asked of the feed. */
  #looking = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Rises with each event: what was found out before counts no more. */
  #events = 0;
  #isTurnOpen = false;
  #isRefused = false;
  /** Times in a row that the feed could not be had, or was cut off, with no event in between. */
  #failures = 0;
  #restedAt = 0;
  /** Where it waits, once it has left the stream. */
  wait: FeedWait | undefined;

  constructor(transport: Transport, path: string, position: Position) {
    this.#transport = transport;
    this.#path = path;
    this.#position = position;
  }

  /** A connection is made: aborted when the session rests. */
  begin(connection: AbortController): void {
    const { clock } = this.#transport.config;
    if (this.wait && clock.now() - this.#restedAt < HEALTHY_MS) this.#failures += 1;
    this.#connection = connection;
    this.#looking = new AbortController();
    this.wait = undefined;
    this.#setTimer();
  }

  /** The reader is at the end of a connection, and of its wait. */
  end(): void {
    clearTimeout(this.#timer);
    this.#events += 1;
    this.#looking.abort();
    this.wait?.close();
  }

  note(event: EdgeEvent): void {
    this.#events += 1;
    this.#failures = 0;
    if (event.kind === "turn") this.#isTurnOpen = OPEN.has(event.status);
    this.#setTimer();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#isRefused || this.#isTurnOpen) return;
    const ms = Math.min(QUIET_MS * 2 ** this.#failures, MAX_PAUSE_MS);
    this.#timer = setTimeout(() => void this.#look(), ms);
  }

  /** Leaves the stream if nothing is to come from it. */
  async #look(): Promise<void> {
    const events = this.#events;
    const { signal } = this.#looking;
    let wait: FeedWait | undefined;
    try {
      // First: what happens from here on is in the feed, and what happened before is in the answers below.
      wait = await waitAtFeed(this.#transport, this.#position.sessionId!, signal);
      const isAtRest = await this.#isAtRest(signal);
      if (events !== this.#events) return wait.close();
      if (isAtRest) {
        this.wait = wait;
        this.#restedAt = this.#transport.config.clock.now();
        return this.#connection.abort();
      }
      // A turn runs that began before the first event that was read: its end is an event.
      wait.close();
    } catch (error) {
      wait?.close();
      // The stream stays, and tells of what is wrong if it is.
      this.#isRefused ||= error instanceof ApiError && error.code === "forbidden";
      this.#failures += 1;
      if (events === this.#events && !signal.aborted) this.#setTimer();
    }
  }

  /** Whether no turn runs or is about to, and all events are read. */
  async #isAtRest(signal: AbortSignal): Promise<boolean> {
    const get = (path: string) => this.#transport.json(path, { signal, maxRetries: 0 });
    const session = await get(this.#path);
    if (parseAnswer(isSession, session).status === "running") return false;
    const list = await get(`${this.#path}/events?after=${this.#position.lastSeq}`);
    return parseAnswer(isEventList, list).events.length === 0;
  }
}
