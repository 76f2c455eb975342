import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import * as z from "zod";

/*
 * OTLP's messages in their JSON encoding, as far as traces and metrics have them (opentelemetry-proto 1.x): what is misspelt,
 * or of another type, is refused, as a collector would drop it without a word. The exporter of OpenTelemetry's own SDK sends
 * to the same receiver in the tests.
 */
const nanos = z
  .union([z.string().regex(/^\d{19}$/), z.number()])
  .transform((value) => BigInt(value));
const traceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/i);
const spanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/i);
const count = z.union([z.string().regex(/^\d+$/), z.number()]);
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.union([z.string().regex(/^-?\d+$/), z.number()]) }),
  z.strictObject({ doubleValue: z.number() }),
  z.looseObject({ arrayValue: z.looseObject({}) }),
]);
const attributes = z
  .array(z.strictObject({ key: z.string(), value }))
  .transform((pairs) =>
    Object.fromEntries(pairs.map(({ key, value: of }) => [key, Object.values(of)[0] as unknown])),
  );
const resource = z.looseObject({ attributes });
const scope = z.looseObject({ name: z.string(), version: z.string().optional() });
const spanStatus = z.strictObject({ code: z.number().optional(), message: z.string().optional() });
const event = z.looseObject({ name: z.string(), timeUnixNano: nanos });
const span = z.strictObject({
  traceId,
  spanId,
  traceState: z.string().optional(),
  parentSpanId: spanId.or(z.literal("")).optional(),
  flags: z.number().optional(),
  name: z.string().min(1),
  kind: z.number().int().min(0).max(5),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  droppedAttributesCount: z.number().optional(),
  events: z.array(event).optional(),
  droppedEventsCount: z.number().optional(),
  links: z.array(z.looseObject({})).optional(),
  droppedLinksCount: z.number().optional(),
  status: spanStatus.optional(),
});
const traces = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource,
      schemaUrl: z.string().optional(),
      scopeSpans: z.array(
        z.strictObject({ scope, spans: z.array(span), schemaUrl: z.string().optional() }),
      ),
    }),
  ),
});

const point = { attributes, startTimeUnixNano: nanos, timeUnixNano: nanos };
const number = z.strictObject({ ...point, asDouble: z.number() });
const bucketed = z
  .strictObject({
    ...point,
    count,
    sum: z.number(),
    min: z.number(),
    max: z.number(),
    explicitBounds: z.array(z.number()),
    bucketCounts: z.array(count),
  })
  .refine(({ explicitBounds, bucketCounts }) => bucketCounts.length === explicitBounds.length + 1);
const delta = z.literal(1);
const metric = z.strictObject({
  name: z.string(),
  unit: z.string(),
  sum: z
    .strictObject({
      aggregationTemporality: delta,
      isMonotonic: z.literal(true),
      dataPoints: z.array(number),
    })
    .optional(),
  histogram: z
    .strictObject({ aggregationTemporality: delta, dataPoints: z.array(bucketed) })
    .optional(),
});
const metrics = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({
      resource,
      scopeMetrics: z.array(z.strictObject({ scope, metrics: z.array(metric) })),
    }),
  ),
});

export type ReceivedSpan = z.infer<typeof span> & { service: unknown };
export type ReceivedMetric = z.infer<typeof metric>;

/** A collector: what it was sent, and how it is to answer. */
export interface OtlpReceiver {
  url: string;
  spans: ReceivedSpan[];
  metrics: ReceivedMetric[];
  /** Of each request its path, its `authorization`, and why it could not be read. */
  requests: { path: string; authorization: string | undefined; problem?: string }[];
  /** The status of its answers; `hang`: it gives none. */
  answer: (path: string) => number | "hang";
  close(): void;
}

/** Starts a receiver of OTLP over HTTP on a loopback port. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const path = request.url ?? "";
      const status = receiver.answer(path);
      const { authorization } = request.headers;
      const problem = status === 200 ? take(path, Buffer.concat(chunks)) : undefined;
      receiver.requests.push({ path, authorization, ...(problem ? { problem } : {}) });
      if (status === "hang") return;
      response.writeHead(problem ? 400 : status, { "content-type": "application/json" });
      response.end("{}");
    });
  });
  const take = (path: string, body: Buffer): string | undefined => {
    try {
      const given: unknown = JSON.parse(body.toString());
      if (path === "/v1/traces") {
        for (const { resource: of, scopeSpans } of traces.parse(given).resourceSpans) {
          const service = of.attributes["service.name"];
          for (const { spans } of scopeSpans) {
            receiver.spans.push(...spans.map((found) => ({ ...found, service })));
          }
        }
      } else if (path === "/v1/metrics") {
        for (const { scopeMetrics } of metrics.parse(given).resourceMetrics) {
          for (const found of scopeMetrics) receiver.metrics.push(...found.metrics);
        }
      } else return `there is no ${path}`;
      return undefined;
    } catch (error) {
      return String(error);
    }
  };
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    metrics: [],
    requests: [],
    answer: () => 200,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return receiver;
}
