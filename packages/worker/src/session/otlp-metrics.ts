import { attributesOf, nanos, RESOURCE, SCOPE, type Attribute } from "./otlp.js";
import type { EndedTurn } from "./otlp-spans.js";

/** Each turn is a point of its own: what was added since the one before is what it adds. */
const DELTA = 1;

/** Bounds of the buckets that GenAI's semantic conventions ask for: of seconds, and of tokens. */
const SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power);

interface Point {
  value: number;
  attributes: Attribute[];
  /** Milliseconds since 1970. */
  start: number;
  end: number;
}

/** What `POST /v1/metrics` of a collector takes. */
export const metricsRequest = (turns: readonly EndedTurn[]): object => ({
  resourceMetrics: [
    { resource: RESOURCE, scopeMetrics: [{ scope: SCOPE, metrics: metricsOf(turns) }] },
  ],
});

function metricsOf(turns: readonly EndedTurn[]): object[] {
  const points = (value: (turn: EndedTurn) => [value: number | undefined, more?: object][]) =>
    turns.flatMap((ended): Point[] =>
      value(ended).flatMap(([number, more = {}]) =>
        number === undefined ? [] : [pointOf(ended, number, more)],
      ),
    );
  const agent = { "gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "anthropic" };
  return [
    sum(
      "claude_edge.turns",
      "{turn}",
      points(({ turn }) => [
        [1, { "claude_edge.turn.status": turn.status, "error.type": turn.error?.code }],
      ]),
    ),
    sum(
      "claude_edge.cost",
      "{USD}",
      points(({ turn }) => [[turn.usage?.cost_usd]]),
    ),
    histogram(
      "gen_ai.client.operation.duration",
      "s",
      SECONDS,
      points(({ trace, turn }) => [
        [secondsTo(trace.end, trace.start), { ...agent, "error.type": turn.error?.code }],
      ]),
    ),
    histogram(
      "gen_ai.server.time_to_first_token",
      "s",
      SECONDS,
      points(({ trace }) => [[secondsTo(trace.first_token_at, trace.start), agent]]),
    ),
    histogram(
      "gen_ai.client.token.usage",
      "{token}",
      TOKENS,
      points(({ turn: { usage } }) => [
        [
          usage &&
            usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
          { ...agent, "gen_ai.token.type": "input" },
        ],
        [usage?.output_tokens, { ...agent, "gen_ai.token.type": "output" }],
      ]),
    ),
  ].filter((metric) => metric !== undefined);
}

const secondsTo = (end: number | undefined, start: number) =>
  end === undefined ? undefined : (end - start) / 1_000;

const pointOf = ({ account, trace }: EndedTurn, value: number, more: object): Point => ({
  value,
  attributes: attributesOf({ "claude_edge.account": account, ...more }),
  start: trace.start,
  end: trace.end ?? trace.start,
});

const timesOf = ({ start, end }: Point) => ({
  startTimeUnixNano: nanos(start),
  timeUnixNano: nanos(end),
});

function sum(name: string, unit: string, points: Point[]): object | undefined {
  if (points.length === 0) return undefined;
  const dataPoints = points.map((point) => ({
    attributes: point.attributes,
    ...timesOf(point),
    asDouble: point.value,
  }));
  return { name, unit, sum: { aggregationTemporality: DELTA, isMonotonic: true, dataPoints } };
}

function histogram(
  name: string,
  unit: string,
  bounds: number[],
  points: Point[],
): object | undefined {
  if (points.length === 0) return undefined;
  const dataPoints = points.map((point) => {
    const bucket = bounds.findIndex((bound) => point.value <= bound);
    const index = bucket === -1 ? bounds.length : bucket;
    return {
      attributes: point.attributes,
      ...timesOf(point),
      count: "1",
      sum: point.value,
      min: point.value,
      max: point.value,
      explicitBounds: bounds,
      bucketCounts: Array.from({ length: bounds.length + 1 }, (_, at) =>
        at === index ? "1" : "0",
      ),
    };
  });
  return { name, unit, histogram: { aggregationTemporality: DELTA, dataPoints } };
}
