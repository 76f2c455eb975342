import { closeSync, ftruncateSync, openSync } from "node:fs";

import { readHashed, writeAll, type Content, type Read } from "./read-hashed.js";

/** Where a blob's bytes lie. */
export interface Place {
  file: string;
  offset: number;
  size: number;
}

/** The file that holds a checkpoint's new content, one blob behind the other. */
export class Spool {
  readonly places: Map<string, Place> = new Map<string, Place>();
  readonly #file: string;
  #open: number | undefined;
  #end = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Reads a file into it; what is had already is taken out again. Undefined when there is no such file. */
  read(path: string, isHad: (content: Content) => boolean): Read | undefined {
    let at = this.#end;
    const read = readHashed(
      path,
      (bytes) => {
        this.#open ??= openSync(this.#file, "w", 0o600);
        writeAll(this.#open, bytes, at);
        at += bytes.length;
      },
      () => (at = this.#end),
    );
    if (!read || this.places.has(read.sha256) || isHad(read)) return read;
    const { sha256, size } = read;
    this.places.set(sha256, { file: this.#file, offset: this.#end, size });
    this.#end += size;
    return read;
  }

  /** It will not be needed: what it held is deleted by whoever named its file. */
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
