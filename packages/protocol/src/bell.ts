/**
 * Wakes one waiter, however many things may wake it. A ring while nobody waits is kept for the next wait.
 * Racing promises instead would add a reaction per wait to the one that stays pending, for as long as it lives.
 */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  readonly ring = (): void => {
    this.#rung = true;
    this.#wake?.();
  };

  /** Resolves at the next ring, or at once when it has rung since the last wait. */
  async rung(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#rung = false;
    this.#wake = undefined;
  }
}
