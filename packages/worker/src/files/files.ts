import {
  EdgeError,
  MAX_UPLOAD_BYTES,
  type CheckpointList,
  type CheckpointReason,
  type CheckpointResource,
  type FileDiff,
  type FileEntry,
  type FileList,
  type FileWritten,
  type Rewound,
} from "@claude-edge/protocol";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import type { BlobWriter } from "./blob-writer.js";
import { ByteReader } from "./byte-reader.js";
import type { NewCheckpoint } from "./checkpoint-table.js";
import { applyChanges } from "./edit.js";
import type { FileStore } from "./file-store.js";
import { assertWritablePath, namesOf, notFound, resolve, resolveFolder } from "./resolve.js";
import { packFolder, unpackInto } from "./tar.js";
import { entryOf, totalsOf } from "./tree.js";
import { changesBetween, walk } from "./walk.js";

/** Which part of a workspace to list. */
export interface ListQuery {
  path: string;
  recursive: boolean;
  at: string | undefined;
  cursor: string | undefined;
  limit: number;
}

/** A byte range: from an offset on, or the last bytes. */
export type ByteRange = { first: number; last?: number } | { suffix: number };

/** A file opened for reading. */
export interface OpenFile {
  entry: FileEntry;
  checkpoint: number;
  /** The range of the file that `body` holds. */
  start: number;
  length: number;
  body: ReadableStream<Uint8Array>;
}

/** Condition of a write: the current content's hash, or that the file does not exist. */
export interface Precondition {
  sha256?: string | undefined;
  absent?: boolean;
}

/** New content of a file. */
export interface NewContent {
  body: ReadableStream<Uint8Array>;
  size: number | undefined;
  mode: number | undefined;
}

const FILE_MODE = 0o644;

/** The part of the session that changes of files depend on. */
export interface FileSession {
  /** @throws EdgeError `turn_running`. */
  assertFree(): void;
  /** Resolves when events can be added. */
  whenReplayed(): Promise<void>;
  readonly lastSeq: number;
  /** Adds an event that originates here. Call it in a transaction. */
  emitOwn(turn: string, kind: "checkpoint" | "rewind", rest: object): void;
  transaction<T>(work: () => T): T;
}

/** A session's files as callers read and write them: from storage, without a container. */
export class Files {
  readonly stored: FileStore;
  readonly #session: FileSession;

  constructor(stored: FileStore, session: FileSession) {
    this.stored = stored;
    this.#session = session;
  }

  /** @throws EdgeError `checkpoint_not_found`, `file_not_found`, `not_a_directory`. */
  listFiles({ path, recursive, at, cursor, limit }: ListQuery): FileList {
    const { checkpoint, root } = this.stored.state(at);
    const { trees } = this.stored;
    if (path !== "") {
      const found = resolve(trees, root, path);
      // As `ls` does with a file.
      if (found.node.type !== "directory") {
        return { checkpoint, entries: [entryOf(found.path, found.node)] };
      }
    }
    const folder = resolveFolder(trees, root, path);
    const after = cursor === undefined ? {} : { after: cursor };
    const entries: FileEntry[] = [];
    for (const found of walk(trees, folder.tree, {
      folder: folder.path,
      deep: recursive,
      ...after,
    })) {
      if (entries.length === limit) {
        const last = entries.at(-1)!.path;
        return { checkpoint, entries, next_cursor: relativePath(folder.path, last) };
      }
      entries.push(entryOf(found.path, found.node));
    }
    return { checkpoint, entries };
  }

  /** @throws EdgeError `file_not_found`, `not_a_file`, `checkpoint_not_found`, `range_not_satisfiable`. */
  async openFile(
    path: string,
    at: string | undefined,
    range: ByteRange | undefined,
  ): Promise<OpenFile> {
    const { entry, checkpoint } = this.statFile(path, at);
    const { size, sha256 } = entry as FileEntry & { sha256: string };
    const resolved = range && resolveRange(range, size);
    const body = await this.stored.blobs.read(sha256, resolved);
    return {
      entry,
      checkpoint,
      start: resolved?.start ?? 0,
      length: resolved?.length ?? size,
      body,
    };
  }

  /** Metadata of a file. @throws EdgeError as {@link openFile}. */
  statFile(path: string, at: string | undefined): { entry: FileEntry; checkpoint: number } {
    const { checkpoint, root } = this.stored.state(at);
    const { path: found, node } = resolve(this.stored.trees, root, path);
    if (node.type === "directory") throw new EdgeError("not_a_file", `${path} is a directory.`);
    return { entry: entryOf(found, node), checkpoint };
  }

  /**
   * Writes a file atomically.
   * @throws EdgeError `turn_running`, `file_changed`, `path_invalid`, `not_a_directory`, `not_a_file`,
   * `file_too_large`, `upload_cut`, `storage_full`, `session_busy`.
   */
  async putFile(
    path: string,
    { body, size, mode }: NewContent,
    precondition: Precondition,
  ): Promise<FileWritten> {
    const reader = new ByteReader(body);
    const assertWritable = () => {
      this.#session.assertFree();
      const { root } = this.stored.checkpoints.stateAt();
      assertWritablePath(this.stored.trees, root, path);
      const node = this.stored.trees.at(root, namesOf(path));
      assertPrecondition(path, node?.type === "file" ? node.sha256 : undefined, precondition);
      return node;
    };
    try {
      assertWritable();
      return await this.#receive(async (writer) => {
        const { sha256, size: bytes } = await writer.add(reader.rest(MAX_UPLOAD_BYTES), { size });
        await writer.end();
        await this.#session.whenReplayed();
        // Checked again: the upload took time.
        const existing = assertWritable();
        const existingMode = existing?.type === "file" ? existing.mode : FILE_MODE;
        const node = { type: "file", mode: mode ?? existingMode, size: bytes, sha256 } as const;
        const written = this.commit("write", [{ path, ...node }]);
        return { ...written, entry: entryOf(path, node) };
      });
    } finally {
      reader.cancel();
    }
  }

  /** @throws EdgeError `turn_running`, `file_not_found`, `not_a_file` for a directory without `recursive`. */
  async deleteFile(
    path: string,
    recursive: boolean,
    precondition: Precondition,
  ): Promise<FileWritten> {
    const names = namesOf(path);
    await this.#session.whenReplayed();
    this.#session.assertFree();
    const { root } = this.stored.checkpoints.stateAt();
    const node = this.stored.trees.at(root, names);
    assertPrecondition(path, node?.type === "file" ? node.sha256 : undefined, precondition);
    if (!node) throw notFound(path);
    if (node.type === "directory" && !recursive) {
      throw new EdgeError("not_a_file", `${path} is a directory with ${node.files} files in it.`);
    }
    return this.commit("write", [{ path, type: "deleted" }]);
  }

  /** Packs a directory as a tar. @throws EdgeError `file_not_found`, `not_a_directory`, `checkpoint_not_found`. */
  tarFiles(path: string, at: string | undefined): ReadableStream<Uint8Array> {
    const { root } = this.stored.state(at);
    const { tree } = resolveFolder(this.stored.trees, root, path);
    return packFolder(this.stored, tree);
  }

  /**
   * Unpacks a tar into a directory atomically.
   * @throws EdgeError `tar_invalid`, and as {@link putFile}.
   */
  async putTar(path: string, body: ReadableStream<Uint8Array>): Promise<FileWritten> {
    const assertFolder = () => {
      this.#session.assertFree();
      if (path === "") return;
      const { root } = this.stored.checkpoints.stateAt();
      const node = this.stored.trees.at(root, namesOf(path));
      if (node?.type !== "directory") assertWritablePath(this.stored.trees, root, path);
      if (node && node.type !== "directory") {
        throw new EdgeError("not_a_directory", `${path} is a ${node.type}.`);
      }
    };
    assertFolder();
    return this.#receive(async (writer) => {
      const entries = await unpackInto(writer, body, path);
      await writer.end();
      await this.#session.whenReplayed();
      assertFolder();
      return this.commit("write", entries);
    });
  }

  /** Runs an upload. @throws EdgeError `session_busy`. */
  #receive<Value>(work: (writer: BlobWriter) => Promise<Value>): Promise<Value> {
    const { uploads, blobs } = this.stored;
    return uploads.run(() => blobs.write(work));
  }

  /** @throws EdgeError `checkpoint_not_found`. */
  diffFiles({
    from,
    to,
    cursor,
    limit,
  }: Record<"from" | "to" | "cursor", string | undefined> & { limit: number }): FileDiff {
    const [left, right] = [this.stored.state(from ?? "0"), this.stored.state(to)];
    const diff: FileDiff = { from: left.checkpoint, to: right.checkpoint, changes: [] };
    for (const change of changesBetween(this.stored.trees, left.root, right.root, cursor)) {
      if (diff.changes.length === limit) {
        return { ...diff, next_cursor: diff.changes.at(-1)!.path };
      }
      diff.changes.push(change);
    }
    return diff;
  }

  /** Newest first; `cursor` is the last checkpoint of the previous page. */
  listCheckpoints(cursor: number | undefined, limit: number): CheckpointList {
    const checkpoints = this.stored.checkpoints.list(limit + 1, cursor);
    if (checkpoints.length <= limit) return { checkpoints };
    const page = checkpoints.slice(0, limit);
    return { checkpoints: page, next_cursor: String(page.at(-1)!.checkpoint) };
  }

  /** Stores a caller's changes together with their event. Call it after the session's log is replayed. */
  commit(reason: CheckpointReason, changes: Iterable<WorkspaceEntry>, turn = ""): FileWritten {
    const before = this.stored.checkpoints.stateAt();
    return this.#commit(reason, applyChanges(this.stored.trees, before.root, changes), turn);
  }

  /** Makes an earlier state the newest. Call it after the session's log is replayed. @throws EdgeError `checkpoint_not_found`. */
  restore(checkpoint: number): FileWritten {
    return this.#commit("rewind", this.stored.state(String(checkpoint)).root, "");
  }

  #commit(reason: CheckpointReason, root: string, turn: string): FileWritten {
    const before = this.stored.checkpoints.stateAt();
    if (root === before.root) return { checkpoint: before.checkpoint, changed: 0 };
    const checkpoint = this.#session.transaction(() => {
      const seq = this.#session.lastSeq + 1;
      const written = this.record(seq, { turn, reason, root }, before.root);
      this.#session.emitOwn(turn, "checkpoint", { checkpoint: written });
      return written;
    });
    return { checkpoint: checkpoint.checkpoint, changed: checkpoint.changed };
  }

  /** Records a state under the number of the event that announces it. Call it in that event's transaction. */
  record(
    seq: number,
    state: Pick<NewCheckpoint, "turn" | "reason" | "root" | "skipped">,
    before: string,
  ): CheckpointResource {
    let changed = 0;
    for (const _change of changesBetween(this.stored.trees, before, state.root)) changed += 1;
    const sum = totalsOf(this.stored.trees.get(state.root));
    return this.stored.checkpoints.insert(seq, { ...state, ...sum, changed }, Date.now());
  }

  /** Restores an earlier state of the files. Call it in the transaction that rewinds the session. */
  rewind(turn: string | null): Rewound {
    const before = this.stored.checkpoints.stateAt();
    const { root } = this.stored.state(turn ?? "0");
    const seq = this.#session.lastSeq + 1;
    const checkpoint = this.record(seq, { turn: "", reason: "rewind", root }, before.root);
    this.#session.emitOwn("", "rewind", { to_turn_id: turn, checkpoint });
    return { turn_id: turn, checkpoint: seq, changed: checkpoint.changed };
  }
}

const relativePath = (folder: string, path: string): string =>
  folder === "" ? path : path.slice(folder.length + 1);

function resolveRange(range: ByteRange, size: number): { start: number; length: number } {
  const start = "suffix" in range ? Math.max(size - range.suffix, 0) : range.first;
  const end = "suffix" in range ? size : Math.min((range.last ?? size) + 1, size);
  if (start < end) return { start, length: end - start };
  throw new EdgeError("range_not_satisfiable", `The file has ${size} bytes.`, { size });
}

function assertPrecondition(
  path: string,
  current: string | undefined,
  { sha256, absent = false }: Precondition,
): void {
  const details = current === undefined ? {} : { sha256: current };
  if (absent && current !== undefined) {
    throw new EdgeError("file_changed", `${path} exists.`, details);
  }
  if (sha256 !== undefined && sha256 !== current) {
    const now = current === undefined ? "does not exist" : `has the SHA-256 ${current}`;
    throw new EdgeError("file_changed", `${path} ${now}.`, details);
  }
}
