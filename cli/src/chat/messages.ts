import type { Turn } from "@claude-edge/client";

export interface Message {
  text: string;
  /** It came while another was being answered. */
  isQueued: boolean;
  /** It was given to the turn that ran: its own turn, to be read. In an object, for a turn that is awaited is read. */
  given?: Promise<{ turn: Turn }> | undefined;
}

/** What was entered and is not answered yet, in its order. */
export class Messages implements AsyncIterable<Message> {
  #all: Message[] = [];
  #isEnded = false;
  #wake = () => {};

  add(text: string, { isQueued = false, given }: Partial<Message> = {}): void {
    this.#all.push({ text, isQueued, given });
    this.#wake();
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** Forgets them. */
  clear(): Message[] {
    return this.#all.splice(0);
  }

  /** No more will be taken, those that are left neither. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message> {
    while (!this.#isEnded) {
      const message = this.#all.shift();
      if (message) yield message;
      else await new Promise<void>((wake) => (this.#wake = wake));
    }
  }
}
