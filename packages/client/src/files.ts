import type {
  CheckpointResource,
  FileChange,
  FileEntry,
  FileWritten,
} from "@claude-edge/protocol/wire";

import type { FileCalls } from "./files/calls.js";
import type { FileDownload } from "./files/download.js";
import { kit } from "./files/kit.js";
import type { UploadData } from "./files/upload.js";
import type { Transport } from "./transport.js";

/** What a call about files can be told beside its subject. */
export interface FileCallOptions {
  /** Aborts the call, a download that is being read too. */
  signal?: AbortSignal | undefined;
}

/** Which state of the files is read. */
export interface FileStateOptions extends FileCallOptions {
  /** A turn's id, for how they were at its end, or a checkpoint's number. The newest without it. */
  at?: string | number | undefined;
}

/** How far a transfer has come, in bytes; `total` is undefined where it is not known beforehand. */
export interface FileProgress {
  bytes: number;
  total: number | undefined;
}

interface ProgressOptions {
  /** Told of every piece that has come or gone. */
  onProgress?: ((progress: FileProgress) => void) | undefined;
}

/** How the files of a workspace are listed. */
export interface ListFilesOptions extends FileStateOptions {
  /** What is in its folders too, and in theirs. */
  recursive?: boolean | undefined;
  /** So many at the most; all without it. */
  limit?: number | undefined;
}

/** How a file is read. */
export interface GetFileOptions extends FileStateOptions, ProgressOptions {
  /** A part of it, in bytes, as `slice()` takes it: `end` is not included, `{ start: -100 }` are the last 100. */
  range?: { start: number; end?: number | undefined } | undefined;
  /** The SHA-256 of what is there already: nothing is sent when the file is still that. */
  ifNoneMatch?: string | undefined;
}

/** How a file is written. */
export interface PutFileOptions extends FileCallOptions, ProgressOptions {
  /** Permission bits like `0o755`; those it had, or 0o644 for a new one, without it. */
  mode?: number | undefined;
  /** Only over a file of this SHA-256. */
  ifMatch?: string | undefined;
  /** `"*"`: only where there is none. */
  ifNoneMatch?: "*" | undefined;
}

/** How a tar is unpacked into a workspace. */
export interface PutTarOptions extends FileCallOptions, ProgressOptions {
  /** The folder that it goes into; the workspace itself without it. */
  path?: string | undefined;
}

/** Which states are compared: a turn's id for its end, or a checkpoint's number; 0 is the beginning. */
export interface DiffFilesOptions extends FileCallOptions {
  /** The beginning without it. */
  from?: string | number | undefined;
  /** The newest without it. */
  to?: string | number | undefined;
}

/** How a folder is read as a tar. */
export interface GetTarOptions extends FileStateOptions, ProgressOptions {}

/** How a file is deleted. */
export interface DeleteFileOptions extends FileCallOptions {
  /** A folder too, with all it holds. */
  recursive?: boolean | undefined;
}

/** How checkpoints are listed. */
export interface ListCheckpointsOptions extends FileCallOptions {
  /** So many at the most; all without it. */
  limit?: number | undefined;
}

/** All that has to do with files: 3 kB that most programs have no use for. */
export async function fileCalls(transport: Transport, session: string): Promise<FileCalls> {
  const { FileCalls: Calls } = await import("./files/calls.js");
  return new Calls(kit, transport, session);
}

/**
 * The files of a session's workspace, with or without a running container. Paths are relative to the workspace, with
 * slashes. Writing throws `turn_running` (retryable) while a turn of the session runs or waits in the queue.
 *
 * @throws ApiError `session_not_found`, `file_not_found`, `checkpoint_not_found` from every method, and ClaudeEdgeError
 * `path_invalid` for a path that leads out of the workspace or can be none.
 */
export class SessionFiles {
  readonly #calls: () => Promise<FileCalls>;

  /** @internal */
  constructor(transport: Transport, session: string) {
    this.#calls = () => fileCalls(transport, session);
  }

  /** What a folder holds, by path, all of one state; pages are fetched as they are needed. `""` is the workspace. */
  async *list(path = "", options: ListFilesOptions = {}): AsyncGenerator<FileEntry> {
    yield* (await this.#calls()).list(path, options);
  }

  /**
   * Opens a file; its bytes are read from what this gives. With `ifNoneMatch` it gives undefined when the file is
   * unchanged.
   * @throws ApiError `not_a_file`, `range_not_satisfiable`, `file_damaged`.
   */
  get(path: string, options?: GetFileOptions & { ifNoneMatch?: undefined }): Promise<FileDownload>;
  get(path: string, options: GetFileOptions): Promise<FileDownload | undefined>;
  async get(path: string, options: GetFileOptions = {}): Promise<FileDownload | undefined> {
    return (await this.#calls()).get(path, options);
  }

  /**
   * Writes a file and the folders that it needs, whole or not at all. Sent again by itself after a passing failure,
   * except for a stream, which can be read once.
   * @throws ApiError `turn_running`, `file_changed` when `ifMatch` or `ifNoneMatch` does not hold, `file_too_large` over
   * 100 MiB, `not_a_file`, `not_a_directory`, `storage_full`.
   */
  async put(path: string, data: UploadData, options: PutFileOptions = {}): Promise<FileWritten> {
    return (await this.#calls()).put(path, data, options);
  }

  /**
   * Deletes a file, or with `recursive` a folder with all it holds.
   * @throws ApiError `turn_running`, `not_a_file` for a folder without `recursive`.
   */
  async delete(path: string, options: DeleteFileOptions = {}): Promise<FileWritten> {
    return (await this.#calls()).remove(path, options);
  }

  /** What differs between two states, by path; of one turn: from the one before it to itself. */
  async *diff(options: DiffFilesOptions = {}): AsyncGenerator<FileChange> {
    yield* (await this.#calls()).diff(options);
  }

  /**
   * A folder as an uncompressed tar, its names relative to the folder. A stream that breaks off throws.
   * @throws ApiError `not_a_directory`.
   */
  async tar(path = "", options: GetTarOptions = {}): Promise<ReadableStream<Uint8Array>> {
    return (await this.#calls()).tar(path, options);
  }

  /**
   * Unpacks a tar into a folder: all of its files at once, or none. What else is in the folder stays.
   * @throws ApiError `turn_running`, `tar_invalid`, `file_too_large`, `storage_full`.
   */
  async putTar(data: UploadData, options: PutTarOptions = {}): Promise<FileWritten> {
    return (await this.#calls()).putTar(data, options);
  }

  /** The states that can be gone back to, newest first. */
  async *checkpoints(options: ListCheckpointsOptions = {}): AsyncGenerator<CheckpointResource> {
    yield* (await this.#calls()).checkpoints(options);
  }
}
