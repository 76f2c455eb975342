/** A pack: the concatenated bytes of several blobs. */
export interface PackName {
  /** Its id in the session. */
  id: number;
  /** Its key in R2, below the account's prefix; null for one in the session's SQLite. */
  key: string | null;
}

/** Storage for packs: R2 or the session's SQLite. */
export interface Packs {
  open(pack: PackName): PackSink;
  /** @throws EdgeError `file_damaged` when the pack does not exist. */
  read(pack: PackName, start: number, length: number): Promise<ReadableStream<Uint8Array>>;
}

/** A pack that is being written. It becomes readable as a whole once {@link end} has resolved. */
export interface PackSink {
  /** @throws EdgeError `storage_full`. */
  write(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
  /** Takes away what was written, also once it is there. */
  abort(): Promise<void>;
}
