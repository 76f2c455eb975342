interface Message {
  text: string;
  /** It came while another was being answered. */
  isQueued: boolean;
}

/** What was entered and is not answered yet, in its order. */
export class Messages implements AsyncIterable<Message> {
  #all: Message[] = [];
  #isEnded = false;
  #wake = () => {};

  add(text: string, { isQueued = false } = {}): void {
    this.#all.push({ text, isQueued });
    this.#wake();
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** Forgets them. Gives how many there were. */
  clear(): number {
    return this.#all.splice(0).length;
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
