import type { Upload } from "../transport.js";
import type { FileProgress } from "./options.js";

/** What can be written: a stream is read once, as it goes out; a string is sent as UTF-8. */
export type UploadData = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>;

/** From this size on the pieces of a body are counted as they go, so that it may take as long as it goes on. */
const LARGE_BYTES = 1024 * 1024;
const PIECE_BYTES = 256 * 1024;

export interface MadeUpload extends Upload {
  /** It cannot be made again. */
  isOnce: boolean;
  /** To be called when it has arrived: nobody has counted its pieces. */
  onArrived?: (() => void) | undefined;
}

export async function uploadOf(
  data: UploadData,
  type: string,
  onProgress: ((progress: FileProgress) => void) | undefined,
): Promise<MadeUpload> {
  if (data instanceof ReadableStream) {
    if (!canStream()) return uploadOf(await new Response(data).blob(), type, onProgress);
    const make = (onSent: () => void) => data.pipeThrough(told(undefined, onSent, onProgress));
    return { type, make, isOnce: true };
  }
  const blob = data instanceof Blob ? data : new Blob([data as BlobPart]);
  const isPlain = !canStream() || (blob.size < LARGE_BYTES && !onProgress);
  const make = (onSent: () => void) =>
    isPlain ? blob : piecesOf(blob).pipeThrough(told(blob.size, onSent, onProgress));
  const onArrived = () => onProgress?.({ bytes: blob.size, total: blob.size });
  return { type, make, isOnce: false, onArrived: isPlain ? onArrived : undefined };
}

/** Browsers send no stream, or over HTTP/2 alone. */
const canStream = () => !("document" in globalThis);

function piecesOf(blob: Blob): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        if (sent >= blob.size) return controller.close();
        const piece = blob.slice(sent, (sent += PIECE_BYTES));
        controller.enqueue(new Uint8Array(await piece.arrayBuffer()));
      },
    },
    { highWaterMark: 0 },
  );
}

function told(
  total: number | undefined,
  onSent: () => void,
  onProgress: ((progress: FileProgress) => void) | undefined,
): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(piece, controller) {
      bytes += piece.length;
      onSent();
      onProgress?.({ bytes, total });
      controller.enqueue(piece);
    },
  });
}
