/** With fewer pieces a second nobody waits for anything. */
const QUIET_PER_S = 1_000;

/** The longest that a piece is held back, milliseconds. */
const MAX_DELAY_MS = 100;

/** The load is measured over this long, milliseconds. */
const WINDOW_MS = 200;

/**
 * How long an isolate waits for more pieces of messages before it passes them on: not at all where little goes on, and up
 * to 100 ms where passing on each by itself would take more than its one thread has. A read from a runner takes some
 * 200 µs and a write to a reader 50 µs, nearly all of it in the runtime, however few bytes there are.
 */
export class Pace {
  #since = 0;
  #wanted = 0;
  #perSecond = 0;
  readonly #delayPerPiece: number;

  /** @param delayPerPiece Milliseconds that each piece a second adds to how long the next ones wait. */
  constructor(delayPerPiece: number) {
    this.#delayPerPiece = delayPerPiece;
  }

  /** Notes that some pieces are to be passed on. Returns how long after those before them, milliseconds. */
  delay(pieces: number, now: number): number {
    const passed = now - this.#since;
    if (passed >= WINDOW_MS) {
      this.#perSecond = (this.#wanted * 1_000) / passed;
      this.#since = now;
      this.#wanted = 0;
    }
    this.#wanted += pieces;
    if (this.#perSecond < QUIET_PER_S) return 0;
    return Math.min(MAX_DELAY_MS, this.#perSecond * this.#delayPerPiece);
  }
}

/** Pieces for readers: one for each of them. Objects of a class may share an isolate: its module is theirs together. */
export const writePace: Pace = new Pace(0.01);

/** Frames of runners' logs. */
export const readPace: Pace = new Pace(0.03);
