/** How long a runner has had nothing to do. */
export class Activity {
  #running = 0;
  #idleSince = performance.now();
  #onIdle: (() => void)[] = [];

  /** Milliseconds since the last work ended; 0 while some is running. */
  get idleMs(): number {
    return this.#running > 0 ? 0 : Math.round(performance.now() - this.#idleSince);
  }

  /** Counts some work as running until it has settled. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.note();
      if (this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    }
  }

  /** Resolves when no work is running. */
  async whenIdle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Something happened that took no time: the runner has not been idle before. */
  note(): void {
    this.#idleSince = performance.now();
  }
}
