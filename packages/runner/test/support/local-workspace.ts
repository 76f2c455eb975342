import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import type { WorkspaceEntry } from "@claude-edge/protocol/runner";
import { onTestFinished } from "vitest";

import { blobsBody, targetBody, type Body } from "../../src/workspace/bodies.js";
import { failureOf } from "../../src/workspace/failure.js";
import { atOnce } from "../../src/workspace/read-hashed.js";
import { readBlobs } from "../../src/workspace/send-blobs.js";
import { Workspace, type Taken, type WorkspaceOptions } from "../../src/workspace/workspace.js";
import { blobStream } from "./entries.js";

/** A checkpoint that was taken, with its number. */
export interface LocalCheckpoint extends Taken {
  number: number;
}

/**
 * A workspace in a folder of its own, asked in this process what the runner asks its thread. The names are those of
 * `TestSession`, which asks a runner the same over its socket. Its folder is gone after the test.
 */
export class LocalWorkspace {
  readonly folder: string = mkdtempSync(join(tmpdir(), "workspace-"));
  readonly root: string = join(this.folder, "root");
  /** Where checkpoints lie until they are stored. */
  readonly checkpoints: string = join(this.folder, "checkpoints");
  /** Where content waits until it is placed. */
  readonly staging: string = join(this.folder, "staging");
  readonly #workspace: Workspace;
  readonly #neighbours: LocalWorkspace[];
  /** Checkpoints that were taken. */
  #number = 0;

  /** `neighbours`: workspaces of the same runner, whose files may have wanted content. */
  constructor(options: Partial<WorkspaceOptions> = {}, neighbours: LocalWorkspace[] = []) {
    const { root, checkpoints, staging } = this;
    const all = { ignore: [], gitignore: false, maxFiles: 100_000, ...options };
    this.#workspace = new Workspace({ root, checkpoints, staging }, all);
    this.#neighbours = neighbours;
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  makeRoot(): this {
    mkdirSync(this.root);
    return this;
  }

  at(path: string): string {
    return join(this.root, path);
  }

  /** Makes a directory and those it lies in. */
  makeDirectory(path: string): void {
    const made = mkdirSync(this.at(path), { recursive: true });
    if (made === undefined) return;
    // Whatever the umask is: a thread cannot set it.
    for (let folder = this.at(path); folder.startsWith(made); folder = dirname(folder)) {
      chmodSync(folder, 0o755);
    }
  }

  /** Writes a file, as a tool would. */
  write(path: string, content: string, mode = 0o644): void {
    this.makeDirectory(dirname(path));
    writeFileSync(this.at(path), content);
    chmodSync(this.at(path), mode);
  }

  read(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }

  /** Content that waits to be placed. */
  get staged(): string[] {
    return existsSync(this.staging) ? readdirSync(this.staging) : [];
  }

  /** Takes a checkpoint, unless nothing has changed. */
  checkpoint({ full = false } = {}): LocalCheckpoint | undefined {
    const taken = atOnce(this.#workspace.checkpoint(this.#number + 1, full));
    if (!taken.changed) return undefined;
    this.#number += 1;
    return { ...taken, number: this.#number };
  }

  entries(number: number): WorkspaceEntry[] {
    const lines = readFileSync(join(this.checkpoints, `${number}.ndjson`), "utf8").split("\n");
    return lines.slice(0, -1).map((line) => JSON.parse(line) as WorkspaceEntry);
  }

  /** Takes a checkpoint; gives what has changed. */
  changes(ask: { full?: boolean } = {}): WorkspaceEntry[] {
    const taken = this.checkpoint(ask);
    return taken ? this.entries(taken.number) : [];
  }

  /** The bytes of blobs of a checkpoint. */
  async blobs(number: number, hashes: string[]): Promise<Buffer> {
    const places = this.#workspace.locate(number, hashes);
    const chunks: Uint8Array[] = [];
    for await (const chunk of await readBlobs(places)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  release(number: number): void {
    this.#workspace.release(number);
  }

  /** Says how it is to be; gives the content that is missing for it. */
  put(entries: WorkspaceEntry[], full = true): string[] {
    return this.putLines([{ full }, ...entries].map((line) => JSON.stringify(line)));
  }

  putLines(lines: string[]): string[] {
    const body = targetBody(this.#workspace, (wanted) => {
      const sources = new Map<string, string[]>();
      for (const one of [this, ...this.#neighbours]) one.#workspace.addSources(wanted, sources);
      return sources;
    });
    return write(body, [Buffer.from(lines.map((line) => `${line}\n`).join(""))]);
  }

  /** Sends contents; gives what is still missing. */
  send(...contents: string[]): string[] {
    return this.sendRaw([blobStream(...contents)]);
  }

  sendRaw(chunks: Uint8Array[]): string[] {
    return write(this.receive(), chunks);
  }

  /** A stream of contents that has begun. */
  receive(): Body {
    return blobsBody(this.#workspace);
  }
}

function write(body: Body, chunks: Uint8Array[]): string[] {
  try {
    for (const chunk of chunks) body.write(chunk);
    return body.end();
  } catch (error) {
    // As the thread tells of it.
    throw failureOf(error);
  } finally {
    body.drop();
  }
}
