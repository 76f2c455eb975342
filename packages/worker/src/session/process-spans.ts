import { sendToCollector } from "../egress/collector.js";
import type { Env } from "../env.js";
import { readCollector } from "../otlp-settings.js";
import { all } from "../sql/rows.js";
import { attributesOf, RESOURCE, SCOPE, type Attribute } from "./otlp.js";
import type { Span } from "./otlp-spans.js";
import { spanId, traceContext } from "./span-id.js";

/** Requests that are passed on at the same time, spans of a turn, and characters of a span's attributes. */
const AT_ONCE = 4;
const MAX_SPANS = 5_000;
const MAX_ATTRIBUTES = 16_000;
const MAX_NAME = 200;

/** Turns that spans may still come of. */
const LOOK_BACK = 50;

/** What begins a trace in a process: a prompt, up to its answer. It belongs to a turn's own span. */
const INTERACTION = "claude_code.interaction";

interface BegunTurn {
  id: string;
  traceparent: string | null;
  started_at: number;
}

/**
 * The spans that the session's process tells of. A process serves one turn after the other and knows of no trace but its
 * own: each span is put into the trace of the turn that ran when it began. What is not known of a span is left out.
 */
export class ProcessSpans {
  readonly #env: Env;
  readonly #sql: SqlStorage;
  #open = 0;
  /** The turn that spans came of last, and how many. */
  #counted = { turn: "", spans: 0 };

  constructor(env: Env, sql: SqlStorage) {
    this.#env = env;
    this.#sql = sql;
  }

  /** Passes spans on, once. Gives the status to answer the process with, which may send them again. */
  async relay(account: string, given: readonly unknown[]): Promise<number> {
    const collector = readCollector(this.#env);
    if (!collector) return 404;
    if (this.#open >= AT_ONCE) return 429;
    const turns = this.#turns();
    const spans = given.flatMap((span) => {
      const adopted = adopt(span, turns, account);
      return adopted && this.#counts(adopted.turn) ? [adopted.span] : [];
    });
    if (spans.length === 0) return 200;
    this.#open += 1;
    try {
      const body = {
        resourceSpans: [{ resource: RESOURCE, scopeSpans: [{ scope: SCOPE, spans }] }],
      };
      const sent = await sendToCollector(collector, "traces", body);
      return sent.isSent || !sent.isPassing ? 200 : 503;
    } finally {
      this.#open -= 1;
    }
  }

  #counts(turn: string): boolean {
    if (this.#counted.turn !== turn) this.#counted = { turn, spans: 0 };
    this.#counted.spans += 1;
    return this.#counted.spans <= MAX_SPANS;
  }

  /** Newest first. */
  #turns(): BegunTurn[] {
    return all<BegunTurn>(
      this.#sql,
      `SELECT id, traceparent, started_at FROM turns
        WHERE started_at IS NOT NULL AND steered_turn IS NULL ORDER BY position DESC LIMIT ?`,
      LOOK_BACK,
    );
  }
}

/** A span of a process as one of its turn; undefined for what is none, belongs to no turn, or is not to be recorded. */
export function adopt(
  given: unknown,
  turns: readonly BegunTurn[],
  account: string,
): { turn: string; span: Span } | undefined {
  const of = (given ?? {}) as Record<string, unknown>;
  const [start, end] = [nanosOf(of.startTimeUnixNano), nanosOf(of.endTimeUnixNano)];
  const { name, spanId: id, parentSpanId: parent, kind } = of;
  if (start === undefined || end === undefined || typeof name !== "string" || !isSpanId(id)) {
    return undefined;
  }
  const ms = Number(BigInt(start) / 1_000_000n);
  const turn = turns.find(({ started_at: began }) => began <= ms);
  if (!turn) return undefined;
  const { traceId, isSampled } = traceContext(turn.id, turn.traceparent ?? undefined);
  if (!isSampled) return undefined;
  const isOutermost = name === INTERACTION || !isSpanId(parent);
  const more = attributesOf({ "claude_edge.account": account, "claude_edge.turn.id": turn.id });
  const span: Span = {
    traceId,
    spanId: id,
    parentSpanId: isOutermost ? spanId(turn.id) : parent,
    name: name.slice(0, MAX_NAME),
    kind: typeof kind === "number" && kind >= 0 && kind <= 5 ? kind : 1,
    startTimeUnixNano: start,
    endTimeUnixNano: end,
    attributes: [...attributesIn(of.attributes), ...more],
    ...((of.status as { code?: unknown } | undefined)?.code === 2 ? { status: { code: 2 } } : {}),
  };
  return { turn: turn.id, span };
}

const isSpanId = (id: unknown): id is string =>
  typeof id === "string" && /^(?!0{16})[0-9a-f]{16}$/.test(id);

/** As a text, or as a number, which some exporters send. */
const nanosOf = (value: unknown): string | undefined =>
  /^\d{16,20}$/.test(String(value)) ? String(value) : undefined;

/** Attributes of one value each, as many as fit. */
function attributesIn(given: unknown): Attribute[] {
  if (!Array.isArray(given)) return [];
  let chars = 0;
  return (given as unknown[]).flatMap((attribute): Attribute[] => {
    const { key, value } = (attribute ?? {}) as { key?: unknown; value?: Record<string, unknown> };
    const { stringValue: text, boolValue: flag, doubleValue: number } = value ?? {};
    const whole = value?.intValue;
    if (typeof key !== "string" || key.startsWith("claude_edge.")) return [];
    const known =
      typeof text === "string"
        ? text
        : typeof flag === "boolean"
          ? flag
          : typeof number === "number"
            ? number
            : typeof whole === "number" || (typeof whole === "string" && /^-?\d+$/.test(whole))
              ? Number(whole)
              : undefined;
    chars += key.length + String(known).length;
    return chars > MAX_ATTRIBUTES ? [] : attributesOf({ [key]: known });
  });
}
