import { cut, PART_CHARS } from "../sql/parts.js";
import type { LogEvent, LogHead, LogPart } from "./log-event.js";

/**
 * Recent events of a session are kept in memory up to this many characters; older ones are read from storage. Deltas are
 * only here: some 7 000 of them, two minutes of a fast model. A character takes one byte or two.
 */
const TAIL_CHARS = 2 * 1024 * 1024;

/**
 * All sessions of an isolate keep no more than this: objects of a class may share one, and its 128 MB. With two bytes a
 * character it is a quarter of that.
 */
const ISOLATE_CHARS = 16 * 1024 * 1024;

/** How much one read returns at most, in characters: bounds what a slow reader has in flight. */
const READ_CHARS = PART_CHARS;

/** How long recent events of an idle session are kept for readers that reconnect, milliseconds. */
const TAIL_LIFE_MS = 60_000;

/** What the tails of an isolate hold together. Those of objects that are gone are the first to be emptied. */
class TailMemory {
  /** Used last comes last. */
  readonly #tails = new Set<Tail>();
  #chars = 0;

  /** A tail has grown or shrunk. */
  note(tail: Tail, chars: number): void {
    this.#chars += chars;
    if (chars <= 0) return;
    this.#tails.delete(tail);
    this.#tails.add(tail);
    for (const other of this.#tails) {
      if (this.#chars <= ISOLATE_CHARS) return;
      this.#tails.delete(other);
      other.clear();
    }
  }
}

const memory = new TailMemory();

/** A session's newest events, deltas among them, in memory. */
export class Tail {
  #events: LogEvent[] = [];
  #chars = 0;
  #touched = 0;

  append(events: LogEvent[], now: number): void {
    let chars = 0;
    for (const event of events) {
      this.#events.push(event);
      chars += event.data.length;
    }
    this.#chars += chars;
    this.#touched = now;
    memory.note(this, chars);
    if (this.#chars > TAIL_CHARS) this.#shorten();
  }

  clear(): void {
    memory.note(this, -this.#chars);
    this.#events = [];
    this.#chars = 0;
  }

  /** The first seq in memory. All later events are in memory too. */
  get start(): number {
    return this.#events[0]?.seq ?? Number.MAX_SAFE_INTEGER;
  }

  /** A bounded batch of events in memory after a seq, at least one. Of a large event it has the first part. */
  since(after: number): LogHead[] {
    const low = this.#indexAfter(after);
    let end = low;
    for (let chars = 0; end < this.#events.length; end += 1) {
      chars += this.#events[end]!.data.length;
      if (chars > READ_CHARS && end > low) break;
    }
    const batch = this.#events.slice(low, end);
    const [first] = batch;
    if (!first || first.data.length <= PART_CHARS) return batch;
    return [{ ...first, data: cut(first.data)[0]!, more: true }];
  }

  /** An event, whole. */
  whole(seq: number): LogEvent | undefined {
    const event = this.#events[this.#indexAfter(seq - 1)];
    return event?.seq === seq ? event : undefined;
  }

  /** A part of a large event. */
  part(seq: number, part: number): LogPart | undefined {
    const parts = cut(this.whole(seq)?.data ?? "");
    const text = parts[part];
    return text === undefined ? undefined : { text, more: part + 1 < parts.length };
  }

  /** Whether no reader is likely to come back for the deltas. */
  isStale(now: number): boolean {
    return now - this.#touched > TAIL_LIFE_MS;
  }

  #indexAfter(after: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.seq > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Drops the oldest half; an event that is larger than that goes as well, and is read from storage. */
  #shorten(): void {
    let index = 0;
    let chars = 0;
    while (this.#chars - chars > TAIL_CHARS / 2) {
      chars += this.#events[index]!.data.length;
      index += 1;
    }
    this.#events.splice(0, index);
    this.#chars -= chars;
    memory.note(this, -chars);
  }
}
