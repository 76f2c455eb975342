/**
 * The files of a session's workspace, as callers see them.
 *
 * | route | what |
 * |---|---|
 * | `GET /v1/sessions/{id}/files?path&recursive&at&cursor&limit` | {@link FileList} |
 * | `GET·HEAD /v1/sessions/{id}/files/{path}?at` | a file's bytes; `Range`, `If-None-Match` |
 * | `PUT /v1/sessions/{id}/files/{path}?mode` | its new bytes; `If-Match`, `If-None-Match: *`; {@link FileWritten} |
 * | `DELETE /v1/sessions/{id}/files/{path}?recursive` | a file, or with `recursive` a folder; {@link FileWritten} |
 * | `GET /v1/sessions/{id}/tar?path&at` | a folder as a tar |
 * | `PUT /v1/sessions/{id}/tar?path` | the files of a tar, into a folder, at once; {@link FileWritten} |
 * | `GET /v1/sessions/{id}/diff?from&to&cursor&limit` | {@link FileDiff} |
 * | `GET /v1/sessions/{id}/checkpoints?cursor&limit` | {@link CheckpointList} |
 * | `POST /v1/sessions/{id}/rewind` | back to the end of a turn: conversation and files; {@link Rewound} |
 *
 * `at`, `from` and `to` name a state: a turn's id for its end, or a checkpoint's number; 0 is the beginning, when there
 * was nothing. Without `at` and `to` it is the newest. They all work while no container runs.
 */

/** What a path of a workspace holds. */
export interface FileEntry {
  /** From the workspace, with slashes, without one in front. */
  path: string;
  type: "file" | "directory" | "symlink";
  /** Permission bits, 0o777 at the most. */
  mode: number;
  /** Bytes; of a directory those of all files in it. */
  size: number;
  /** Of a file: SHA-256 of its bytes, in hex. It is its ETag too. */
  sha256?: string;
  /** Of a symlink: what it says. */
  target?: string;
}

/** Answer of `GET …/files`: by path, a directory before what is in it; `next_cursor` is there when more follow. */
export interface FileList {
  /** The number of the checkpoint it is of; 0 for the beginning. */
  checkpoint: number;
  entries: FileEntry[];
  next_cursor?: string;
}

/** Answer of whatever writes files. */
export interface FileWritten {
  /** The number of the checkpoint that holds it. */
  checkpoint: number;
  /** How many paths are different from before; 0 when what was written was there already. */
  changed: number;
  /** What was written, if that was one file. */
  entry?: FileEntry;
}

/** A path that differs between two states. A directory that is new or gone is not named when there are files in it. */
export interface FileChange {
  path: string;
  change: "added" | "modified" | "deleted";
  before?: FileEntry;
  after?: FileEntry;
}

/** Answer of `GET …/diff`: by path. */
export interface FileDiff {
  from: number;
  to: number;
  changes: FileChange[];
  next_cursor?: string;
}

/** Why a checkpoint was taken: a tool or a turn had changed files, a repository was cloned, before sleep, by a caller, by going back, at a fork. */
export type CheckpointReason = "tool" | "turn" | "clone" | "sleep" | "write" | "rewind" | "fork";

/** Something in a workspace that a checkpoint cannot hold. */
export interface SkippedFile {
  path: string;
  /** `special`: a device, socket or pipe. `unreadable`: of another user. `name`: not UTF-8. */
  reason: "special" | "unreadable" | "name";
}

/** A state of a session's files that can be gone back to. */
export interface CheckpointResource {
  /** Its event's `seq`; 0 for what a fork began with. */
  checkpoint: number;
  reason: CheckpointReason;
  /** The turn that made it; not there for one between turns. */
  turn_id?: string;
  /** Files in it, symlinks included, and their bytes. */
  files: number;
  bytes: number;
  /** Paths that differ from the one before. */
  changed: number;
  created_at: string;
  /** What was there and is not in it: 100 at the most. */
  skipped?: SkippedFile[];
}

/** Answer of `GET …/checkpoints`: newest first. */
export interface CheckpointList {
  checkpoints: CheckpointResource[];
  next_cursor?: string;
}

/** Answer of `POST …/rewind`. */
export interface Rewound {
  /** The turn at whose end the session is again; null for its beginning, and when its files alone were restored. */
  turn_id: string | null;
  checkpoint: number;
  /** Paths that were changed by it. */
  changed: number;
}

/** A file to go with a prompt: images and PDFs become content blocks, of all others the agent is told where they are. */
export type Attachment =
  | {
      /** A file of the workspace. */
      path: string;
    }
  | {
      /** What to call it: it is put into the workspace's folder `attachments`. */
      name: string;
      /** Its bytes, in base64. */
      data: string;
    };

/** A file that went with a prompt: one of the workspace, or one that came along and is put there. */
export type AttachedFile = { path: string } | { name: string; sha256: string; size: number };

/** Where attachments that come with a prompt are put. */
export const ATTACHMENTS_FOLDER = "attachments";

/** Directories of these names are in no checkpoint, wherever they are: whoever needs them can make them again. */
export const IGNORED_DIRECTORIES: readonly string[] = [
  "node_modules",
  ".venv",
  "venv",
  "__pycache__",
  ".pytest_cache",
  ".mypy_cache",
  ".ruff_cache",
  ".cache",
  ".npm",
  ".pnpm-store",
  ".turbo",
  ".gradle",
];

/** The largest number of files that a workspace can have and still be checkpointed. */
export const MAX_WORKSPACE_FILES = 100_000;

/** The largest body of a `PUT` of files, in bytes: what Cloudflare takes on every plan. */
export const MAX_UPLOAD_BYTES: number = 100 * 1024 * 1024;

/** The longest path, and the longest name in it, in bytes of UTF-8: Linux's. */
export const MAX_FILE_PATH_BYTES = 4_095;
export const MAX_FILE_NAME_BYTES = 255;

/** How many files can go with a prompt. */
export const MAX_ATTACHMENTS = 20;

/** Why a path is none of a workspace's, in words that go behind "must"; undefined when it is one. */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "not be empty";
  if (path.startsWith("/")) return "be relative to the workspace";
  if (path.includes("\0")) return "not hold a NUL";
  if (!path.isWellFormed()) return "be valid Unicode";
  const parts = path.split("/");
  if (parts.includes("..") || parts.includes(".")) return 'not have "." or ".." in it';
  if (parts.includes("")) return "not have an empty name in it";
  const { length } = new TextEncoder().encode(path);
  if (length > MAX_FILE_PATH_BYTES) return `have ${MAX_FILE_PATH_BYTES} bytes at the most`;
  const longest = Math.max(...parts.map((part) => new TextEncoder().encode(part).length));
  if (longest > MAX_FILE_NAME_BYTES)
    return `have names of ${MAX_FILE_NAME_BYTES} bytes at the most`;
  return undefined;
}
