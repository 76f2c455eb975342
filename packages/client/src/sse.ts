import { createParser, type EventSourceMessage } from "eventsource-parser";

/** One frame must fit into this many characters; the largest messages seen are some 20 million. */
const MAX_FRAME_CHARS = 128 * 1024 * 1024;

/**
 * The frames of an SSE body, read only as fast as they are taken. Ends where the body ends, complete or not.
 * `onChunk` is called for every piece that arrives, comments included: a sign of life.
 */
export async function* readFrames(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
): AsyncGenerator<EventSourceMessage> {
  let frames: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (frame) => frames.push(frame),
    maxBufferSize: MAX_FRAME_CHARS,
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onChunk();
      parser.feed(decoder.decode(value, { stream: true }));
      if (frames.length === 0) continue;
      const batch = frames;
      frames = [];
      yield* batch;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
