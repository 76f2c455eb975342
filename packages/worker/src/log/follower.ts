import { EdgeError } from "@claude-edge/protocol";
import { readLines } from "@claude-edge/protocol/internal";
import type { CheckpointFrame, LogFrame, LogLine } from "@claude-edge/protocol/runner";

import { callRunner, type ContainerStub } from "../container/runner-client.js";
import { parseLine } from "./runner-line.js";
import { readPace } from "./pace.js";

export interface FollowerCallbacks {
  /** Fetches the files of a checkpoint, before it is applied. Rejects when its runner cannot be reached. */
  fetchCheckpoint(frame: CheckpointFrame): Promise<void>;
  /**
   * Applies frames, synchronously. `advance` is told how far they need not be read again. Throws when one cannot be
   * applied, and has stopped the follower then.
   */
  apply(frames: LogFrame[], advance: (cursor: number) => void): void;
  /** The follower has reached the end that the log had when it was opened. */
  caughtUp(): void;
  /** The cursor up to which the runner may drop frames. */
  acknowledgeable(): number;
  /** The runner takes no new turns and will end. */
  draining(): void;
  /** The runner that was followed is gone, or given up on. `sawEnd`: it was read up to its end. */
  lost(sawEnd: boolean): void;
  /** The runner has forgotten the session: its log is a new one. */
  removed(): void;
  /** Whether more frames are expected. */
  isBusy(): boolean;
}

/** How long an idle log is followed, milliseconds: the next turn often comes at once. */
const LINGER_MS = 10_000;

/**
 * A runner is given up after this without a line of its log, milliseconds, while its container runs or its object cannot
 * be reached. At half a processor, or across locations, a live one may be silent for long.
 */
const GIVEN_UP_MS = 60_000;

/** The first pause before the log is opened again, and the longest, milliseconds. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 2_000;

/** Stored frames are acknowledged at most this often, milliseconds. */
const ACK_MS = 1_000;

/** The end of a container shows this long after its connections break, milliseconds. Later it may have run on unseen. */
const END_NOTICED_MS = 2_000;

/** The runner pings every 3 s, so three missing pings mean a dead connection. */
const SILENCE_MS = 10_000;

/** A read that brings as much is not the last of what has come. Reads take 4 kB, mostly of pieces of 0.3 kB. */
const MANY_LINES = 8;
const LONG_LINE = 1_024;

type Timer = ReturnType<typeof setTimeout> | null;

/** Reads a session's log in one boot of its runner, from a cursor, for as long as there is work. */
export class Follower {
  readonly boot: string;
  cursor: number;
  readonly #path: string;
  readonly #container: ContainerStub;
  readonly #callbacks: FollowerCallbacks;
  /** A shorter log is another one. */
  readonly #minLength: number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #idleTimer: Timer = null;
  #acknowledged = 0;
  /** The last read was the first after a pause. */
  #isFirstRead = false;
  /** When the last line of the log was read. */
  #heardAt = Date.now();
  /** The end of the log when it was opened; Infinity once it is reached. */
  #head = Infinity;
  #ackTimer: Timer = null;
  #stopped = false;
  /** When all that it had said was last applied. */
  #readAllAt = -Infinity;

  constructor(
    container: ContainerStub,
    session: string,
    { boot, cursor, minLength }: { boot: string; cursor: number; minLength: number },
    callbacks: FollowerCallbacks,
  ) {
    this.#path = `/sessions/${session}/log`;
    this.#container = container;
    this.boot = boot;
    this.cursor = cursor;
    this.#minLength = minLength;
    this.#callbacks = callbacks;
  }

  /** Follows until there is no more work, {@link stop} is called, or the runner is lost. */
  async run(): Promise<void> {
    let brokenSince: number | undefined;
    for (let pause = RETRY_MS; !this.#stopped; pause = Math.min(pause * 2, MAX_RETRY_MS)) {
      const heardAt = this.#heardAt;
      try {
        await this.#readOnce();
      } catch {
        // A broken connection does not mean that the container is gone. It is checked below.
      }
      if (this.#stopped) return;
      if (this.#heardAt !== heardAt) {
        pause = RETRY_MS;
        brokenSince = undefined;
      }
      brokenSince ??= Date.now();
      const brokenMs = Date.now() - brokenSince;
      const gone = await this.#isRunnerGone();
      // Another follower may have taken over meanwhile.
      if (this.#stopped) return;
      if (gone) {
        this.stop();
        const wasRead = brokenSince - this.#readAllAt < SILENCE_MS && brokenMs < END_NOTICED_MS;
        return this.#callbacks.lost(gone === "ended" && wasRead);
      }
      await scheduler.wait(pause);
    }
  }

  /** Work has begun or ended. */
  touch(): void {
    clearTimeout(this.#idleTimer);
    if (this.#stopped || this.#callbacks.isBusy()) return;
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

  async #readOnce(): Promise<void> {
    const controller = new AbortController();
    // No timeout while applying: frames after a checkpoint wait until its files are stored. Looked at from time to time:
    // a timer for each piece that comes would cost more than the piece.
    let waitingSince = Date.now();
    const silence = setInterval(() => {
      if (Date.now() - waitingSince >= SILENCE_MS) controller.abort();
    }, SILENCE_MS / 4);
    try {
      const query = `boot=${this.boot}&after=${this.cursor}`;
      const { signal } = controller;
      const response = await this.#container.fetch(`http://runner${this.#path}?${query}`, {
        signal,
      });
      if (!response.ok || !response.body) throw new Error(`log answered ${response.status}`);
      const reader = response.body.getReader();
      this.#reader = reader;
      for await (const lines of readLines(reader)) {
        waitingSince = Infinity;
        this.#readAllAt = -Infinity;
        if (this.#stopped) return;
        const parsed = lines.map(parseLine);
        try {
          await this.#apply(parsed);
        } finally {
          // The head alone is no sign of life: a log that breaks after it each time is not read.
          if (parsed.some((line) => line && line.kind !== "head")) this.#heardAt = Date.now();
        }
        await this.#letMoreCome(lines);
        waitingSince = Date.now();
        if (this.#head === Infinity) this.#readAllAt = waitingSince;
      }
    } finally {
      clearInterval(silence);
      this.#reader = undefined;
    }
  }

  /**
   * Under load waits until more has come that one read can take, unless there was much already: then more is there. Only
   * after every other read, because the first one gets what came just after the last read and stopped the pipe.
   */
  async #letMoreCome(lines: string[]): Promise<void> {
    const delay = readPace.delay(lines.length, Date.now());
    const isMuch = lines.length >= MANY_LINES || lines.some(({ length }) => length >= LONG_LINE);
    this.#isFirstRead = delay > 0 && !isMuch && !this.#isFirstRead;
    if (delay > 0 && !isMuch && !this.#isFirstRead) await scheduler.wait(delay);
  }

  async #apply(lines: (LogLine | undefined)[]): Promise<void> {
    let frames: LogFrame[] = [];
    for (const line of lines) {
      if (line?.kind === "head") {
        if (line.boot !== this.boot) {
          throw new EdgeError("container_lost", "The runner was replaced.");
        }
        if (line.cursor < Math.max(this.cursor, this.#minLength)) {
          this.stop();
          return this.#callbacks.removed();
        }
        this.#head = line.cursor;
      } else if (line?.kind === "draining") {
        this.#callbacks.draining();
      } else if (line && line.kind !== "ping" && line.cursor > this.cursor) {
        if (line.kind === "checkpoint") {
          this.#applyFrames(frames);
          frames = [];
          await this.#callbacks.fetchCheckpoint(line);
          if (this.#stopped) return;
        }
        frames.push(line);
      }
    }
    this.#applyFrames(frames);
    if (this.cursor >= this.#head) {
      this.#head = Infinity;
      this.#callbacks.caughtUp();
    }
  }

  #applyFrames(frames: LogFrame[]): void {
    if (frames.length === 0) return;
    const advance = (cursor: number) => {
      this.cursor = cursor;
    };
    this.#callbacks.apply(frames, advance);
    advance(frames.at(-1)!.cursor);
    this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_MS);
  }

  #acknowledge(): void {
    this.#ackTimer = null;
    const cursor = this.#callbacks.acknowledgeable();
    if (cursor <= this.#acknowledged) return;
    this.#acknowledged = cursor;
    // If an acknowledgement is lost, the next one covers it.
    void callRunner(
      this.#container,
      "POST",
      `${this.#path}/ack?boot=${this.boot}&cursor=${cursor}`,
    ).catch(() => {});
  }

  /** `silent`: it may run on, and is given up. */
  async #isRunnerGone(): Promise<"ended" | "silent" | undefined> {
    // The object may be reset meanwhile, which its container outlives.
    const state = await this.#container.state().catch(() => undefined);
    if (state && !state.running) return "ended";
    if (state?.health && state.health.boot !== this.boot) return "ended";
    return Date.now() - this.#heardAt > GIVEN_UP_MS ? "silent" : undefined;
  }
}
