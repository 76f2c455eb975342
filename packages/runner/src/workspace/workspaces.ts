import { toWireError, type CheckpointReason } from "@claude-edge/protocol";

import type { EventLog } from "../event-log.js";
import { checkpointsFolder, type ThreadData } from "./calls.js";
import { readBlobs } from "./send-blobs.js";
import { ThreadClient } from "./thread-client.js";

/** A checkpoint that is to be taken. */
export interface CheckpointAsked {
  /** The turn that runs; empty when none does. */
  turn: string;
  reason: CheckpointReason;
  full?: boolean;
  /** Somebody waits for it: how it failed is told, however often. */
  isAwaited?: boolean;
}

interface Pending {
  asked: CheckpointAsked;
  done: Promise<void>;
}

/** What is known here of a session's files. */
interface Files {
  /** Checkpoints that were taken. */
  number: number;
  /** One that has not begun: who asks meanwhile shares it. */
  next: Pending | undefined;
  last: Promise<void>;
  /** There while content is missing; resolves when none is. */
  whole: PromiseWithResolvers<void> | undefined;
  /** The thread has forgotten what the last one held. */
  isFullDue: boolean;
  /** How the last one failed, and in which turn. */
  failure: string | undefined;
}

/** The workspaces of all sessions: what has changed in them goes into the log, and what is stored comes back. */
export class Workspaces {
  readonly #log: EventLog;
  readonly #thread: ThreadClient;
  readonly #state: string;
  readonly #files = new Map<string, Files>();
  #isClosed = false;

  constructor(log: EventLog, data: ThreadData) {
    this.#log = log;
    this.#state = data.state;
    this.#thread = new ThreadClient(data, () => {
      for (const files of this.#files.values()) files.isFullDue = true;
    });
  }

  /** Nothing is missing in a session's workspace: its tools may run. */
  isWhole(session: string): boolean {
    return this.#files.get(session)?.whole === undefined;
  }

  async untilWhole(session: string): Promise<void> {
    await this.#files.get(session)?.whole?.promise;
  }

  /** Takes a checkpoint. When it resolves, its frame is in the log, if there was anything new. Never rejects. */
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
   * How a workspace is to be; gives the content that is missing for it. `mayBegin` throws when it may not be changed.
   * @throws EdgeError when it cannot be so.
   */
  async put(
    session: string,
    body: AsyncIterable<Uint8Array>,
    mayBegin: () => void,
  ): Promise<string[]> {
    const files = this.#of(session);
    const begin = () => {
      mayBegin();
      files.whole ??= Promise.withResolvers<void>();
    };
    try {
      return await this.#thread.send(session, "workspace", body, begin);
    } finally {
      await this.#lookWhetherWhole(session, files);
    }
  }

  /** Content that was missing; gives what still is. @throws EdgeError `file_damaged`, `disk_full`, … */
  async putBlobs(session: string, body: AsyncIterable<Uint8Array>): Promise<string[]> {
    const files = this.#of(session);
    try {
      return await this.#thread.send(session, "blobs", body);
    } finally {
      await this.#lookWhetherWhole(session, files);
    }
  }

  /** Where the entries of a checkpoint lie until it is stored, one a line. */
  entriesFile(session: string, number: number): string {
    return `${checkpointsFolder(this.#state, session)}/${number}.ndjson`;
  }

  /** The bytes of blobs of a checkpoint, one behind the other. @throws EdgeError `file_not_found`. */
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

  /** Forgets a session, and deletes what was kept of it. */
  async forget(session: string): Promise<void> {
    const files = this.#files.get(session);
    if (!files) return;
    await files.last;
    this.#files.delete(session);
    files.whole?.resolve();
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
      const fresh = { isFullDue: false, next: undefined, whole: undefined, failure: undefined };
      files = { number: 0, last, ...fresh };
      this.#files.set(session, files);
    }
    return files;
  }

  async #take(session: string, files: Files, asked: CheckpointAsked): Promise<void> {
    // What is missing would look deleted.
    if (files.whole) return;
    const { turn, reason } = asked;
    const frame = { kind: "checkpoint", session, turn, reason } as const;
    try {
      const isFull = asked.full === true || files.isFullDue;
      const taken = await this.#thread.call("checkpoint", session, files.number + 1, isFull);
      files.failure = undefined;
      files.isFullDue = false;
      if (!taken.changed) return;
      files.number += 1;
      const { changed: _changed, ...told } = taken;
      this.#log.append({ ...frame, number: files.number, ...told });
    } catch (thrown) {
      if (this.#isClosed) return;
      const error = toWireError(thrown);
      const failure = `${turn} ${error.code}`;
      // A turn whose every tool fails to be recorded says so once.
      if (files.failure === failure && !asked.isAwaited) return;
      files.failure = failure;
      this.#log.append({ ...frame, number: 0, full: false, skipped: [], error });
    }
  }

  async #lookWhetherWhole(session: string, files: Files): Promise<void> {
    const isWhole = await this.#thread.call("isWhole", session).catch(() => false);
    if (!isWhole) {
      files.whole ??= Promise.withResolvers<void>();
    } else {
      files.whole?.resolve();
      files.whole = undefined;
    }
  }
}
