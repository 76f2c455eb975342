import type { Readable, Writable } from "node:stream";

import { EdgeError } from "@claude-edge/protocol/errors";

/** What a command may touch of the world. */
export interface Context {
  stdin: Readable & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean };
  env: Record<string, string | undefined>;
  cwd: string;
  /** Aborts at Ctrl-C. */
  signal: AbortSignal;
  /** As Ctrl-C does; for a prompt, which is given the key and not the signal. */
  interrupt: () => void;
}

/** For a command that Ctrl-C has ended before it was done. */
export const stopped = (): EdgeError => new EdgeError("aborted", "Stopped.");

/** Writes and waits until there is room again: a slow reader of standard output slows the stream down. */
export function write(stream: Writable, text: string): Promise<void> {
  if (stream.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}

/** Writes a value as a line of JSON. */
export const writeJson = (stream: Writable, value: unknown): Promise<void> =>
  write(stream, `${JSON.stringify(value)}\n`);

/** What the promise gives, unless the signal aborts first: then its reason is thrown. */
export function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
