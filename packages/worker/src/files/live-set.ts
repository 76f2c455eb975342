/** Bits for each hash, and how many of them it sets: of 1 000 that were not added, about one looks as if it had been. */
const BITS_PER_HASH = 16;
const BITS_SET = 8;

/** At most 4 MiB, enough for two million hashes: with more, more garbage is kept. */
const MAX_BITS = 2 ** 25;
const MIN_BITS = 2 ** 13;

/**
 * SHA-256 hashes, as a Bloom filter: fifty times as small as the hashes themselves. Those that were added are always in
 * it, and a few others too.
 */
export class LiveSet {
  readonly #bits: number;
  readonly #bytes: Uint8Array;

  constructor(expected: number) {
    this.#bits = Math.min(Math.max(expected * BITS_PER_HASH, MIN_BITS), MAX_BITS);
    this.#bytes = new Uint8Array(Math.ceil(this.#bits / 8));
  }

  add(hash: string): void {
    for (let nth = 0; nth < BITS_SET; nth += 1) {
      const bit = this.#bitOf(hash, nth);
      this.#bytes[bit >>> 3]! |= 1 << (bit & 7);
    }
  }

  has(hash: string): boolean {
    for (let nth = 0; nth < BITS_SET; nth += 1) {
      const bit = this.#bitOf(hash, nth);
      if ((this.#bytes[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  /** A hash is 64 hexadecimal digits, as good as random: eight numbers of 32 bits. */
  #bitOf(hash: string, nth: number): number {
    return Number.parseInt(hash.slice(nth * 8, nth * 8 + 8), 16) % this.#bits;
  }
}
