/** Attempts in a row to bring something to the runner; after that the alarm retries. */
const MAX_DELIVERIES = 3;
const DELIVERY_PAUSE_MS = 250;

/** What is being brought to the runner, each once at a time. */
export class Deliveries {
  readonly #ctx: DurableObjectState;
  readonly #underWay = new Set<string>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Begins a delivery, unless it is under way. `attempt`: false when the runner did not hear of it, and is to be told again. */
  begin(key: string, attempt: () => Promise<boolean>): void {
    if (this.#underWay.has(key)) return;
    this.#underWay.add(key);
    const deliver = async () => {
      for (let tries = 0; tries < MAX_DELIVERIES; tries += 1) {
        if (await attempt()) return;
        await scheduler.wait(DELIVERY_PAUSE_MS);
      }
    };
    this.#ctx.waitUntil(deliver().finally(() => this.#underWay.delete(key)));
  }
}
