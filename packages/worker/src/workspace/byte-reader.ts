import { EdgeError } from "@claude-edge/protocol";

/** A source that gives nothing for this long is not going to, milliseconds. */
const IDLE_MS = 30_000;

/** Reads a stream of bytes in pieces of a wanted length, whatever chunks it comes in. */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #left: Uint8Array | undefined;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next bytes, as many as are wanted. @throws EdgeError `upload_cut` when there are fewer. */
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

  /** Whatever comes next; undefined at the end. @throws EdgeError `upload_cut` when the stream breaks or stands still. */
  async next(): Promise<Uint8Array | undefined> {
    const left = this.#left;
    this.#left = undefined;
    if (left) return left;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const late = new Promise<never>((_resolve, reject) => {
      const message = `The bytes stood still for ${IDLE_MS / 1000} s.`;
      timer = setTimeout(() => reject(new EdgeError("upload_cut", message)), IDLE_MS);
    });
    try {
      const { done, value } = await Promise.race([this.#reader.read(), late]);
      return done ? undefined : value;
    } catch (cause) {
      if (cause instanceof EdgeError) throw cause;
      throw new EdgeError("upload_cut", "The bytes broke off.", undefined, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** All that is left, up to a size. @throws EdgeError `file_too_large`, and as {@link next}. */
  async *rest(most: number): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for (;;) {
      const chunk = await this.next();
      if (!chunk) return;
      bytes += chunk.length;
      if (bytes > most) throw new EdgeError("file_too_large", `More than ${most} bytes came.`);
      yield chunk;
    }
  }

  /** Leaves the rest of the stream to somebody else; what was read and not taken is lost. */
  release(): void {
    this.#reader.releaseLock();
  }

  /** Says that no more is wanted. */
  cancel(): void {
    void this.#reader.cancel().catch(() => {});
  }
}

/** Some chunks as one. */
export function concat(chunks: Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** What a stream hands on at once: each piece costs it some tens of microseconds, however small it is. */
const PIECE_BYTES = 256 * 1024;

/** The same bytes in pieces of a size that is worth a trip. */
export async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let open: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    open.push(chunk);
    bytes += chunk.length;
    if (bytes < PIECE_BYTES) continue;
    yield concat(open);
    [open, bytes] = [[], 0];
  }
  if (bytes > 0) yield concat(open);
}

/** An async iterable of bytes as a stream that is read at its reader's pace; `onCancel`: nobody reads it any more. */
export function streamOf(
  chunks: AsyncGenerator<Uint8Array>,
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
