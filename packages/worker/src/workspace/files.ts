import {
  EdgeError,
  MAX_UPLOAD_BYTES,
  type AttachedFile,
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

import type { SessionLogs } from "../account/session-logs.js";
import type { Store } from "../account/store.js";
import { ByteReader } from "./byte-reader.js";
import type { NewCheckpoint } from "./checkpoint-table.js";
import { applyChanges } from "./edit.js";
import type { FileStore } from "./file-store.js";
import { assertPlace, namesOf, notFound, resolve, resolveFolder } from "./resolve.js";
import { packFolder, unpackInto } from "./tar.js";
import { entryOf, sumOf } from "./tree.js";
import { changesBetween, walk } from "./walk.js";

/** What of a workspace is listed. */
export interface ListQuery {
  path: string;
  recursive: boolean;
  at: string | undefined;
  cursor: string | undefined;
  limit: number;
}

/** Which bytes of a file: from one on, or the last so many. */
export type ByteRange = { first: number; last?: number } | { suffix: number };

/** A file that is being read. */
export interface OpenFile {
  entry: FileEntry;
  checkpoint: number;
  /** What of it `body` holds. */
  start: number;
  length: number;
  body: ReadableStream<Uint8Array>;
}

/** What must be so for a write: the content's hash, or that there is none. */
export interface Precondition {
  sha256?: string | undefined;
  absent?: boolean;
}

/** What is written to a file. */
export interface NewContent {
  body: ReadableStream<Uint8Array>;
  size: number | undefined;
  mode: number | undefined;
}

const FILE_MODE = 0o644;

/**
 * The files of an account's sessions, as callers read and write them: with no container, from what is stored. All throw
 * EdgeError `session_not_found` beside what they say.
 */
export class Files {
  /** What they are made of. */
  readonly stored: FileStore;
  readonly #store: Store;
  readonly #logs: SessionLogs;

  constructor(stored: FileStore, store: Store, logs: SessionLogs) {
    this.stored = stored;
    this.#store = store;
    this.#logs = logs;
  }

  /** @throws EdgeError `checkpoint_not_found`, `file_not_found`, `not_a_directory`. */
  listFiles(session: string, { path, recursive, at, cursor, limit }: ListQuery): FileList {
    this.#assertSession(session);
    const { checkpoint, root } = this.stored.state(session, at);
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
        return { checkpoint, entries, next_cursor: below(folder.path, last) };
      }
      entries.push(entryOf(found.path, found.node));
    }
    return { checkpoint, entries };
  }

  /** @throws EdgeError `file_not_found`, `not_a_file`, `checkpoint_not_found`, `range_not_satisfiable`. */
  async openFile(
    session: string,
    path: string,
    at: string | undefined,
    range: ByteRange | undefined,
  ): Promise<OpenFile> {
    const { entry, checkpoint } = this.statFile(session, path, at);
    const { size, sha256 } = entry as FileEntry & { sha256: string };
    const stretch = range && stretchOf(range, size);
    const body = await this.stored.blobs.read(sha256, stretch);
    return { entry, checkpoint, start: stretch?.start ?? 0, length: stretch?.length ?? size, body };
  }

  /** The same without its bytes. @throws EdgeError as {@link openFile}. */
  statFile(
    session: string,
    path: string,
    at: string | undefined,
  ): { entry: FileEntry; checkpoint: number } {
    this.#assertSession(session);
    const { checkpoint, root } = this.stored.state(session, at);
    const { path: found, node } = resolve(this.stored.trees, root, path);
    if (node.type === "directory") throw new EdgeError("not_a_file", `${path} is a directory.`);
    return { entry: entryOf(found, node), checkpoint };
  }

  /** Files as what goes with a prompt in another session. @throws EdgeError `file_not_found`, `not_a_file`. */
  borrow(session: string, paths: string[]): AttachedFile[] {
    return paths.map((path) => {
      if (!this.#store.hasSession(session)) throw notFound(path);
      const { sha256 = "", size } = this.statFile(session, path, undefined).entry;
      return { name: path.split("/").at(-1)!, sha256, size };
    });
  }

  /**
   * Writes a file. Nothing of it is there before all of it is.
   * @throws EdgeError `turn_running`, `file_changed`, `path_invalid`, `not_a_directory`, `not_a_file`,
   * `file_too_large`, `upload_cut`, `storage_full`.
   */
  async putFile(
    session: string,
    path: string,
    { body, size, mode }: NewContent,
    precondition: Precondition,
  ): Promise<FileWritten> {
    this.#assertSession(session);
    const reader = new ByteReader(body);
    const before = () => {
      this.#assertFree(session);
      const { root } = this.stored.checkpoints.stateAt(session);
      assertPlace(this.stored.trees, root, path);
      const node = this.stored.trees.at(root, namesOf(path));
      assertPrecondition(path, node?.type === "file" ? node.sha256 : undefined, precondition);
      return node;
    };
    try {
      before();
      return await this.stored.blobs.write(async (writer) => {
        const { sha256, size: bytes } = await writer.add(reader.rest(MAX_UPLOAD_BYTES), { size });
        await writer.end();
        await this.#logs.untilWhole(session);
        const known = before();
        const kept = known?.type === "file" ? known.mode : FILE_MODE;
        const node = { type: "file", mode: mode ?? kept, size: bytes, sha256 } as const;
        const written = this.commit(session, "write", [{ path, ...node }]);
        return { ...written, entry: entryOf(path, node) };
      });
    } finally {
      reader.cancel();
    }
  }

  /** @throws EdgeError `turn_running`, `file_not_found`, `not_a_file` for a directory without `recursive`. */
  async deleteFile(
    session: string,
    path: string,
    recursive: boolean,
    precondition: Precondition,
  ): Promise<FileWritten> {
    this.#assertSession(session);
    const names = namesOf(path);
    await this.#logs.untilWhole(session);
    this.#assertFree(session);
    const { root } = this.stored.checkpoints.stateAt(session);
    const node = this.stored.trees.at(root, names);
    assertPrecondition(path, node?.type === "file" ? node.sha256 : undefined, precondition);
    if (!node) throw notFound(path);
    if (node.type === "directory" && !recursive) {
      throw new EdgeError("not_a_file", `${path} is a directory with ${node.files} files in it.`);
    }
    return this.commit(session, "write", [{ path, type: "deleted" }]);
  }

  /** A directory as a tar. @throws EdgeError `file_not_found`, `not_a_directory`, `checkpoint_not_found`. */
  tarFiles(session: string, path: string, at: string | undefined): ReadableStream<Uint8Array> {
    this.#assertSession(session);
    const { root } = this.stored.state(session, at);
    const { tree } = resolveFolder(this.stored.trees, root, path);
    return packFolder(this.stored, tree);
  }

  /**
   * Writes the files of a tar into a directory, all of them or none.
   * @throws EdgeError `tar_invalid`, and as {@link putFile}.
   */
  async putTar(
    session: string,
    path: string,
    body: ReadableStream<Uint8Array>,
  ): Promise<FileWritten> {
    this.#assertSession(session);
    const assertFolder = () => {
      this.#assertFree(session);
      if (path === "") return;
      const { root } = this.stored.checkpoints.stateAt(session);
      const node = this.stored.trees.at(root, namesOf(path));
      if (node?.type !== "directory") assertPlace(this.stored.trees, root, path);
      if (node && node.type !== "directory") {
        throw new EdgeError("not_a_directory", `${path} is a ${node.type}.`);
      }
    };
    assertFolder();
    return this.stored.blobs.write(async (writer) => {
      const entries = await unpackInto(writer, body, path);
      await writer.end();
      await this.#logs.untilWhole(session);
      assertFolder();
      return this.commit(session, "write", entries);
    });
  }

  /** @throws EdgeError `checkpoint_not_found`. */
  diffFiles(
    session: string,
    {
      from,
      to,
      cursor,
      limit,
    }: Record<"from" | "to" | "cursor", string | undefined> & {
      limit: number;
    },
  ): FileDiff {
    this.#assertSession(session);
    const [left, right] = [this.stored.state(session, from ?? "0"), this.stored.state(session, to)];
    const diff: FileDiff = { from: left.checkpoint, to: right.checkpoint, changes: [] };
    for (const change of changesBetween(this.stored.trees, left.root, right.root, cursor)) {
      if (diff.changes.length === limit) {
        return { ...diff, next_cursor: diff.changes.at(-1)!.path };
      }
      diff.changes.push(change);
    }
    return diff;
  }

  /** Newest first; `cursor` is the last one of the page before. */
  listCheckpoints(session: string, cursor: number | undefined, limit: number): CheckpointList {
    this.#assertSession(session);
    const checkpoints = this.stored.checkpoints.list(session, limit + 1, cursor);
    if (checkpoints.length <= limit) return { checkpoints };
    const page = checkpoints.slice(0, limit);
    return { checkpoints: page, next_cursor: String(page.at(-1)!.checkpoint) };
  }

  /** Writes changes of a caller's down, with their event. Not before the session's log is whole. */
  commit(
    session: string,
    reason: CheckpointReason,
    changes: Iterable<WorkspaceEntry>,
    turn = "",
  ): FileWritten {
    const before = this.stored.checkpoints.stateAt(session);
    const root = applyChanges(this.stored.trees, before.root, changes);
    if (root === before.root) return { checkpoint: before.checkpoint, changed: 0 };
    const checkpoint = this.#store.transaction(() => {
      const seq = this.#logs.lastSeq(session) + 1;
      const written = this.write(session, seq, { turn, reason, root }, before.root);
      this.#logs.emitOwn(session, turn, "checkpoint", { checkpoint: written });
      return written;
    });
    return { checkpoint: checkpoint.checkpoint, changed: checkpoint.changed };
  }

  /** Writes a state down, under the number of the event that tells of it. Call it in that event's transaction. */
  write(
    session: string,
    seq: number,
    state: Pick<NewCheckpoint, "turn" | "reason" | "root" | "skipped">,
    before: string,
  ): CheckpointResource {
    let changed = 0;
    for (const _change of changesBetween(this.stored.trees, before, state.root)) changed += 1;
    const sum = sumOf(this.stored.trees.get(state.root));
    return this.stored.checkpoints.insert(session, seq, { ...state, ...sum, changed }, Date.now());
  }

  /** Puts a session's files back to how they were. Call it in the transaction of what else goes back. */
  rewind(session: string, turn: string | null): Rewound {
    const before = this.stored.checkpoints.stateAt(session);
    const { root } = this.stored.state(session, turn ?? "0");
    const seq = this.#logs.lastSeq(session) + 1;
    const checkpoint = this.write(session, seq, { turn: "", reason: "rewind", root }, before.root);
    this.#logs.emitOwn(session, "", "rewind", { to_turn_id: turn, checkpoint });
    return { turn_id: turn, checkpoint: seq, changed: checkpoint.changed };
  }

  /** @throws EdgeError `session_not_found`. */
  #assertSession(session: string): void {
    if (this.#store.hasSession(session)) return;
    throw new EdgeError("session_not_found", `There is no session ${session}.`);
  }

  #assertFree(session: string): void {
    this.#assertSession(session);
    const open = this.#store.openTurns().find((turn) => turn.session_id === session);
    if (!open || open.status === "waiting") return;
    const message = `Turn ${open.id} is ${open.status}: files can be written when it has ended.`;
    throw new EdgeError("turn_running", message, { turn_id: open.id });
  }
}

/** A path from a directory that is above it. */
const below = (folder: string, path: string): string =>
  folder === "" ? path : path.slice(folder.length + 1);

function stretchOf(range: ByteRange, size: number): { start: number; length: number } {
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
