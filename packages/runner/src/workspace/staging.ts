import { createHash, type Hash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";

import { EdgeError } from "@claude-edge/protocol";
import type { BlobHead } from "@claude-edge/protocol/runner";

import { atOnce, readHashed, writeAll } from "./read-hashed.js";

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Blobs to be placed into a workspace, by hash. The folder is in the workspaces' file system, so placing is a rename. */
export class Staging {
  readonly #folder: string;
  /** Numbers partial files: two streams may send the same blob at once. */
  #parts = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  holds(sha256: string): boolean {
    return existsSync(this.#path(sha256));
  }

  /** Stages a copy of a file, if it still has the content. */
  copy(from: string, sha256: string): boolean {
    const part = this.#part(sha256);
    const file = openNew(part);
    let at = 0;
    try {
      const onChunk = (bytes: Uint8Array) => {
        writeAll(file, bytes, at);
        at += bytes.length;
      };
      const read = atOnce(readHashed(from, onChunk, () => (at = 0)));
      if (read?.sha256 !== sha256 || read.size !== at) return false;
      renameSync(part, this.#path(sha256));
      return true;
    } finally {
      closeSync(file);
      rmSync(part, { force: true });
    }
  }

  /** Receives a blob in chunks. */
  receive(head: BlobHead): Incoming {
    return new Incoming(head, this.#part(head.sha256), this.#path(head.sha256));
  }

  /** Returns a file with a blob's content and a mode, to be renamed. The last use takes the blob itself, others a copy. */
  file(sha256: string, mode: number, isLast: boolean): string {
    const blob = this.#path(sha256);
    if (isLast) {
      chmodSync(blob, mode);
      return blob;
    }
    const copy = `${blob}.copy`;
    rmSync(copy, { force: true });
    copyFileSync(blob, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    chmodSync(copy, mode);
    return copy;
  }

  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(sha256: string): string {
    return `${this.#folder}/${sha256}`;
  }

  #part(sha256: string): string {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    return `${this.#path(sha256)}.part${++this.#parts}`;
  }
}

/** Creates a new file, replacing a leftover of an interrupted attempt. */
function openNew(path: string): number {
  rmSync(path, { force: true });
  return openSync(path, NEW_FILE, 0o600);
}

/** A blob that is being received. */
export class Incoming {
  readonly head: BlobHead;
  readonly #part: string;
  readonly #path: string;
  readonly #file: number;
  readonly #hash: Hash = createHash("sha256");
  #size = 0;

  constructor(head: BlobHead, part: string, path: string) {
    this.head = head;
    this.#part = part;
    this.#path = path;
    this.#file = openNew(part);
  }

  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    writeAll(this.#file, bytes, this.#size);
    this.#size += bytes.length;
  }

  /** Completes the blob. @throws EdgeError `file_damaged` when size or hash do not match its head. */
  end(): void {
    const { sha256, size } = this.head;
    if (this.#size !== size || this.#hash.digest("hex") !== sha256) {
      throw new EdgeError("file_damaged", `What was sent as ${sha256} has another hash.`);
    }
    closeSync(this.#file);
    renameSync(this.#part, this.#path);
  }

  /** Discards an incomplete blob. */
  drop(): void {
    closeSync(this.#file);
    rmSync(this.#part, { force: true });
  }
}
