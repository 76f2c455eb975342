import {
  BODY_TIMEOUT_MS,
  EdgeError,
  MAX_BODY_BYTES,
  MAX_UPLOAD_BYTES,
} from "@claude-edge/protocol";

import { readWithin } from "../read-within.js";

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Limits for draining an unwanted body: enough for an upload in progress, while it keeps arriving. */
const DROP_MS = 10_000;
const DROP_IDLE_MS = 1_000;
const DROP_BYTES = 2 * MAX_UPLOAD_BYTES;

/** Reads a request's body as text. @throws EdgeError `body_too_large`, `body_too_slow`, `invalid_json` if it is not UTF-8. */
export async function readText({ headers, body }: Request): Promise<string> {
  const tooLarge = () =>
    new EdgeError("body_too_large", `The body is larger than ${MAX_BODY_BYTES} bytes.`);
  if (Number(headers.get("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  if (!body) return "";

  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let bytes = 0;
  try {
    const end = await readWithin(reader, BODY_TIMEOUT_MS, (chunk) => {
      // Counted here, because the header may be missing or wrong.
      bytes += chunk.byteLength;
      if (bytes <= MAX_BODY_BYTES) text += decoder.decode(chunk, { stream: true });
      return bytes <= MAX_BODY_BYTES;
    });
    if (end === "late") {
      const message = `The body did not arrive within ${BODY_TIMEOUT_MS / 1000} s.`;
      throw new EdgeError("body_too_slow", message);
    }
    if (end === "enough") throw tooLarge();
    return text + decoder.decode();
  } catch (cause) {
    await drain(reader);
    if (!(cause instanceof TypeError)) throw cause;
    throw new EdgeError("invalid_json", "The body is not UTF-8.", undefined, cause);
  }
}

/**
 * Drains the body of a refused request, within limits: a client that is still sending reads no response, and local
 * workerd sends none before the body has ended.
 */
export async function drainBody({ body, bodyUsed }: Request): Promise<void> {
  if (body && !bodyUsed) await drain(body.getReader());
}

/** Drains a body that was read in part. */
export const drainRest = (body: ReadableStream<Uint8Array>): Promise<void> =>
  drain(body.getReader());

async function drain(reader: Reader): Promise<void> {
  let bytes = 0;
  let idle: ReturnType<typeof setTimeout> | null = null;
  const wait = () => {
    clearTimeout(idle);
    idle = setTimeout(() => void reader.cancel().catch(() => {}), DROP_IDLE_MS);
  };
  wait();
  const isWithin = (chunk: Uint8Array) => {
    wait();
    return (bytes += chunk.byteLength) <= DROP_BYTES;
  };
  // A broken body is drained as well.
  await readWithin(reader, DROP_MS, isWithin).catch(() => {});
  clearTimeout(idle);
  await reader.cancel().catch(() => {});
}
