import { EdgeError } from "@claude-edge/protocol";

import { concat } from "../bytes.js";

/** A source that is silent for this long is treated as broken, milliseconds. */
const IDLE_MS = 30_000;

/**
 * After this much others have their turn: while there is more to read the thread would go on with it, and the events of
 * other sessions on it would wait for all of a checkpoint.
 */
const TURN_BYTES = 512 * 1024;

const LINE_FEED = 0x0a;

/** The longest line: a message of the agent may have 20 MB, as JSON in JSON a little more. */
const MAX_LINE_BYTES = 48 * 1024 * 1024;

/** Reads exact lengths and lines from a byte stream, independent of its chunk boundaries. */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #left: Uint8Array | undefined;
  /** Bytes since others had their turn. */
  #bytes = 0;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Reads exactly `length` bytes. @throws EdgeError `upload_cut` when there are fewer. */
  async *take(length: number): AsyncGenerator<Uint8Array> {
    for (let wanted = length; wanted > 0;) {
      const chunk = await this.next();
      if (!chunk) throw new EdgeError("upload_cut", "The bytes ended before they should have.");
      const piece = chunk.subarray(0, wanted);
      if (piece.length < chunk.length) this.#left = chunk.subarray(piece.length);
      wanted -= piece.length;
      yield piece;
    }
  }

  /** Reads the next chunk; undefined at the end. @throws EdgeError `upload_cut` when the stream breaks or stalls. */
  async next(): Promise<Uint8Array | undefined> {
    const left = this.#left;
    this.#left = undefined;
    if (left) return left;
    if (this.#bytes >= TURN_BYTES) {
      this.#bytes = 0;
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
    }
    let timer: ReturnType<typeof setTimeout> | null = null;
    const timedOut = new Promise<never>((_resolve, reject) => {
      const message = `The bytes stood still for ${IDLE_MS / 1000} s.`;
      timer = setTimeout(() => reject(new EdgeError("upload_cut", message)), IDLE_MS);
    });
    try {
      const { done, value } = await Promise.race([this.#reader.read(), timedOut]);
      this.#bytes += value?.length ?? 0;
      return done ? undefined : value;
    } catch (cause) {
      if (cause instanceof EdgeError) throw cause;
      throw new EdgeError("upload_cut", "The bytes broke off.", undefined, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Reads the next line, without its line feed; undefined at the end.
   * @throws EdgeError `file_too_large`, and as {@link take}.
   */
  async line(): Promise<string | undefined> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const chunk = await this.next();
      if (!chunk && pieces.length === 0) return undefined;
      if (!chunk) throw new EdgeError("upload_cut", "The bytes ended within a line.");
      const end = chunk.indexOf(LINE_FEED);
      if (end < 0) {
        if (chunk.length > 0) pieces.push(chunk);
        bytes += chunk.length;
        if (bytes <= MAX_LINE_BYTES) continue;
        throw new EdgeError("file_too_large", `A line has more than ${MAX_LINE_BYTES} bytes.`);
      }
      pieces.push(chunk.subarray(0, end));
      if (end + 1 < chunk.length) this.#left = chunk.subarray(end + 1);
      return new TextDecoder().decode(concat(pieces));
    }
  }

  /** Reads the remaining bytes, up to a limit. @throws EdgeError `file_too_large`, and as {@link next}. */
  async *rest(limit: number): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for (;;) {
      const chunk = await this.next();
      if (!chunk) return;
      bytes += chunk.length;
      if (bytes > limit) throw new EdgeError("file_too_large", `More than ${limit} bytes came.`);
      yield chunk;
    }
  }

  /** Unlocks the stream for another reader. Bytes that were read but not taken are lost. */
  release(): void {
    this.#reader.releaseLock();
  }

  /** Cancels the stream. */
  cancel(): void {
    void this.#reader.cancel().catch(() => {});
  }
}

/** Target size of a stream's chunks: each chunk costs tens of microseconds, however small it is. */
const MERGED_BYTES = 256 * 1024;

/** Merges small chunks into larger ones. */
export async function* mergeChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let open: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    open.push(chunk);
    bytes += chunk.length;
    if (bytes < MERGED_BYTES) continue;
    yield concat(open);
    [open, bytes] = [[], 0];
  }
  if (bytes > 0) yield concat(open);
}

/** Wraps a generator in a stream with backpressure. `onCancel` runs when the reader cancels. */
export function streamOf(
  chunks: Generator<Uint8Array> | AsyncGenerator<Uint8Array>,
  onCancel: () => void = () => {},
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        onCancel();
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
