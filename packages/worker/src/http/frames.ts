import { HEARTBEAT_MS } from "@claude-edge/protocol";

/**
 * Frames as a body that is read at its consumer's pace; `heartbeat` is sent while there are none. What the generator
 * throws breaks the stream off: it is no success.
 * @param onLeave The consumer has gone, perhaps in the middle of a wait.
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

/** A server-sent event; without a name it is one of kind `message`. */
export const sseFrame = (data: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;

/** A comment, which readers of server-sent events skip. */
export const SSE_HEARTBEAT = ":\n\n";
