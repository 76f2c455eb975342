import type { TraceStep } from "@claude-edge/protocol";

import type { CallTiming, ModelUsage } from "../egress/model-call.js";
import { all } from "../sql/rows.js";
import { PICO } from "./model-call-table.js";

/** Steps that are kept of a turn: with their attributes up to 60 kB. */
const MAX_STEPS = 250;

/** What is measured of a turn while it runs. */
interface Timing {
  steps: TraceStep[];
  dropped: number;
  /** When the first piece of its answer came. */
  firstToken?: number;
}

/**
 * The steps of turns that no event tells of. They are in memory while a turn runs, and go into its row with what is written
 * there anyway: a step costs no row. A reset of the object loses those since the last such write.
 */
export class TurnTimings {
  readonly #sql: SqlStorage;
  readonly #open = new Map<string, Timing>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The turn is being begun, or its work is resumed: its steps count from here on. */
  open(turn: string): void {
    if (!this.#open.has(turn)) this.#open.set(turn, this.#read(turn));
  }

  /** A step begins. The result ends it; a step that is not ended is not kept. */
  begin(
    turn: string,
    step: Pick<TraceStep, "kind" | "name">,
  ): (end?: Pick<TraceStep, "failed" | "attributes">) => void {
    const start = Date.now();
    return (end) => this.add(turn, { ...step, start, end: Date.now(), ...end });
  }

  add(turn: string, step: TraceStep): void {
    const timing = this.get(turn);
    if (timing.steps.length < MAX_STEPS) timing.steps.push(step);
    else timing.dropped += 1;
    if (this.#open.has(turn)) return;
    // The end of a model call may be told after the end of its turn.
    this.#sql.exec("UPDATE turns SET timing = ? WHERE id = ?", JSON.stringify(timing), turn);
  }

  /** A piece of the turn's answer has come. */
  noteToken(turn: string, at: number): void {
    const timing = this.#open.get(turn);
    if (timing) timing.firstToken ??= at;
  }

  /** What is known of a turn. */
  get(turn: string): Timing {
    return this.#open.get(turn) ?? this.#read(turn);
  }

  /** What to write into the turn's row. */
  columns(turn: string): { firstToken: number | null; timing: string } {
    const timing = this.get(turn);
    return { firstToken: timing.firstToken ?? null, timing: JSON.stringify(timing) };
  }

  /** The turn is over, and what was measured is in its row. */
  release(turn: string): void {
    this.#open.delete(turn);
  }

  #read(turn: string): Timing {
    const query = "SELECT timing FROM turns WHERE id = ?";
    const json = all<{ timing: string | null }>(this.#sql, query, turn)[0]?.timing ?? null;
    return json === null ? { steps: [], dropped: 0 } : (JSON.parse(json) as Timing);
  }
}

/** What is known of a turn when it is stored; null for nothing. */
export function admissionTiming(receivedAt: number | undefined, now: number): string | null {
  if (receivedAt === undefined) return null;
  const step = { kind: "admission", name: "admission", start: receivedAt, end: now } as const;
  return JSON.stringify({ steps: [step], dropped: 0 } satisfies Timing);
}

/** The step of a model call that was answered. */
export const modelStep = (
  { start, answered, end }: CallTiming,
  model: string,
  {
    input_tokens,
    output_tokens,
    cache_read_input_tokens,
    cache_creation_input_tokens,
    cost,
  }: ModelUsage,
): TraceStep => ({
  kind: "model",
  name: model,
  start,
  end,
  attributes: {
    input_tokens,
    output_tokens,
    cache_read_input_tokens,
    cache_creation_input_tokens,
    cost_usd: cost / PICO,
    answered_ms: answered - start,
  },
});

/** The step of one that was refused, after which Claude Code may try again. */
export const refusedModelStep = ({ start, end }: CallTiming, status: number): TraceStep => ({
  kind: "model",
  name: "refused",
  start,
  end,
  failed: true,
  attributes: { status },
});
