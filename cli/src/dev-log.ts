import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { StringDecoder } from "node:string_decoder";

/** The log is kept in two files of at most this size: the one that is written, and the one before it. Bytes. */
const MAX_BYTES = 2 * 1024 * 1024;

const logPath = (project: string) => join(project, ".wrangler", "claude-edge", "dev.log");
const olderPath = (project: string) => `${logPath(project)}.old`;

/** Begins the log of a `claude-edge dev`. */
export function openDevLog(project: string): { write(text: string): void } {
  const path = logPath(project);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(olderPath(project), { force: true });
  // Anew, rather than emptied: whoever follows the last one notices, and nobody's permissions are taken over.
  rmSync(path, { force: true });
  let [file, size] = [openSync(path, "w", 0o600), 0];
  return {
    write: (text) => {
      const bytes = Buffer.byteLength(text);
      if (size > 0 && size + bytes > MAX_BYTES) {
        closeSync(file);
        renameSync(path, olderPath(project));
        [file, size] = [openSync(path, "w", 0o600), 0];
      }
      size += writeSync(file, text);
    },
  };
}

/** Reads the log of a `claude-edge dev`, and reads on where it stopped. */
export class DevLogReader {
  readonly #project: string;
  readonly #decoder = new StringDecoder("utf8");
  #file: number | undefined;

  constructor(project: string) {
    this.#project = project;
  }

  /** What has been written since the last time; from the beginning the first time. */
  read(): string {
    let text = "";
    if (this.#file === undefined) {
      const older = openIfThere(olderPath(this.#project));
      if (older !== undefined) {
        text += readOn(older, this.#decoder);
        closeSync(older);
      }
      this.#file = openIfThere(logPath(this.#project));
    }
    if (this.#file === undefined) return text;
    text += readOn(this.#file, this.#decoder);
    const next = openIfThere(logPath(this.#project));
    if (next === undefined) return text;
    if (isSameFile(next, this.#file)) {
      closeSync(next);
      return text;
    }
    // It was put away in between, with what had been written until then.
    text += readOn(this.#file, this.#decoder);
    closeSync(this.#file);
    this.#file = next;
    return text + readOn(next, this.#decoder);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}

function isSameFile(left: number, right: number): boolean {
  return fstatSync(left).ino === fstatSync(right).ino;
}

function readOn(file: number, decoder: StringDecoder): string {
  const buffer = Buffer.alloc(64 * 1024);
  let text = "";
  for (;;) {
    const bytes = readSync(file, buffer);
    if (bytes === 0) return text;
    text += decoder.write(buffer.subarray(0, bytes));
  }
}
