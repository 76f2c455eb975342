import { Bell } from "@claude-edge/protocol/internal";

import type { Pause, Patience } from "../container/patience.js";

/** The wait of one turn for a container. */
export class CapacityWait {
  readonly #patience: Patience;
  readonly #tell: (told: NonNullable<Pause["told"]>) => void;
  readonly #bell = new Bell();
  #isOn = false;

  /** @param tell Tells readers; called with every pause that is worth telling. */
  constructor(patience: Patience, tell: (told: NonNullable<Pause["told"]>) => void) {
    this.#patience = patience;
    this.#tell = tell;
  }

  /** Whether the turn waits: no runner can have taken it, so it may be ended here. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Pauses after a failed attempt. False when there is to be no other. */
  readonly after = async (failure: unknown): Promise<boolean> => {
    const pause = this.#patience.pauseAfter(failure);
    if (!pause) return false;
    this.#isOn = true;
    if (pause.told) this.#tell(pause.told);
    await Promise.race([scheduler.wait(pause.ms), this.#bell.rung()]);
    return true;
  };

  /** A runner is offered the turn, and may take it. */
  suspend(): void {
    this.#isOn = false;
  }

  /** Ends a pause at once: the turn is over. */
  stop(): void {
    this.#bell.ring();
  }
}
