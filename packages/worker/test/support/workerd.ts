import { timingSafeEqual } from "node:crypto";
import { scheduler } from "node:timers/promises";

const bytes = (source: ArrayBuffer | ArrayBufferView) =>
  ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);

/** Adds what workerd brings and Node has under another name. */
export function likeWorkerd(): void {
  crypto.subtle.timingSafeEqual = (left, right) => timingSafeEqual(bytes(left), bytes(right));
  Object.assign(globalThis, { scheduler });
}
