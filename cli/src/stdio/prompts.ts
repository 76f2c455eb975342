import { Bell } from "@claude-edge/protocol/internal";

/** A streaming prompt that is filled from outside. */
export class Prompts<Message> implements AsyncIterable<Message> {
  readonly #waiting: Message[] = [];
  readonly #changed = new Bell();
  #isClosed = false;
  #count = 0;

  /** How many there were so far. */
  get count(): number {
    return this.#count;
  }

  push(message: Message): void {
    this.#count += 1;
    this.#waiting.push(message);
    this.#changed.ring();
  }

  /** None will come any more. */
  close(): void {
    this.#isClosed = true;
    this.#changed.ring();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#isClosed) return;
      else await this.#changed.rung();
    }
  }
}
