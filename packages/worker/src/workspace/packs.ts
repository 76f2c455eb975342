/** Where packs are kept: R2, or the account's own SQLite. A pack is the bytes of some blobs, one behind the other. */
export interface Packs {
  open(id: number): PackSink;
  /** @throws Error when it is not there. */
  read(id: number, start: number, length: number): Promise<ReadableStream<Uint8Array>>;
  remove(ids: number[]): Promise<void>;
}

/** A pack that is being written: there once {@link end} has resolved, and not a byte of it before. */
export interface PackSink {
  /** @throws EdgeError `storage_full`. */
  write(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
  abort(): Promise<void>;
}
