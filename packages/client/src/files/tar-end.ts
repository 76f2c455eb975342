import type { Kit } from "./kit.js";

/**
 * Passes a tar on; errors when it ends before its end mark, two blocks of zeros: its length is not known beforehand. The
 * entries are followed, because a file may hold as many zeros.
 */
export function endsAsTar(kit: Kit): TransformStream<Uint8Array, Uint8Array> {
  const position = new TarPosition();
  return new TransformStream({
    transform(piece, controller) {
      if (!position.pass(piece)) throw new kit.ProtocolError("The answer is not a tar.");
      controller.enqueue(piece);
    },
    flush() {
      if (!position.isAtEnd) throw new kit.ConnectionError("The tar broke off before its end.");
    },
  });
}

const BLOCK_BYTES = 512;
const SIZE_FIELD: [start: number, end: number] = [124, 136];
const TYPE_FIELD = 156;
/** The type of an entry that holds what does not fit into the next one's header. */
const PAX = 0x78;

/** Where in a tar a reader is. */
class TarPosition {
  /** The header block that is being read. */
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  /** Bytes of the current entry that are to come, its padding included. */
  #left = 0;
  /** Blocks of zeros in place of a header, in a row. */
  #zeroBlocks = 0;
  /** The content of a pax entry. */
  #pax: number[] | undefined;

  get isAtEnd(): boolean {
    return this.#zeroBlocks >= 2;
  }

  /** False when it is not a tar. */
  pass(piece: Uint8Array): boolean {
    for (let at = 0; at < piece.length && !this.isAtEnd;) {
      const wanted = this.#left > 0 ? this.#left : BLOCK_BYTES - this.#filled;
      const bytes = piece.subarray(at, at + wanted);
      at += bytes.length;
      if (this.#left > 0) {
        this.#left -= bytes.length;
        this.#pax?.push(...bytes);
        continue;
      }
      this.#block.set(bytes, this.#filled);
      this.#filled = (this.#filled + bytes.length) % BLOCK_BYTES;
      if (this.#filled === 0 && !this.#enter()) return false;
    }
    return true;
  }

  /** Enters the entry of a header. */
  #enter(): boolean {
    const isZero = this.#block.every((byte) => byte === 0);
    this.#zeroBlocks = isZero ? this.#zeroBlocks + 1 : 0;
    if (isZero) return true;
    const size = paxSize(this.#pax) ?? octal(this.#block.subarray(...SIZE_FIELD));
    this.#pax = this.#block[TYPE_FIELD] === PAX ? [] : undefined;
    this.#left = Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    return size >= 0;
  }
}

const octal = (field: Uint8Array): number =>
  Number.parseInt(new TextDecoder().decode(field).replaceAll("\0", "").trim(), 8);

/** The size that a pax entry gives, of a file over 8 GiB. Its records are `<length> <name>=<value>\n`. */
function paxSize(pax: number[] | undefined): number | undefined {
  let text = String.fromCharCode(...(pax ?? []));
  for (let length = Number.parseInt(text, 10); length > 0; length = Number.parseInt(text, 10)) {
    const [, size] = /^\d+ size=(\d+)\n$/.exec(text.slice(0, length)) ?? [];
    if (size !== undefined) return Number(size);
    text = text.slice(length);
  }
  return undefined;
}
