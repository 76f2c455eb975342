import {
  InvalidEventError,
  isErrorAnswer,
  isEventList,
  isFeedEntry,
  parseEvent,
  toEvent,
  type EdgeEvent,
  type FeedEntry,
} from "@claude-edge/protocol/wire";

import { backoffMs } from "./backoff.js";
import {
  abortError,
  ApiError,
  ClaudeEdgeError,
  ConnectionError,
  ProtocolError,
  StreamInterruptedError,
  TimeoutError,
} from "./errors.js";
import type { Callbacks } from "./callbacks/callbacks.js";
import { deadline } from "./deadline.js";
import { parseAnswer } from "./parse-answer.js";
import { readFrames } from "./sse.js";
import { EVENT_STREAM, type Answer, type Transport } from "./transport.js";

/** A pause that the other side asks for is no longer than this, milliseconds. */
const MAX_PAUSE_MS = 60_000;

/**
 * A connection that lasted this long was healthy, though nothing came: a deployment ends those of idle sessions too. Pings
 * come more often than that. Milliseconds.
 */
const HEALTHY_MS = 30_000;

/** How a turn is begun: the POST that answers with its events. */
export interface TurnRequest {
  path: string;
  /** What is sent, or makes it when it is sent. */
  body: object | (() => Promise<object>);
  idempotencyKey: string;
  signal: AbortSignal | undefined;
  traceparent?: string | undefined;
  /** What of its session runs here. */
  callbacks?: Callbacks | undefined;
}

/** Where a reader of a turn stands. */
export interface Position {
  sessionId: string | undefined;
  turnId: string | undefined;
  lastSeq: number;
}

/** Takes note of an event that is handed to the reader. */
export function advance(position: Position, event: EdgeEvent): void {
  position.lastSeq = event.seq;
  position.turnId ??= event.turn_id;
  if (event.kind === "turn") position.sessionId ??= event.session_id;
}

/**
 * The events of one turn, up to its terminal one and perhaps beyond, as many at once as came at once. The reader keeps
 * the position, with {@link advance}: it says from where a broken stream is taken up.
 * @throws StreamInterruptedError, and whatever begins the turn throws.
 */
export async function* turnEvents(
  transport: Transport,
  request: TurnRequest,
  position: Position,
): AsyncGenerator<EdgeEvent[]> {
  const { path, body, idempotencyKey, signal, callbacks, traceparent } = request;
  const flag = callbacks?.needCaller ? "callbacks=true" : "";
  const until = deadline(signal, transport.config.totalTimeout);
  const keyed = { idempotencyKey, traceparent, signal: until.signal };
  // Made once: the same key must come with the same prompt.
  let made: object | undefined;
  const begin = async () => {
    made ??= typeof body === "function" ? await body() : body;
    const call = { method: "POST", body: made, accept: EVENT_STREAM, ...keyed } as const;
    return transport.request(`${path}${flag && `?${flag}`}`, call);
  };
  const connect = () =>
    position.sessionId && position.turnId
      ? transport.request(`${eventsPath(position)}${flag && `&${flag}`}`, {
          accept: EVENT_STREAM,
          signal: until.signal,
          maxRetries: 0,
        })
      : begin();
  callbacks?.enter();
  try {
    yield* reconnecting(transport, connect, position, {
      signal: until.signal,
      isBegun: false,
      decode: readEvents,
    });
  } finally {
    until.end();
    callbacks?.leave();
  }
}

/** A frame of an event stream, as far as it is gone by. */
interface Frame {
  event?: string | undefined;
  data: string;
}

/** How the frames of a stream are read: up to one that is an error or cannot be read. */
type Decode<Event> = (frames: Frame[]) => { events: Event[]; failure?: Error };

/** The account's feed, without end. @throws StreamInterruptedError */
export async function* feedEntries(
  transport: Transport,
  after: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<FeedEntry> {
  const position = { sessionId: undefined, turnId: undefined, lastSeq: after ?? 0 };
  let isPlaced = after !== undefined;
  const connect = () =>
    transport.request(`/v1/feed${isPlaced ? `?after=${position.lastSeq}` : ""}`, {
      accept: EVENT_STREAM,
      signal,
      maxRetries: 0,
    });
  const options = { signal, isBegun: true, decode: readEntries };
  for await (const batch of reconnecting(transport, connect, position, options)) {
    for (const entry of batch) {
      position.lastSeq = entry.seq;
      isPlaced = true;
      yield entry;
    }
  }
}

/** The events of a session that are there when it is asked. */
export async function* pastEvents(
  transport: Transport,
  path: string,
  after: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<EdgeEvent> {
  let position = after;
  // What a running turn adds meanwhile is not waited for. No event need have the newest number: an empty page ends it.
  for (let newest = Infinity; position < newest;) {
    const answer = await transport.json(`${path}/events?after=${position}`, { signal });
    const { events, last_seq } = parseAnswer(isEventList, answer);
    newest = Math.min(newest, last_seq);
    if (events.length === 0) return;
    const known = checkedEvents(events, position);
    position = events.at(-1)!.seq;
    yield* known.filter(({ seq }) => seq <= newest);
  }
}

function checkedEvents(events: { kind: string }[], position: number): EdgeEvent[] {
  try {
    return events.map(toEvent).filter((event) => event !== undefined);
  } catch (cause) {
    throw unreadable(cause as InvalidEventError, position);
  }
}

const unreadable = (cause: InvalidEventError, position: number) =>
  new ProtocolError(`Behind event ${position}: ${cause.message}.`, { cause });

const eventsPath = ({ sessionId, turnId, lastSeq }: Position) =>
  `/v1/sessions/${encodeURIComponent(sessionId!)}/events?after=${lastSeq}&turn=${turnId}`;

/**
 * Events of one connection after the other: one that breaks is taken up after the last event, until
 * {@link Config.maxReconnects} tries in a row brought nothing and did not last. `isBegun`: what is read is there, whatever becomes of the
 * first connection.
 */
export async function* reconnecting<Event extends { seq: number }>(
  transport: Transport,
  connect: () => Promise<Answer>,
  position: Position,
  {
    signal,
    isBegun,
    decode,
  }: { signal: AbortSignal | undefined; isBegun: boolean; decode: Decode<Event> },
): AsyncGenerator<Event[]> {
  const { maxReconnects, clock, random } = transport.config;
  let askedFor: number | undefined;
  const onRetry = (ms: number) => (askedFor = Math.min(ms, MAX_PAUSE_MS));
  for (let failures = 0; ;) {
    let openedAt: number | undefined;
    const open = async () => {
      const answer = await connect();
      openedAt = clock.now();
      return answer;
    };
    try {
      // The reader has taken all of a batch when it asks for the next, so its position is that of the last event.
      const connection = oneConnection(transport, open, position, { signal, onRetry, decode });
      for await (const batch of connection) {
        let seen = position.lastSeq;
        const fresh = batch.filter(({ seq }) => seq > seen && (seen = seq));
        if (fresh.length === 0) continue;
        failures = 0;
        yield fresh;
      }
      throw new ConnectionError("The stream ended before the turn did.");
    } catch (error) {
      if (signal?.aborted || !isPassing(error)) throw error;
      // Nothing has begun yet, and the request for it has had its retries.
      if (!isBegun && position.lastSeq === 0 && openedAt === undefined) throw error;
      if (openedAt !== undefined && clock.now() - openedAt >= HEALTHY_MS) failures = 0;
      if (failures >= maxReconnects) throw new StreamInterruptedError({ ...position }, error);
      const delayMs = askedFor ?? backoffMs(failures, random);
      failures += 1;
      transport.config.onRetry({ error, attempt: failures, delayMs });
      await clock.sleep(delayMs, signal).catch((reason: unknown) => {
        throw abortError(reason);
      });
    }
  }
}

export function readEvents(frames: Frame[]): { events: EdgeEvent[]; failure?: Error } {
  const events: EdgeEvent[] = [];
  try {
    for (const { event: kind = "message", data } of frames) {
      if (kind === "error") return { events, failure: inBandError(data) };
      const event = parseEvent(kind, data);
      if (event) events.push(event);
    }
  } catch (error) {
    return { events, failure: error as Error };
  }
  return { events };
}

function readEntries(frames: Frame[]): { events: FeedEntry[]; failure?: Error } {
  const events: FeedEntry[] = [];
  for (const { data } of frames) {
    const entry = entryOf(data);
    if (!entry) return { events, failure: new ProtocolError("An entry of the feed is none.") };
    events.push(entry);
  }
  return { events };
}

function entryOf(data: string): FeedEntry | undefined {
  try {
    const entry: unknown = JSON.parse(data);
    return isFeedEntry(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** An error that the deployment tells of in mid-stream, as it would in an answer. */
function inBandError(data: string): ClaudeEdgeError {
  try {
    const answer: unknown = JSON.parse(data);
    if (isErrorAnswer(answer)) return new ApiError(answer.error);
  } catch {
    // Not JSON: not a deployment's.
  }
  return new ProtocolError("The stream holds an error that this client cannot read.");
}

const isPassing = (error: unknown): error is ClaudeEdgeError =>
  error instanceof ClaudeEdgeError && error.retryable && !(error instanceof StreamInterruptedError);

async function* oneConnection<Event>(
  transport: Transport,
  open: () => Promise<Answer>,
  position: Position,
  {
    signal,
    onRetry,
    decode,
  }: {
    signal: AbortSignal | undefined;
    onRetry: (ms: number) => void;
    decode: Decode<Event>;
  },
): AsyncGenerator<Event[]> {
  const { response, close } = await open();
  const { idleTimeout } = transport.config;
  let idle = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Only while a chunk is awaited: a reader may take as long as it likes. Once per chunk, not per event: per event it
  // would cost half as much again as the whole decode.
  const onWait = (waiting: boolean) => {
    clearTimeout(timer);
    if (!waiting) return;
    timer = setTimeout(() => {
      idle = true;
      close();
    }, idleTimeout);
  };
  try {
    for await (const frames of readFrames(response.body!, onWait, onRetry)) {
      const { events, failure } = decode(frames);
      if (events.length > 0) yield events;
      if (failure) throw failure;
    }
  } catch (cause) {
    if (signal?.aborted) throw abortError(signal.reason);
    if (cause instanceof ClaudeEdgeError) throw cause;
    if (idle) throw new TimeoutError("idle", idleTimeout);
    if (cause instanceof InvalidEventError) throw unreadable(cause, position.lastSeq);
    throw new ConnectionError("The stream broke.", { cause });
  } finally {
    clearTimeout(timer);
    close();
  }
}
