import { Worker } from "node:worker_threads";

import { EdgeError, type ErrorCode } from "@claude-edge/protocol";

import { logger } from "../logger.js";
import type { Answer, BodyKind, Call, Calls, ThreadData } from "./calls.js";

/** The path in the build output, where the bundle that contains this file is one folder up. */
const THREAD = new URL("./workspace/thread.js", import.meta.url);

/** Size of one message to the thread. */
const MESSAGE_BYTES = 256 * 1024;

/** Repacks bytes into own buffers, which can be transferred. Cloning them kept both threads busy with garbage collection. */
async function* toTransferable(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let piece = new Uint8Array(MESSAGE_BYTES);
  let end = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + MESSAGE_BYTES - end);
      piece.set(part, end);
      at += part.length;
      end += part.length;
      if (end < MESSAGE_BYTES) continue;
      yield piece;
      piece = new Uint8Array(MESSAGE_BYTES);
      end = 0;
    }
  }
  if (end > 0) yield piece.subarray(0, end);
}

/** The client of the workspace thread, which starts with the first call. */
export class ThreadClient {
  readonly #data: ThreadData;
  readonly #onLost: () => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #thread: Worker | undefined;
  #lastCallId = 0;
  #isClosed = false;

  /** `onLost`: the thread has died with all its state. The next call starts another. */
  constructor(data: ThreadData, onLost: () => void) {
    this.#data = data;
    this.#onLost = onLost;
  }

  /** @throws EdgeError as the call does, and `workspace_unavailable` when the thread is lost. */
  async call<Name extends keyof Calls>(
    name: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<ReturnType<Calls[Name]>> {
    return this.#call(name, args, []);
  }

  async #call<Name extends keyof Calls>(
    name: Name,
    args: Parameters<Calls[Name]>,
    transfer: ArrayBuffer[],
  ): Promise<ReturnType<Calls[Name]>> {
    if (this.#isClosed) throw lost("The runner is shutting down.");
    const id = ++this.#lastCallId;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    // oxlint-disable-next-line require-post-message-target-origin -- a thread has none
    this.#open().postMessage({ id, name, args } satisfies Call, transfer);
    return waiting.promise as Promise<ReturnType<Calls[Name]>>;
  }

  /** Streams a body to the thread and returns the missing content. `onRead` is called when the body was read completely. */
  async send(
    session: string,
    kind: BodyKind,
    chunks: AsyncIterable<Uint8Array>,
    onRead: () => void = () => {},
  ): Promise<string[]> {
    const body = await this.call("open", session, kind);
    try {
      for await (const piece of toTransferable(chunks)) {
        await this.#call("write", [body, piece], [piece.buffer]);
      }
      onRead();
      return await this.call("end", body);
    } finally {
      await this.call("drop", body).catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.terminate();
  }

  #open(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(THREAD, { workerData: this.#data });
    this.#thread = thread;
    thread.unref();
    thread.on("message", ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new EdgeError(error.code as ErrorCode, error.message));
      else waiting?.resolve(result);
    });
    let reason = "It ended.";
    thread.on("error", (error: Error) => (reason = error.message));
    thread.on("exit", () => {
      this.#thread = undefined;
      if (!this.#isClosed) {
        logger.error("workspace thread lost", { reason });
        this.#onLost();
      }
      for (const { reject } of this.#waiting.values()) reject(lost(reason));
      this.#waiting.clear();
    });
    return thread;
  }
}

const lost = (reason: string) => new EdgeError("workspace_unavailable", reason);
