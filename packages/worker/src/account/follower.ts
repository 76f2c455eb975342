import { EdgeError } from "@claude-edge/protocol";
import { readLines } from "@claude-edge/protocol/internal";
import type { CheckpointFrame, LogFrame, LogLine } from "@claude-edge/protocol/runner";

import { callRunner, type ContainerStub } from "./runner-client.js";

export interface FollowerCallbacks {
  /** Fetches what a checkpoint holds, before it is applied. Rejects when its runner cannot be reached. */
  fetch(frame: CheckpointFrame): Promise<void>;
  /** Applies frames; when it returns, they are applied up to the last one's cursor. */
  apply(frames: LogFrame[]): void;
  /** All that was in the log when it was opened is applied. */
  reached(): void;
  /** The cursor up to which frames are stored for good, and may be forgotten by the runner. */
  stored(): number;
  /** The runner that was followed is gone. */
  lost(): void;
  /** There is work whose frames are awaited. */
  busy(): boolean;
}

/** With no work, a log is followed for this long yet: the next turn often comes at once. Milliseconds. */
const LINGER_MS = 10_000;

/** A broken log is tried again for this long while its container says that it runs, milliseconds. */
const RECONNECT_MS = 8_000;
const RETRY_MS = 250;

/** Stored frames are acknowledged at most this often, milliseconds. */
const ACK_MS = 1_000;

/** The runner sends a ping every 3 s when there is nothing else; three of them missing are a dead connection. */
const SILENCE_MS = 10_000;

type Timer = ReturnType<typeof setTimeout> | null;

/** Reads one boot's log, from a cursor, for as long as there is work. */
export class Follower {
  readonly boot: string;
  cursor: number;
  readonly #container: ContainerStub;
  readonly #callbacks: FollowerCallbacks;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #idleTimer: Timer = null;
  #acknowledged = 0;
  /** Where the log ended when it was opened; nothing to wait for once that is reached. */
  #head = Infinity;
  #ackTimer: Timer = null;
  #stopped = false;

  constructor(
    container: ContainerStub,
    boot: string,
    cursor: number,
    callbacks: FollowerCallbacks,
  ) {
    this.#container = container;
    this.boot = boot;
    this.cursor = cursor;
    this.#callbacks = callbacks;
  }

  /** Follows until there is no more work, {@link stop} is called, or the runner is lost. */
  async run(): Promise<void> {
    let brokenSince: number | undefined;
    while (!this.#stopped) {
      try {
        await this.#readOnce(() => {
          brokenSince = undefined;
        });
      } catch {
        // A broken connection says nothing of the container: it is asked below.
      }
      if (this.#stopped) return;
      brokenSince ??= Date.now();
      const isGone = await this.#isGone(Date.now() - brokenSince > RECONNECT_MS);
      // Another may have taken over meanwhile.
      if (this.#stopped) return;
      if (isGone) {
        this.stop();
        return this.#callbacks.lost();
      }
      await scheduler.wait(RETRY_MS);
    }
  }

  /** Says that there is work again, or that it has ended. */
  touch(): void {
    clearTimeout(this.#idleTimer);
    if (this.#stopped || this.#callbacks.busy()) return;
    this.#idleTimer = setTimeout(() => this.stop(), LINGER_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#ackTimer);
    void this.#reader?.cancel().catch(() => {});
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  async #readOnce(onData: () => void): Promise<void> {
    const controller = new AbortController();
    let silence: Timer = null;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => controller.abort(), SILENCE_MS);
    };
    heard();
    try {
      const query = `boot=${this.boot}&after=${this.cursor}`;
      const { signal } = controller;
      const response = await this.#container.fetch(`http://runner/log?${query}`, { signal });
      if (!response.ok || !response.body) throw new Error(`log answered ${response.status}`);
      const reader = response.body.getReader();
      this.#reader = reader;
      for await (const lines of readLines(reader)) {
        // What follows a checkpoint is applied when that is stored: whatever tells of a tool's end tells the truth.
        clearTimeout(silence);
        if (this.#stopped) return;
        onData();
        await this.#apply(lines.map((line) => JSON.parse(line) as LogLine));
        heard();
      }
    } finally {
      clearTimeout(silence);
      this.#reader = undefined;
    }
  }

  async #apply(lines: LogLine[]): Promise<void> {
    let frames: LogFrame[] = [];
    for (const line of lines) {
      if (line.kind === "head") {
        if (line.boot !== this.boot) {
          throw new EdgeError("container_lost", "The runner was replaced.");
        }
        this.#head = line.cursor;
      } else if (line.kind !== "ping" && line.cursor > this.cursor) {
        if (line.kind === "checkpoint") {
          this.#applyFrames(frames);
          frames = [];
          await this.#callbacks.fetch(line);
          if (this.#stopped) return;
        }
        frames.push(line);
      }
    }
    this.#applyFrames(frames);
    if (this.cursor >= this.#head) {
      this.#head = Infinity;
      this.#callbacks.reached();
    }
  }

  #applyFrames(frames: LogFrame[]): void {
    if (frames.length === 0) return;
    this.#callbacks.apply(frames);
    this.cursor = frames.at(-1)!.cursor;
    this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_MS);
  }

  #acknowledge(): void {
    this.#ackTimer = null;
    const cursor = this.#callbacks.stored();
    if (cursor <= this.#acknowledged) return;
    this.#acknowledged = cursor;
    // One that is lost is made good by the next.
    void callRunner(this.#container, "POST", `/log/ack?boot=${this.boot}&cursor=${cursor}`).catch(
      () => {},
    );
  }

  async #isGone(patienceIsOver: boolean): Promise<boolean> {
    const state = await this.#container.state().catch(() => undefined);
    if (state === undefined) return patienceIsOver;
    if (!state.running) return true;
    return state.health === undefined ? patienceIsOver : state.health.boot !== this.boot;
  }
}
