/** Options that every call about files takes. */
export interface FileCallOptions {
  /** Aborts the call, including a download in progress. */
  signal?: AbortSignal | undefined;
}

/** Which state of the files is read. */
export interface FileStateOptions extends FileCallOptions {
  /** A turn's id, for the state at its end, or a checkpoint's number. The newest by default. */
  at?: string | number | undefined;
}

/** Progress of a transfer, in bytes; `total` is undefined when the size is not known in advance. */
export interface FileProgress {
  bytes: number;
  total: number | undefined;
}

interface ProgressOptions {
  /** Called after every chunk that was received or sent. */
  onProgress?: ((progress: FileProgress) => void) | undefined;
}

/** How the files of a workspace are listed. */
export interface ListFilesOptions extends FileStateOptions {
  /** Includes the contents of subfolders. */
  recursive?: boolean | undefined;
  /** At most this many; all by default. */
  limit?: number | undefined;
}

/** How a file is read. */
export interface GetFileOptions extends FileStateOptions, ProgressOptions {
  /** A byte range, as in `slice()`: `end` is exclusive, `{ start: -100 }` is the last 100 bytes. */
  range?: { start: number; end?: number | undefined } | undefined;
  /** The SHA-256 of a copy you have: nothing is sent if the file still matches it. */
  ifNoneMatch?: string | undefined;
}

/** How a file is written. */
export interface PutFileOptions extends FileCallOptions, ProgressOptions {
  /** Permission bits like `0o755`. By default an existing file keeps its own, and a new one gets 0o644. */
  mode?: number | undefined;
  /** Writes only if the current file has this SHA-256. */
  ifMatch?: string | undefined;
  /** `"*"`: writes only if there is no such file. */
  ifNoneMatch?: "*" | undefined;
}

/** How a tar is unpacked into a workspace. */
export interface PutTarOptions extends FileCallOptions, ProgressOptions {
  /** The folder to unpack into; the workspace itself by default. */
  path?: string | undefined;
}

/** The states to compare: a turn's id for its end, or a checkpoint's number; 0 is the beginning. */
export interface DiffFilesOptions extends FileCallOptions {
  /** The beginning by default. */
  from?: string | number | undefined;
  /** The newest by default. */
  to?: string | number | undefined;
}

/** How a folder is read as a tar. */
export interface GetTarOptions extends FileStateOptions, ProgressOptions {}

/** How a session is exported. */
export interface ExportOptions extends FileCallOptions, ProgressOptions {}

/** How a file is deleted. */
export interface DeleteFileOptions extends FileCallOptions {
  /** Also deletes a folder, with its contents. */
  recursive?: boolean | undefined;
}

/** How checkpoints are listed. */
export interface ListCheckpointsOptions extends FileCallOptions {
  /** At most this many; all by default. */
  limit?: number | undefined;
}
