import { createParser, type EventSourceMessage } from "eventsource-parser";

/** One frame must fit into this many characters; the largest messages seen are some 20 million. */
const MAX_FRAME_CHARS = 128 * 1024 * 1024;

/**
 * The frames of an SSE body, as many at once as came at once, read only as fast as they are taken: an async generator
 * costs 0.3 µs a step, so frames do not go through it one by one. Ends where the body ends, complete or not.
 * `onWait` is told when a piece of it, comments included, is awaited and when it has come; `onRetry`
 * when the other side says how long to wait before a reconnection.
 */
export async function* readFrames(
  body: ReadableStream<Uint8Array>,
  onWait: (waiting: boolean) => void,
  onRetry: (ms: number) => void,
): AsyncGenerator<EventSourceMessage[]> {
  let frames: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (frame) => frames.push(frame),
    onRetry,
    maxBufferSize: MAX_FRAME_CHARS,
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      onWait(true);
      const { done, value } = await reader.read();
      onWait(false);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      if (frames.length === 0) continue;
      const batch = frames;
      frames = [];
      yield batch;
    }
  } finally {
    onWait(false);
    void reader.cancel().catch(() => {});
  }
}
