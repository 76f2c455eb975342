import { InvalidEventError, isTerminal, parseEvent, type EdgeEvent } from "@claude-edge/protocol";

import { backoffMs, sleep } from "./backoff.js";
import {
  AbortError,
  ClaudeEdgeError,
  ConnectionError,
  ProtocolError,
  StreamInterruptedError,
  TimeoutError,
} from "./errors.js";
import { readFrames } from "./sse.js";
import type { Transport } from "./transport.js";

/** How a turn is begun: the POST that answers with its events. */
export interface TurnRequest {
  path: string;
  body: unknown;
  idempotencyKey: string;
  signal: AbortSignal | undefined;
}

/** Where a reader of a turn stands. */
export interface Position {
  sessionId: string | undefined;
  turnId: string | undefined;
  lastSeq: number;
}

/**
 * The events of one turn, up to its terminal one. A stream that breaks before that is taken up behind the last event,
 * until {@link Config.maxReconnects} tries in a row brought nothing.
 *
 * @throws StreamInterruptedError, and whatever begins the turn throws.
 */
export async function* turnEvents(
  transport: Transport,
  request: TurnRequest,
  position: Position,
): AsyncGenerator<EdgeEvent> {
  const { maxReconnects } = transport.config;
  for (let failures = 0; ;) {
    let opened = false;
    const onOpen = () => {
      opened = true;
    };
    try {
      for await (const event of oneConnection(transport, request, position, onOpen)) {
        if (event.seq <= position.lastSeq) continue;
        failures = 0;
        position.lastSeq = event.seq;
        position.turnId ??= event.turn_id;
        if (event.kind === "turn") position.sessionId ??= event.session_id;
        yield event;
        if (isTerminal(event)) return;
      }
      throw new ConnectionError("The stream ended before the turn did.");
    } catch (error) {
      if (!isPassing(error)) throw error;
      // The turn has not begun, and the request for it has had its retries.
      if (position.turnId === undefined && !opened) throw error;
      if (failures >= maxReconnects) throw new StreamInterruptedError({ ...position }, error);
      await sleep(backoffMs(failures), request.signal).catch((reason: unknown) => {
        throw new AbortError(reason);
      });
      failures += 1;
    }
  }
}

const isPassing = (error: unknown) =>
  error instanceof ClaudeEdgeError && error.retryable && !(error instanceof StreamInterruptedError);

async function* oneConnection(
  transport: Transport,
  { path, body, idempotencyKey, signal }: TurnRequest,
  position: Position,
  onOpen: () => void,
): AsyncGenerator<EdgeEvent> {
  const { sessionId, turnId, lastSeq } = position;
  const { response, close } =
    sessionId && turnId
      ? await transport.request(
          `/v1/sessions/${sessionId}/events?after=${lastSeq}&turn=${turnId}`,
          { stream: true, signal },
        )
      : await transport.request(path, {
          method: "POST",
          body,
          idempotencyKey,
          stream: true,
          signal,
        });

  onOpen();

  const { idleTimeout } = transport.config;
  let idle = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Once per chunk, not per event: per event it would cost half as much again as the whole decode.
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      idle = true;
      close();
    }, idleTimeout);
  };
  alive();
  try {
    for await (const frame of readFrames(response.body!, alive)) {
      const event = parseEvent(frame.event ?? "message", frame.data);
      if (event) yield event;
    }
  } catch (cause) {
    if (signal?.aborted) throw new AbortError(signal.reason);
    if (idle) throw new TimeoutError("idle", idleTimeout);
    if (cause instanceof InvalidEventError) {
      throw new ProtocolError(`Behind event ${position.lastSeq}: ${cause.message}.`, { cause });
    }
    throw new ConnectionError("The stream broke.", { cause });
  } finally {
    clearTimeout(timer);
    close();
  }
}
