import { HEARTBEAT_MS } from "@claude-edge/protocol";

/**
 * Streams frames with backpressure; `heartbeat` is sent while there are none. An error of the generator aborts the
 * stream.
 * @param onLeave Called when the consumer has left, possibly during a wait.
 */
export function frameStream(
  frames: AsyncGenerator<string>,
  heartbeat: string,
  onLeave: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let left = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const timer = setInterval(
          () => controller.enqueue(encoder.encode(heartbeat)),
          HEARTBEAT_MS,
        );
        try {
          const { done, value } = await frames.next();
          if (left) return;
          if (done) controller.close();
          else controller.enqueue(encoder.encode(value));
        } finally {
          clearInterval(timer);
        }
      },
      async cancel() {
        left = true;
        onLeave();
        await frames.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Formats a server-sent event; `message` is the default name. */
export const sseFrame = (data: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;

/** A comment, which readers skip. */
export const SSE_HEARTBEAT = ":\n\n";
