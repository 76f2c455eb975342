import type { EdgeEvent } from "@claude-edge/client";

/** What may not come twice has a name of its own. */
function nameOf(event: EdgeEvent): string {
  if (event.kind === "message" || event.kind === "delta") return String(event.message.uuid);
  if (event.kind === "turn") return `${event.turn_id} ${event.status} ${event.reason ?? ""}`;
  return `${event.kind} ${event.seq}`;
}

/** What one reader has seen, which must be each event once and in order. */
export class Reader {
  readonly seen: EdgeEvent[] = [];
  readonly #onProblem: (problem: string) => void;
  readonly #names = new Set<string>();

  constructor(onProblem: (problem: string) => void) {
    this.#onProblem = onProblem;
  }

  see(event: EdgeEvent): void {
    const last = this.seen.at(-1);
    if (last && event.seq <= last.seq) this.#onProblem(`${event.seq} after ${last.seq}`);
    const name = nameOf(event);
    // A turn that lost its container runs again, and says so.
    const mayRepeat = event.kind === "turn" && event.status === "running";
    if (this.#names.has(name) && !mayRepeat) this.#onProblem(`twice ${name}`);
    this.#names.add(name);
    this.seen.push(event);
  }

  /** Events that are stored must all have been seen. */
  expect(stored: EdgeEvent[]): void {
    const seqs = new Set(this.seen.map(({ seq }) => seq));
    const missing = stored.filter(({ seq }) => !seqs.has(seq));
    if (missing.length > 0) {
      this.#onProblem(`not told of ${missing.map(({ seq }) => seq).join(", ")}`);
    }
  }
}
