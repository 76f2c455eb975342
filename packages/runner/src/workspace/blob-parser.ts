import { EdgeError } from "@claude-edge/protocol";
import type { BlobHead } from "@claude-edge/protocol/runner";

/** Receives the blobs of a stream, chunk by chunk. */
export interface BlobSink {
  begin(head: BlobHead): void;
  data(bytes: Uint8Array): void;
  end(): void;
}

const LINE_FEED = 0x0a;
/** A real head has about 100 bytes. */
const MAX_HEAD_BYTES = 1024;

/** Parses a stream of blobs, independent of its chunk boundaries. */
export class BlobParser {
  readonly #sink: BlobSink;
  #head: Buffer = Buffer.alloc(0);
  /** Remaining bytes of the current blob; undefined between blobs. */
  #remaining: number | undefined;

  constructor(sink: BlobSink) {
    this.#sink = sink;
  }

  /** @throws EdgeError `invalid_json` when a head cannot be read. */
  write(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      rest =
        this.#remaining === undefined
          ? this.#readHead(rest)
          : this.#readBytes(rest, this.#remaining);
    }
  }

  /** @throws EdgeError `file_damaged` when the stream ends within a blob. */
  end(): void {
    if (this.#remaining === undefined && this.#head.length === 0) return;
    throw new EdgeError("file_damaged", "The stream of blobs ends within one.");
  }

  #readHead(bytes: Uint8Array): Uint8Array {
    const end = bytes.indexOf(LINE_FEED);
    this.#head = Buffer.concat([this.#head, end < 0 ? bytes : bytes.subarray(0, end)]);
    if (this.#head.length > MAX_HEAD_BYTES) throw unreadable(this.#head);
    if (end < 0) return bytes.subarray(bytes.length);
    const head = headOf(this.#head);
    this.#head = Buffer.alloc(0);
    this.#sink.begin(head);
    this.#setRemaining(head.size);
    return bytes.subarray(end + 1);
  }

  #readBytes(bytes: Uint8Array, left: number): Uint8Array {
    const own = bytes.subarray(0, left);
    this.#sink.data(own);
    this.#setRemaining(left - own.length);
    return bytes.subarray(own.length);
  }

  #setRemaining(left: number): void {
    this.#remaining = left === 0 ? undefined : left;
    if (left === 0) this.#sink.end();
  }
}

function headOf(line: Buffer): BlobHead {
  let head: Partial<BlobHead> | null;
  try {
    head = JSON.parse(line.toString()) as Partial<BlobHead> | null;
  } catch {
    throw unreadable(line);
  }
  const { sha256, size } = head ?? {};
  if (typeof sha256 !== "string" || !isSha256(sha256)) throw unreadable(line);
  if (!Number.isSafeInteger(size) || size! < 0) throw unreadable(line);
  return { sha256, size: size! };
}

/** Guards against path traversal: the hash becomes a file's name. */
export const isSha256 = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

const unreadable = (line: Buffer) =>
  new EdgeError("invalid_json", `Not the head of a blob: ${line.subarray(0, 100).toString()}`);
