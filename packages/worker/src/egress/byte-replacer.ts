import { concat } from "../bytes.js";

/** Bytes to find, and what to put in their place. */
export interface Replacement {
  from: Uint8Array;
  to: Uint8Array;
}

const NOTHING = new Uint8Array();

/**
 * Replaces byte sequences in a stream of chunks. Only bytes that may be the beginning of one are held back, so that what
 * streams goes on streaming. Where several match at one place, the longest counts.
 */
export class ByteReplacer {
  /** By their first byte. */
  readonly #byFirst: (Replacement[] | undefined)[] = [];
  /** By their first two bytes, whether any begins so: most places in a stream are passed over by this alone. */
  readonly #isBegin = new Uint8Array(65_536);
  #held: Uint8Array = NOTHING;

  constructor(replacements: readonly Replacement[]) {
    const longestFirst = replacements
      .filter(({ from }) => from.length > 0)
      .toSorted((left, right) => right.from.length - left.from.length);
    for (const replacement of longestFirst) {
      const [first, second] = replacement.from;
      (this.#byFirst[first!] ??= []).push(replacement);
      if (second === undefined) this.#isBegin.fill(1, first! << 8, (first! + 1) << 8);
      else this.#isBegin[(first! << 8) | second] = 1;
    }
  }

  /** What of the stream is certain by now. */
  push(chunk: Uint8Array): Uint8Array {
    return this.#replace(concat([this.#held, chunk]), false);
  }

  /** What was held back: nothing follows that could complete it. */
  end(): Uint8Array {
    return this.#replace(this.#held, true);
  }

  #replace(bytes: Uint8Array, isLast: boolean): Uint8Array {
    const pieces: Uint8Array[] = [];
    let kept = 0;
    let at = 0;
    this.#held = NOTHING;
    while (at < bytes.length) {
      if (at + 1 < bytes.length && this.#isBegin[(bytes[at]! << 8) | bytes[at + 1]!] === 0) {
        at += 1;
        continue;
      }
      const candidates = this.#byFirst[bytes[at]!];
      const found = candidates?.find(({ from }) => startsWith(bytes, at, from));
      if (found) {
        // A longer one may begin here too, and not be complete yet.
        if (!isLast && candidates!.some((other) => other !== found && isCut(bytes, at, other)))
          break;
        pieces.push(bytes.subarray(kept, at), found.to);
        at += found.from.length;
        kept = at;
      } else if (!isLast && candidates?.some((other) => isCut(bytes, at, other))) {
        break;
      } else {
        at += 1;
      }
    }
    pieces.push(bytes.subarray(kept, at));
    this.#held = bytes.slice(at);
    return concat(pieces);
  }
}

function startsWith(bytes: Uint8Array, at: number, from: Uint8Array): boolean {
  if (at + from.length > bytes.length) return false;
  for (let index = 1; index < from.length; index += 1) {
    if (bytes[at + index] !== from[index]) return false;
  }
  return true;
}

/** Whether the bytes end in the midst of it. */
const isCut = (bytes: Uint8Array, at: number, { from }: Replacement): boolean =>
  at + from.length > bytes.length && startsWith(bytes, at, from.subarray(0, bytes.length - at));

/** A stream with byte sequences replaced. It is read only as fast as it is taken, and cancelled with it. */
export function replaceInStream(
  stream: ReadableStream<Uint8Array>,
  replacer: ByteReplacer,
): ReadableStream<Uint8Array> {
  const enqueue = (
    controller: TransformStreamDefaultController<Uint8Array>,
    bytes: Uint8Array,
  ): void => {
    if (bytes.length > 0) controller.enqueue(bytes);
  };
  const replacing = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => enqueue(controller, replacer.push(chunk)),
    flush: (controller) => enqueue(controller, replacer.end()),
  });
  return stream.pipeThrough(replacing);
}
