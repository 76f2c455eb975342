import type { ConnectionError } from "../errors.js";
import type { RequestOptions, Transport } from "../transport.js";
import type { Kit } from "./kit.js";
import type { FileProgress } from "./options.js";

/** An answer that is being read. */
interface Download {
  headers: Headers;
  /** How many bytes will come; undefined where only the stream's end tells. */
  length: number | undefined;
  stream: ReadableStream<Uint8Array>;
}

/** A file that is open for reading, once: by `stream`, `bytes()` or `text()`. */
export class FileDownload {
  readonly path: string;
  /** Bytes of the whole file, also when a range of it was asked for. */
  readonly size: number;
  /** SHA-256 of the whole file, in hex: what `ifMatch` and `ifNoneMatch` go by. */
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
  /** The checkpoint that it was read from. */
  readonly checkpoint: number;
  /** Its bytes, as they come. It throws a ConnectionError where they break off: it never ends early. */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #kit: Kit;
  readonly #isWhole: boolean;

  /** @internal */
  constructor(kit: Kit, path: string, { headers, length, stream }: Download) {
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get("content-range") ?? "");
    const size = range ? Number(range[3]) : length;
    const sha256 = /^(?:W\/)?"([0-9a-f]{64})"$/.exec(headers.get("etag") ?? "")?.[1];
    if (size === undefined || sha256 === undefined) {
      void stream.cancel().catch(() => {});
      throw new kit.ProtocolError("The answer does not say the file's size and SHA-256.");
    }
    this.#kit = kit;
    this.path = path;
    this.size = size;
    this.sha256 = sha256;
    this.mode = Number.parseInt(headers.get("x-file-mode") ?? "644", 8);
    this.checkpoint = Number(headers.get("x-checkpoint") ?? 0);
    this.stream = stream;
    this.#isWhole = range === null || Number(range[2]) - Number(range[1]) + 1 === size;
  }

  /**
   * All of its bytes; of a whole file they are those that its SHA-256 is of.
   * @throws ConnectionError when it breaks off, or other bytes came.
   */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(await new Response(this.stream).arrayBuffer());
    // Pages without https have no WebCrypto.
    const { subtle } = globalThis.crypto as { subtle?: SubtleCrypto };
    if (!this.#isWhole || !subtle) return bytes;
    const hash = new Uint8Array(await subtle.digest("SHA-256", bytes));
    const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex === this.sha256) return bytes;
    throw new this.#kit.ConnectionError(
      `${this.path} was damaged on its way: its SHA-256 is another.`,
    );
  }

  /** The same as text, which is taken for UTF-8. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }
}

/** Sends the request and hands out the body with its length counted; undefined for an unchanged file. */
export async function openDownload(
  kit: Kit,
  transport: Transport,
  path: string,
  {
    onProgress,
    signal,
    ...request
  }: Pick<RequestOptions, "accept" | "headers" | "signal"> & {
    onProgress?: ((progress: FileProgress) => void) | undefined;
  },
): Promise<Download | undefined> {
  const { idleTimeout, totalTimeout } = transport.config;
  const until = kit.deadline(signal, totalTimeout);
  // Compressed on the way, a file could not be counted.
  const headers = { ...request.headers, "accept-encoding": "identity" };
  const options = { ...request, headers, signal: until.signal };
  try {
    const { response, close } = await transport.request(path, options);
    const end = () => {
      until.end();
      close();
    };
    if (response.status === 304) {
      end();
      return undefined;
    }
    const length = lengthOf(response.headers);
    const { body } = response;
    const source = { kit, body, length, idleTimeout, signal: until.signal, end };
    return { headers: response.headers, length, stream: counted(source, onProgress) };
  } catch (error) {
    until.end();
    throw error;
  }
}

function lengthOf(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? undefined : Number(length);
}

interface Source {
  kit: Kit;
  body: ReadableStream<Uint8Array> | null;
  length: number | undefined;
  idleTimeout: number;
  signal: AbortSignal | undefined;
  /** Drops the connection. */
  end: () => void;
}

/** The body at the reader's pace; it errors, typed, when it ends before its length or is silent for too long. */
function counted(
  { kit, body, length: total, idleTimeout, signal, end }: Source,
  onProgress: ((progress: FileProgress) => void) | undefined,
): ReadableStream<Uint8Array> {
  const reader = body?.getReader();
  let bytes = 0;
  const next = async () => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, idleTimeout);
    try {
      const piece = await reader?.read();
      if (piece?.value) return piece.value;
    } catch (cause) {
      if (signal?.aborted) throw kit.abortError(signal.reason);
      if (isLate) throw new kit.TimeoutError("idle", idleTimeout);
      throw brokeOff(kit, bytes, total, cause);
    } finally {
      clearTimeout(timer);
    }
    if (total !== undefined && bytes < total) throw brokeOff(kit, bytes, total);
    return undefined;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const piece = await next();
          if (piece) {
            bytes += piece.length;
            onProgress?.({ bytes, total });
            controller.enqueue(piece);
            return;
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        end();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

function brokeOff(
  kit: Kit,
  bytes: number,
  total: number | undefined,
  cause?: unknown,
): ConnectionError {
  const of = total === undefined ? "" : ` of ${total}`;
  return new kit.ConnectionError(`It broke off after ${bytes}${of} bytes.`, { cause });
}
