import { HEARTBEAT_MS } from "@claude-edge/protocol";
import { Bell } from "@claude-edge/protocol/internal";

import { toFrames, type LogEvent } from "./log-event.js";

export interface EventSource {
  /** Events behind a seq, a bounded piece of them, and the seq up to which it has looked. */
  read(after: number): { events: LogEvent[]; position: number };
  onAppend(wake: () => void): () => void;
  /** True when no more events of the turn can come behind the seq. */
  isOver(after: number): boolean;
  /** Nobody reads any more. */
  onEnd(): void;
}

const HEARTBEAT = new TextEncoder().encode(":\n\n");

/**
 * A session's events as an SSE body: what is there, then what comes, until the source says that it is over.
 * It reads only when its consumer does.
 */
export function eventStream(source: EventSource, after: number): ReadableStream<Uint8Array> {
  const bell = new Bell();
  const stopWaking = source.onAppend(bell.ring);
  let position = after;
  let cancelled = false;
  const end = () => {
    stopWaking();
    source.onEnd();
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let silent = false;
        // oxlint-disable-next-line no-unmodified-loop-condition -- cancel() below modifies it, while this waits
        while (!cancelled) {
          const next = source.read(position);
          const moved = next.position > position;
          position = next.position;
          if (next.events.length > 0) {
            controller.enqueue(toFrames(next.events));
            return;
          }
          if (moved) continue;
          if (source.isOver(position)) {
            end();
            controller.close();
            return;
          }
          if (silent) {
            controller.enqueue(HEARTBEAT);
            return;
          }
          const timer = setTimeout(() => {
            silent = true;
            bell.ring();
          }, HEARTBEAT_MS);
          await bell.rung();
          clearTimeout(timer);
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
