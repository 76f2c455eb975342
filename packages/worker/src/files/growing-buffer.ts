/** What a buffer starts with: most packs are a checkpoint's few small files. */
const FIRST_BYTES = 64 * 1024;

/** Bytes that are collected up to a limit, in one piece of memory that is used again. */
export class GrowingBuffer {
  readonly #limit: number;
  #memory = new Uint8Array(0);
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#length === this.#limit;
  }

  /** A view, valid until the buffer changes. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** Adds as many bytes as fit; returns how many. */
  add(chunk: Uint8Array): number {
    const taken = chunk.subarray(0, this.#limit - this.#length);
    const needed = this.#length + taken.length;
    if (needed > this.#memory.length) {
      const size = Math.max(needed, FIRST_BYTES, this.#memory.length * 2);
      const grown = new Uint8Array(Math.min(size, this.#limit));
      grown.set(this.bytes);
      this.#memory = grown;
    }
    this.#memory.set(taken, this.#length);
    this.#length = needed;
    return taken.length;
  }

  /** Empties it and keeps its memory. */
  clear(): void {
    this.#length = 0;
  }

  /** Empties it and gives its memory back. */
  drop(): void {
    this.#memory = new Uint8Array(0);
    this.#length = 0;
  }
}
