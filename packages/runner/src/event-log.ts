import { randomUUID } from "node:crypto";

import { isDelta, type LogFrame, type LogHead } from "@claude-edge/protocol/runner";

/** A frame before the log has numbered it. */
export type NewFrame = LogFrame extends infer Frame
  ? Frame extends LogFrame
    ? Omit<Frame, "cursor">
    : never
  : never;

interface Entry {
  cursor: number;
  line: string;
  /** A piece of a message that will also come whole: the first to go when memory is short. */
  delta: boolean;
}

/** Unread frames are kept up to this many characters; past it the oldest deltas go, never a message. */
const MAX_UNREAD_CHARS = 128 * 1024 * 1024;

/** How much one read hands out at once, in characters: bounds what a slow reader has in flight. */
const READ_CHARS = 256 * 1024;

/**
 * Everything the runner emits, in one order. Frames stay until they are acknowledged, so that a reader who lost its
 * connection reads on from its cursor.
 */
export class EventLog {
  readonly boot: string = randomUUID();
  #entries: Entry[] = [];
  #cursor = 0;
  #chars = 0;
  readonly #readers = new Set<() => void>();

  get head(): LogHead {
    return { kind: "head", boot: this.boot, cursor: this.#cursor };
  }

  append(frame: NewFrame): void {
    const cursor = ++this.#cursor;
    const line = `${JSON.stringify({ ...frame, cursor })}\n`;
    this.#entries.push({ cursor, line, delta: isDelta(frame) });
    this.#chars += line.length;
    if (this.#chars > MAX_UNREAD_CHARS) this.#dropDeltas();
    for (const wake of this.#readers) wake();
  }

  /** Forgets every frame up to the cursor. */
  acknowledge(cursor: number): void {
    const index = this.#entries.findIndex((entry) => entry.cursor > cursor);
    const gone = this.#entries.splice(0, index < 0 ? this.#entries.length : index);
    for (const entry of gone) this.#chars -= entry.line.length;
  }

  /** What follows the cursor, a bounded piece of it; empty when there is nothing yet. */
  read(after: number): { text: string; cursor: number } {
    const first = this.#entries[0]?.cursor ?? this.#cursor + 1;
    let text = "";
    let cursor = Math.max(after, 0);
    for (let index = this.#indexBehind(after, first); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index]!;
      if (text.length > 0 && text.length + entry.line.length > READ_CHARS) break;
      text += entry.line;
      cursor = entry.cursor;
    }
    return { text, cursor };
  }

  /** Calls back at every append, until the function it gives is called. */
  onAppend(wake: () => void): () => void {
    this.#readers.add(wake);
    return () => this.#readers.delete(wake);
  }

  /** Cursors are dense unless deltas were dropped, so the guess is right or a little too far to the left. */
  #indexBehind(after: number, first: number): number {
    let index = Math.max(0, Math.min(after + 1 - first, this.#entries.length));
    while (index > 0 && this.#entries[index - 1]!.cursor > after) index -= 1;
    return index;
  }

  #dropDeltas(): void {
    const half = MAX_UNREAD_CHARS / 2;
    this.#entries = this.#entries.filter((entry) => {
      if (!entry.delta || this.#chars <= half) return true;
      this.#chars -= entry.line.length;
      return false;
    });
  }
}
