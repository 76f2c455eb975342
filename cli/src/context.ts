import type { Readable, Writable } from "node:stream";

/** What a command may touch of the world. */
export interface Context {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean };
  env: Record<string, string | undefined>;
  cwd: string;
  /** Aborts at Ctrl-C or SIGTERM. */
  signal: AbortSignal;
}

/** Writes and waits until there is room again: a slow reader of standard output slows the stream down. */
export function write(stream: Writable, text: string): Promise<void> {
  if (stream.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once("drain", resolve).once("close", resolve);
  });
}
