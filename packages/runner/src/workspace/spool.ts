import { closeSync, ftruncateSync, openSync } from "node:fs";

import { readHashed, writeAll, type Content, type Paced, type Read } from "./read-hashed.js";

/** The location of a blob's bytes. */
export interface Place {
  file: string;
  offset: number;
  size: number;
}

/** A file with a checkpoint's new content, as concatenated blobs. */
export class Spool {
  readonly places: Map<string, Place> = new Map<string, Place>();
  readonly #file: string;
  #open: number | undefined;
  #end = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Appends a file. Content for which `isHeld` is true is discarded. Undefined when there is no such file. */
  *read(path: string, isHeld: (content: Content) => boolean): Paced<Read | undefined> {
    let at = this.#end;
    const read = yield* readHashed(
      path,
      (bytes) => {
        this.#open ??= openSync(this.#file, "w", 0o600);
        writeAll(this.#open, bytes, at);
        at += bytes.length;
      },
      () => (at = this.#end),
    );
    if (!read || this.places.has(read.sha256) || isHeld(read)) return read;
    const { sha256, size } = read;
    this.places.set(sha256, { file: this.#file, offset: this.#end, size });
    this.#end += size;
    return read;
  }

  /** Closes an unneeded spool. The creator deletes its file. */
  drop(): void {
    if (this.#open !== undefined) closeSync(this.#open);
    this.#open = undefined;
  }

  close(): void {
    if (this.#open === undefined) return;
    const file = this.#open;
    this.#open = undefined;
    try {
      ftruncateSync(file, this.#end);
    } finally {
      closeSync(file);
    }
  }
}
