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

import { DATA_FOLDER } from "../target/dev-file.js";

/** The log is kept in two files of at most this size: the one that is written, and the one before it. Bytes. */
const MAX_BYTES = 2 * 1024 * 1024;

const logPath = (project: string) => join(project, DATA_FOLDER, "dev.log");
const olderPath = (project: string) => `${logPath(project)}.old`;

/** The log of a `claude-edge dev`; the first thing that is written, and be it nothing, puts it in the last one's place. */
export class DevLog {
  readonly #project: string;
  #file: number | undefined;
  #size = 0;

  constructor(project: string) {
    this.#project = project;
  }

  write(text: string): void {
    this.#file ??= this.#begin();
    const bytes = Buffer.byteLength(text);
    if (this.#size > 0 && this.#size + bytes > MAX_BYTES) {
      closeSync(this.#file);
      renameSync(logPath(this.#project), olderPath(this.#project));
      this.#size = 0;
      this.#file = openNew(logPath(this.#project));
    }
    this.#size += writeSync(this.#file, text);
  }

  #begin(): number {
    const path = logPath(this.#project);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(olderPath(this.#project), { force: true });
    return openNew(path);
  }
}

/** A new file rather than an emptied one: whoever follows the old one notices, and its permissions are not kept. */
function openNew(path: string): number {
  rmSync(path, { force: true });
  return openSync(path, "wx", 0o600);
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
