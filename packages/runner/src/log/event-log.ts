import { isDelta, type LogFrame, type LogHead } from "@claude-edge/protocol/runner";

/** A frame before the log has numbered it. */
export type NewFrame = LogFrame extends infer Frame
  ? Frame extends LogFrame
    ? Omit<Frame, "cursor" | "at">
    : never
  : never;

/** Where frames are appended. */
export interface FrameSink {
  append(frame: NewFrame): void;
}

interface Entry {
  cursor: number;
  line: string;
  /** A piece of a message that also comes complete: the first to go when memory is short. */
  isDelta: boolean;
}

/** How much one read returns at most, in characters: bounds what a slow reader has in flight. */
const READ_CHARS = 256 * 1024;

/**
 * Everything that a session emits, in one order. Frames are kept until they are acknowledged, so that a reader who lost
 * its connection continues from its cursor. When they become too many, the oldest deltas are dropped, never a message.
 */
export class EventLog implements FrameSink {
  readonly boot: string;
  readonly #maxChars: number;
  readonly #onResize: (chars: number) => void;
  readonly #readers = new Set<() => void>();
  #entries: Entry[] = [];
  #cursor = 0;
  #chars = 0;
  #deltaChars = 0;
  #isEnded = false;

  /** `maxChars`: how much may be unread. `onResize` is called with every change of what is. */
  constructor(boot: string, maxChars: number, onResize: (chars: number) => void = () => {}) {
    this.boot = boot;
    this.#maxChars = maxChars;
    this.#onResize = onResize;
  }

  get head(): LogHead {
    return { kind: "head", boot: this.boot, cursor: this.#cursor };
  }

  /** How many characters are held. */
  get chars(): number {
    return this.#chars;
  }

  /** How many of them can be dropped. */
  get deltaChars(): number {
    return this.#deltaChars;
  }

  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  /** No frame will follow. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  append(frame: NewFrame): void {
    const cursor = ++this.#cursor;
    const line = `${JSON.stringify({ ...frame, cursor, at: Date.now() })}\n`;
    const entry = { cursor, line, isDelta: isDelta(frame) };
    this.#entries.push(entry);
    this.#count(entry, 1);
    if (this.#chars > this.#maxChars) this.dropDeltas(this.#maxChars / 2);
    this.wake();
  }

  /** Forgets every frame up to the cursor. */
  acknowledge(cursor: number): void {
    const index = this.#entries.findIndex((entry) => entry.cursor > cursor);
    const gone = this.#entries.splice(0, index < 0 ? this.#entries.length : index);
    for (const entry of gone) this.#count(entry, -1);
  }

  /** What follows the cursor, a bounded piece of it; empty when there is nothing yet. */
  read(after: number): { text: string; cursor: number } {
    const first = this.#entries[0]?.cursor ?? this.#cursor + 1;
    let text = "";
    let cursor = Math.max(after, 0);
    for (let index = this.#indexAfter(after, first); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index]!;
      if (text.length > 0 && text.length + entry.line.length > READ_CHARS) break;
      text += entry.line;
      cursor = entry.cursor;
    }
    return { text, cursor };
  }

  /** Calls back at every append and at the end, until the returned function is called. */
  subscribe(wake: () => void): () => void {
    this.#readers.add(wake);
    return () => this.#readers.delete(wake);
  }

  /** Drops the oldest deltas until no more than this many characters are held, as far as there are deltas. */
  dropDeltas(target: number): void {
    if (this.#deltaChars === 0) return;
    this.#entries = this.#entries.filter((entry) => {
      if (!entry.isDelta || this.#chars <= target) return true;
      this.#count(entry, -1);
      return false;
    });
  }

  /** Has readers look again. */
  wake(): void {
    for (const wake of this.#readers) wake();
  }

  /** Lets readers finish what is there. */
  end(): void {
    this.#isEnded = true;
    this.wake();
  }

  #count({ line, isDelta: canGo }: Entry, sign: 1 | -1): void {
    const chars = sign * line.length;
    this.#chars += chars;
    if (canGo) this.#deltaChars += chars;
    this.#onResize(chars);
  }

  /** Cursors are dense unless deltas were dropped, so the guess is right or a little too far to the left. */
  #indexAfter(after: number, first: number): number {
    let index = Math.max(0, Math.min(after + 1 - first, this.#entries.length));
    while (index > 0 && this.#entries[index - 1]!.cursor > after) index -= 1;
    return index;
  }
}
