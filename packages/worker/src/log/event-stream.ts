import { HEARTBEAT_MS } from "@claude-edge/protocol";
import { Bell } from "@claude-edge/protocol/internal";

import { toFramePart, toFrames, type LogPart, type SentEvent } from "./log-event.js";

export interface EventSource {
  /**
   * A bounded batch of events after a seq, and the seq up to which the source has looked. An event with more parts is the
   * last of its batch.
   */
  read(after: number): { events: SentEvent[]; position: number };
  /** A further part of an event; undefined when it is no longer there. */
  part(seq: number, part: number): LogPart | undefined;
  onAppend(wake: () => void): () => void;
  /** True when no more events can follow the seq. */
  isOver(after: number): boolean;
  /** The stream has ended or was cancelled. */
  onEnd(): void;
}

const HEARTBEAT = new TextEncoder().encode(":\n\n");

/**
 * A session's events as an SSE body: existing events, then new ones, until the source is over. It reads the source only
 * when its consumer pulls, and no more than one batch or part.
 */
export function eventStream(source: EventSource, after: number): ReadableStream<Uint8Array> {
  const bell = new Bell();
  const stopWaking = source.onAppend(bell.ring);
  let position = after;
  /** The next part of an event that was begun. */
  let open: { seq: number; part: number } | undefined;
  let cancelled = false;
  let sentAt = Date.now();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const end = () => {
    clearTimeout(timer);
    stopWaking();
    source.onEnd();
  };
  // Not set anew for each event: a busy stream would set and clear hundreds a second.
  const setTimer = () => {
    timer ??= setTimeout(
      () => {
        timer = null;
        bell.ring();
      },
      Math.max(1, sentAt + HEARTBEAT_MS - Date.now()),
    );
  };
  /** What can be sent now: bytes, or that there is nothing and will be nothing. */
  const next = (): Uint8Array | "end" | undefined => {
    if (open) {
      const part = source.part(open.seq, open.part);
      if (!part) return "end";
      open = part.more ? { ...open, part: open.part + 1 } : undefined;
      return toFramePart(part);
    }
    for (;;) {
      const found = source.read(position);
      const moved = found.position > position;
      position = found.position;
      const last = found.events.at(-1);
      if (last?.more) open = { seq: last.seq, part: 1 };
      if (last) return toFrames(found.events);
      if (moved) continue;
      return source.isOver(position) ? "end" : undefined;
    }
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // oxlint-disable-next-line no-unmodified-loop-condition -- cancel() below modifies it, while this waits
        while (!cancelled) {
          let bytes = next();
          if (bytes === "end") {
            end();
            controller.close();
            return;
          }
          if (!bytes && Date.now() - sentAt >= HEARTBEAT_MS) bytes = HEARTBEAT;
          if (bytes) {
            sentAt = Date.now();
            controller.enqueue(bytes);
            return;
          }
          setTimer();
          await bell.rung();
        }
      },
      cancel() {
        cancelled = true;
        end();
        bell.ring();
      },
    },
    { highWaterMark: 0 },
  );
}
