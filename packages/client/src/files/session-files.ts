import type {
  CheckpointResource,
  FileChange,
  FileEntry,
  FileWritten,
} from "@claude-edge/protocol/wire";

import type { Transport } from "../transport.js";
import type { FileCalls } from "./calls.js";
import type { FileDownload } from "./download.js";
import { kit } from "./kit.js";
import type {
  DeleteFileOptions,
  DiffFilesOptions,
  GetFileOptions,
  GetTarOptions,
  ListCheckpointsOptions,
  ListFilesOptions,
  PutFileOptions,
  PutTarOptions,
} from "./options.js";
import type { UploadData } from "./upload.js";

/** Loads the calls about files on first use: 3 kB that most programs do not need. */
export async function fileCalls(transport: Transport, session: string): Promise<FileCalls> {
  const { FileCalls: Calls } = await import("./calls.js");
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
