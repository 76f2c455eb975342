import {
  BODY_TIMEOUT_MS,
  EdgeError,
  MAX_BODY_BYTES,
  MAX_UPLOAD_BYTES,
} from "@claude-edge/protocol";

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** What is still taken of a body that nobody wants: time enough for one that is under way, as long as it comes. */
const DROP_MS = 10_000;
const DROP_IDLE_MS = 1_000;
const DROP_BYTES = 2 * MAX_UPLOAD_BYTES;

/** The text of a request. @throws EdgeError `body_too_large`, `body_too_slow`, `invalid_json` for what is not UTF-8. */
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
    const end = await read(reader, BODY_TIMEOUT_MS, (chunk) => {
      // Counted as it comes: the header may be missing or wrong.
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
    await drop(reader);
    if (!(cause instanceof TypeError)) throw cause;
    throw new EdgeError("invalid_json", "The body is not UTF-8.", undefined, cause);
  }
}

/**
 * Takes what a request that was refused still has to say, within bounds: a client that is sending reads no answer, and
 * a local stack gives none before the body has ended.
 */
export async function dropBody({ body, bodyUsed }: Request): Promise<void> {
  if (body && !bodyUsed) await drop(body.getReader());
}

/** The same of one that was read in part. */
export const dropRest = (body: ReadableStream<Uint8Array>): Promise<void> => drop(body.getReader());

async function drop(reader: Reader): Promise<void> {
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
  // One that breaks off has nothing more to say either.
  await read(reader, DROP_MS, isWithin).catch(() => {});
  clearTimeout(idle);
  await reader.cancel().catch(() => {});
}

/** Hands over what comes for as long as it is wanted and the time lasts; says which of them, or the body, ended. */
async function read(
  reader: Reader,
  patienceMs: number,
  take: (chunk: Uint8Array) => boolean,
): Promise<"done" | "enough" | "late"> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // Ends the read that is being waited for.
    void reader.cancel().catch(() => {});
  }, patienceMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) return "late";
      if (done) return "done";
      if (!take(value)) return "enough";
    }
  } catch (error) {
    if (isLate) return "late";
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
