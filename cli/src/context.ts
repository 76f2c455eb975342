import { homedir, tmpdir } from "node:os";
import type { Readable, Writable } from "node:stream";

import { EdgeError } from "@claude-edge/protocol/errors";

/** What a command may touch of the world. A stream of the process itself has an `fd`, which a child can inherit. */
export interface Context {
  stdin: Readable & { fd?: number; isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  stdout: Writable & { fd?: number; isTTY?: boolean; columns?: number };
  stderr: Writable & { fd?: number; isTTY?: boolean };
  env: Record<string, string | undefined>;
  cwd: string;
  /** Something may come on standard input: a pipe or a file, not a terminal and not /dev/null. */
  isPiped: boolean;
  /** Aborts at Ctrl-C. */
  signal: AbortSignal;
  /** As Ctrl-C does; for a prompt, which is given the key and not the signal. */
  interrupt: () => void;
  /** Cleans up if the program quits on the spot, at the second Ctrl-C. Returns what takes that back. */
  onQuit: (clean: () => void) => () => void;
  /** Set by the command that was run. */
  exitCode?: number;
}

const isWindows = process.platform === "win32";

/** The home folder, as `os.homedir` finds it by the process's environment. */
export const homeOf = ({ env }: Pick<Context, "env">): string =>
  (isWindows ? env.USERPROFILE : env.HOME) || homedir();

/** The folder for temporary files, as `os.tmpdir` finds it by the process's environment. */
export const temporaryFolderOf = ({ env }: Pick<Context, "env">): string =>
  (isWindows ? env.TEMP : env.TMPDIR) || tmpdir();

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
