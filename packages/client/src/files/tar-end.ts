import type { Kit } from "./kit.js";

/** A tar ends with two blocks of zeros. */
const END_BYTES = 1_024;

/** Passes a tar on; errors when it ends before its end mark does: its length is not known beforehand. */
export function endsAsTar(kit: Kit): TransformStream<Uint8Array, Uint8Array> {
  let zeros = 0;
  return new TransformStream({
    transform(piece, controller) {
      const last = piece.subarray(-END_BYTES);
      const trailing = last.length - 1 - last.findLastIndex((byte) => byte !== 0);
      zeros = trailing === piece.length ? zeros + trailing : trailing;
      controller.enqueue(piece);
    },
    flush() {
      if (zeros < END_BYTES) throw new kit.ConnectionError("The tar broke off before its end.");
    },
  });
}
