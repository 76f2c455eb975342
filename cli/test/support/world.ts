import { PassThrough, Writable } from "node:stream";
import { WriteStream } from "node:tty";

import type { Context } from "../../src/context.js";
import { main } from "../../src/main.js";

// node:util looks at it for every stream, and the runner of the tests may have it set.
delete process.env.FORCE_COLOR;

/** What is written to a stream, as text; `onText` is called with all of it so far. */
export class Output extends Writable {
  text = "";
  readonly #decoder = new TextDecoder();
  readonly #onText: ((text: string) => unknown) | undefined;

  constructor(onText?: (text: string) => unknown) {
    super();
    this.#onText = onText;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += this.#decoder.decode(chunk, { stream: true });
    this.#onText?.(this.text);
    done();
  }
}

/** The terminal's half of a program's streams: 100 columns, and colours unless NO_COLOR says otherwise. */
export const asTerminal = <Stream extends Writable>(stream: Stream, env: Context["env"]): Stream =>
  Object.assign(stream, {
    isTTY: true,
    columns: 100,
    rows: 40,
    getColorDepth: () => WriteStream.prototype.getColorDepth(env),
  });

/** The environment of a CLI that knows nothing but its home. */
export const bareEnvironment = (home: string): Record<string, string> => ({
  PATH: process.env.PATH!,
  HOME: home,
});

/** A world in which nothing is, but for what is given. */
export const contextOf = (given: Partial<Context>): Context => ({
  stdin: inputOf(),
  stdout: new Output(),
  stderr: new Output(),
  env: {},
  cwd: "/",
  isPiped: false,
  signal: new AbortController().signal,
  interrupt: () => {},
  onQuit: () => () => {},
  ...given,
});

export interface InProcess {
  /** Its exit code. */
  ended: Promise<number>;
  /** Ctrl-C, or a signal that ends a program. */
  interrupt: () => void;
}

/** Runs the CLI in this process; what a signal does to a process, and a pipe that breaks, only a process shows. */
export function start(
  args: string[],
  streams: Pick<Context, "stdin" | "stdout" | "stderr" | "env" | "cwd"> & { isPiped?: boolean },
): InProcess {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  const world = contextOf({ ...streams, signal: stop.signal, interrupt });
  const ended = main(args, world).finally(() => streams.stdin.destroy());
  return { ended, interrupt };
}

/** A standard input that holds this text, or nothing. */
export const inputOf = (text = ""): PassThrough => {
  const stdin = new PassThrough();
  stdin.end(text);
  return stdin;
};
