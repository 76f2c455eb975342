import { EdgeError } from "@claude-edge/protocol";

/**
 * Uploads of callers that a session receives at the same time. Each holds a part of up to 10 MiB and, while one is made of
 * chunks, its copy; with a checkpoint beside them that is 60 MB.
 */
const AT_ONCE = 2;

/** Uploads that may wait for another to end. They are not read meanwhile, so they hold nothing but a connection. */
const WAITING = 20;

/** How long one waits, milliseconds. */
const PATIENCE_MS = 60_000;

/** Receives uploads in the order they came, a few at a time. */
export class Uploads {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  /** Runs `receive` when there is room for it. @throws EdgeError `session_busy`. */
  async run<Value>(receive: () => Promise<Value>): Promise<Value> {
    if (this.#running < AT_ONCE) this.#running += 1;
    else await this.#wait();
    try {
      return await receive();
    } finally {
      // Whoever waits takes the place over.
      const [next] = this.#waiting;
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #wait(): Promise<void> {
    if (this.#waiting.size >= WAITING) throw tooMany();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#waiting.delete(begin);
      reject(tooMany());
    }, PATIENCE_MS);
    const begin = () => {
      clearTimeout(timer);
      this.#waiting.delete(begin);
      resolve();
    };
    this.#waiting.add(begin);
    await promise;
  }
}

const tooMany = (): EdgeError =>
  new EdgeError("session_busy", "Too many uploads into this session are under way.");
