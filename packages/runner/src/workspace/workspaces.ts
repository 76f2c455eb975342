import { toWireError, type CheckpointReason } from "@claude-edge/protocol";

import type { SessionLogs } from "../log/session-logs.js";
import { checkpointsFolder, type ThreadData } from "./calls.js";
import { readBlobs } from "./send-blobs.js";
import { ThreadClient } from "./thread-client.js";

/** A checkpoint to take. */
export interface CheckpointAsked {
  /** The turn that runs; empty when none does. */
  turn: string;
  reason: CheckpointReason;
  full?: boolean;
  /** A caller waits for it: a failure is logged every time, not once a turn. */
  isAwaited?: boolean;
}

interface Pending {
  asked: CheckpointAsked;
  done: Promise<void>;
}

/** The state of a session's workspace. */
interface Files {
  /** How many checkpoints were taken. */
  number: number;
  /** A checkpoint that has not begun: further requests share it. */
  next: Pending | undefined;
  last: Promise<void>;
  /** Set while content is missing; resolves when it is complete. */
  incomplete: PromiseWithResolvers<void> | undefined;
  /** The thread has lost the state of the last checkpoint. */
  isFullDue: boolean;
  /** The turn and error of the last failed checkpoint. */
  failure: string | undefined;
}

/** The workspaces of all sessions. Checkpoints go into the sessions' logs; stored states are restored. */
export class Workspaces {
  readonly #logs: SessionLogs;
  readonly #thread: ThreadClient;
  readonly #state: string;
  readonly #files = new Map<string, Files>();
  #isClosed = false;

  constructor(logs: SessionLogs, data: ThreadData) {
    this.#logs = logs;
    this.#state = data.state;
    this.#thread = new ThreadClient(data, () => {
      for (const files of this.#files.values()) files.isFullDue = true;
    });
  }

  /** The sessions whose workspaces are known here. */
  get sessions(): Iterable<string> {
    return this.#files.keys();
  }

  /** Whether all content of a session's workspace has arrived: its tools may run. */
  isComplete(session: string): boolean {
    return this.#files.get(session)?.incomplete === undefined;
  }

  async whenComplete(session: string): Promise<void> {
    await this.#files.get(session)?.incomplete?.promise;
  }

  /** Takes a checkpoint. Resolves once its frame is in the log, if anything had changed. Never rejects. */
  async checkpoint(session: string, asked: CheckpointAsked): Promise<void> {
    const files = this.#of(session);
    if (files.next) {
      const { asked: next } = files.next;
      next.full ||= asked.full ?? false;
      next.isAwaited ||= asked.isAwaited ?? false;
      return files.next.done;
    }
    const own = { ...asked };
    const done = files.last.then(() => {
      files.next = undefined;
      return this.#take(session, files, own);
    });
    files.next = { asked: own, done };
    files.last = done;
    return done;
  }

  /**
   * Sets the desired state of a workspace; returns the content that is missing for it. `assertChangeable` throws when it
   * must not be changed.
   * @throws EdgeError when that state is impossible.
   */
  async put(
    session: string,
    body: AsyncIterable<Uint8Array>,
    assertChangeable: () => void,
  ): Promise<string[]> {
    const files = this.#of(session);
    const begin = () => {
      assertChangeable();
      files.incomplete ??= Promise.withResolvers<void>();
    };
    try {
      return await this.#thread.send(session, "workspace", body, begin);
    } finally {
      await this.#recheckComplete(session, files);
    }
  }

  /** Receives missing content; returns what is still missing. @throws EdgeError `file_damaged`, `disk_full`, … */
  async putBlobs(session: string, body: AsyncIterable<Uint8Array>): Promise<string[]> {
    const files = this.#of(session);
    try {
      return await this.#thread.send(session, "blobs", body);
    } finally {
      await this.#recheckComplete(session, files);
    }
  }

  /** The file that holds the entries of a checkpoint until it is stored, one per line. */
  entriesFile(session: string, number: number): string {
    return `${checkpointsFolder(this.#state, session)}/${number}.ndjson`;
  }

  /** The bytes of blobs of a checkpoint, concatenated. @throws EdgeError `file_not_found`. */
  async blobs(
    session: string,
    number: number,
    hashes: string[],
  ): Promise<{ size: number; bytes: AsyncIterable<Uint8Array> }> {
    const places = await this.#thread.call("locate", session, number, hashes);
    const size = places.reduce((sum, place) => sum + place.size, 0);
    return { size, bytes: await readBlobs(places) };
  }

  async release(session: string, number: number): Promise<void> {
    if (this.#files.has(session)) await this.#thread.call("release", session, number);
  }

  /** Forgets a session and deletes its checkpoints. */
  async forget(session: string): Promise<void> {
    const files = this.#files.get(session);
    if (!files) return;
    await files.last;
    this.#files.delete(session);
    files.incomplete?.resolve();
    await this.#thread.call("forget", session);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#thread.close();
  }

  #of(session: string): Files {
    let files = this.#files.get(session);
    if (!files) {
      const last = Promise.resolve();
      const fresh = {
        isFullDue: false,
        next: undefined,
        incomplete: undefined,
        failure: undefined,
      };
      files = { number: 0, last, ...fresh };
      this.#files.set(session, files);
    }
    return files;
  }

  async #take(session: string, files: Files, asked: CheckpointAsked): Promise<void> {
    // Missing content would look deleted.
    if (files.incomplete) return;
    const { turn, reason } = asked;
    const frame = { kind: "checkpoint", turn, reason } as const;
    try {
      const isFull = asked.full === true || files.isFullDue;
      const taken = await this.#thread.call("checkpoint", session, files.number + 1, isFull);
      files.failure = undefined;
      files.isFullDue = false;
      if (!taken.changed) return;
      files.number += 1;
      const { changed: _changed, ...told } = taken;
      this.#logs.open(session).append({ ...frame, number: files.number, ...told });
    } catch (thrown) {
      if (this.#isClosed) return;
      const error = toWireError(thrown);
      const failure = `${turn} ${error.code}`;
      // A turn in which every checkpoint fails logs it once.
      if (files.failure === failure && !asked.isAwaited) return;
      files.failure = failure;
      const failed = { ...frame, number: 0, full: false, skipped: [], error };
      this.#logs.open(session).append(failed);
    }
  }

  async #recheckComplete(session: string, files: Files): Promise<void> {
    const isComplete = await this.#thread.call("isComplete", session).catch(() => false);
    if (!isComplete) {
      files.incomplete ??= Promise.withResolvers<void>();
    } else {
      files.incomplete?.resolve();
      files.incomplete = undefined;
    }
  }
}
