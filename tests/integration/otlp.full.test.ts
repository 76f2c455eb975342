import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeEach, expect, test } from "vitest";

import { startOtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.js";
import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const receiver = await startOtlpReceiver();
afterAll(() => receiver.close());
beforeEach(() => {
  receiver.answer = () => 200;
});

const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_OTLP_ENDPOINT: receiver.url,
    CLAUDE_EDGE_OTLP_HEADERS: "authorization=Bearer%20of-the-collector",
  },
});

/** A program that is traced by OpenTelemetry's own SDK, and sends to the same collector. */
const provider = new TracerProvider({
  resource: resourceFromAttributes({ "service.name": "caller" }),
  spanProcessors: [
    new SimpleSpanProcessor({
      exporter: new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` }),
    }),
  ],
});
afterAll(() => provider.shutdown());

/** Runs work in a span of the caller's. */
async function within<Value>(work: (traceparent: string) => Promise<Value>) {
  const span = provider.getTracer("test").startSpan("ask");
  const { traceId, spanId } = span.spanContext();
  const value = await work(`00-${traceId}-${spanId}-01`).finally(() => span.end());
  return { value, traceId, spanId };
}

const named = (name: string | RegExp, traceId: string) =>
  receiver.spans.filter(
    (span) =>
      span.traceId === traceId &&
      (typeof name === "string" ? span.name === name : name.test(span.name)),
  );
const arrives = (name: string | RegExp, traceId: string) =>
  until(`a span ${name}`, () => named(name, traceId)[0], 30_000);

/** Whether each span but the caller's has its parent in the same trace. */
function isConnected(traceId: string): boolean {
  const spans = receiver.spans.filter((span) => span.traceId === traceId);
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.every(
    ({ parentSpanId, service }) => service === "caller" || ids.has(parentSpanId ?? ""),
  );
}

test("one trace holds the caller's span, the Worker's and objects' steps, model, tools, and the spans of the process itself", async () => {
  const client = edge.client("traced");
  const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
  const ask = (prompt: string) =>
    within((traceparent) => session.send(prompt, { traceparent }).result());
  const first = await ask('%tool Bash {"command":"env"}\n%say Done.');
  // The process is hot: it is not started for this turn.
  const second = await ask('%tool Bash {"command":"echo 2"}\n%say Again.');
  expect(first.traceId).not.toBe(second.traceId);
  for (const { traceId, spanId, value } of [first, second]) {
    const agent = await arrives("invoke_agent", traceId);
    expect(agent).toMatchObject({
      parentSpanId: spanId,
      service: "claude-edge",
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.conversation.id": session.id,
        "claude_edge.account": "traced",
        "claude_edge.turn.id": value.turnId,
        "claude_edge.turn.status": "completed",
      },
    });
    expect(named("ask", traceId)).toMatchObject([{ service: "caller", spanId }]);
    const ofTurn = (name: string | RegExp) =>
      named(name, traceId).filter(({ parentSpanId }) => parentSpanId === agent.spanId);
    expect(ofTurn("admission")).toHaveLength(1);
    expect(ofTurn("process")).toHaveLength(1);
    expect(ofTurn(/^chat claude-/)).toHaveLength(2);
    expect(ofTurn("execute_tool Bash")).toHaveLength(1);
    // What the process itself tells of, under the turn's span.
    const interaction = await arrives("claude_code.interaction", traceId);
    expect(interaction.parentSpanId).toBe(agent.spanId);
    await arrives("claude_code.llm_request", traceId);
    await arrives("claude_code.tool.execution", traceId);
    await until("all parents", () => isConnected(traceId), 30_000);
  }
  // The credential is the gateway's, and nothing of a prompt or a tool leaves.
  const { events } = await collect(session.events({ follow: false }));
  // The first turn's tool printed its environment.
  expect(events.includes("CLAUDE_CODE_ENABLE_TELEMETRY=1")).toBe(true);
  expect(events.includes("of-the-collector")).toBe(false);
  const sent = JSON.stringify(receiver.spans, (_key, value) =>
    typeof value === "bigint" ? String(value) : (value as unknown),
  );
  for (const content of ["echo 2", "Again.", "%say"]) expect(sent).not.toContain(content);
  const ours = receiver.requests.filter(({ authorization }) => authorization !== undefined);
  expect(new Set(ours.map(({ authorization }) => authorization))).toEqual(
    new Set(["Bearer of-the-collector"]),
  );
  expect(receiver.requests.filter(({ problem }) => problem !== undefined)).toEqual([]);
});

test("a container's spans reach no trace but its session's, and no other account's", async () => {
  const [trace, victim] = ["d".repeat(32), edge.client("victim")];
  const { id: other } = await victim.sessions.create();
  await victim.sessions.open(other).send("%say Mine.");
  const client = edge.client("forger");
  const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
  const forged = (name: string, of: string) => ({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: trace,
                spanId: "e".repeat(16),
                name,
                startTimeUnixNano: `${Date.now() + 60_000}000000`,
                endTimeUnixNano: `${Date.now() + 60_000}000000`,
                attributes: [
                  { key: "session.id", value: { stringValue: of } },
                  { key: "claude_edge.account", value: { stringValue: "victim" } },
                ],
              },
            ],
          },
        ],
      },
    ],
  });
  const post = (body: object) =>
    `curl -s -o /dev/null -w '%{http_code} ' -X POST --data '${JSON.stringify(body)}' http://traces.claude-edge.internal/v1/traces`;
  const command = [
    post(forged("of-another", other)),
    post(forged("of-its-own", session.id)),
    post({}),
    "curl -s -o /dev/null -w '%{http_code}' http://traces.claude-edge.internal/v1/metrics",
  ].join("; ");
  const turn = session.send(`%tool Bash ${JSON.stringify({ command })}\n%say Done.`);
  const events: string[] = [];
  for await (const event of turn) events.push(JSON.stringify(event));
  expect(events.some((event) => event.includes("404 200 400 404"))).toBe(true);
  const arrived = await until("its own", () =>
    receiver.spans.find(({ name }) => name === "of-its-own"),
  );
  expect(arrived).toMatchObject({
    traceId: turn.id!.replaceAll("-", ""),
    attributes: { "claude_edge.account": "forger", "claude_edge.turn.id": turn.id },
  });
  expect(receiver.spans.some(({ traceId }) => traceId === trace)).toBe(false);
  expect(receiver.spans.some(({ name }) => name === "of-another")).toBe(false);
});

async function collect(events: AsyncIterable<unknown>): Promise<{ events: string }> {
  const all: unknown[] = [];
  for await (const event of events) all.push(event);
  return { events: JSON.stringify(all) };
}

test("turns are counted by outcome, with their time, first token, tokens and dollars", async () => {
  receiver.metrics.splice(0);
  await edge.client("counted").query("%say One.");
  await edge
    .client("counted")
    .query("%error 400")
    .then(
      () => expect.unreachable(),
      () => {},
    );
  const points = () =>
    receiver.metrics
      .flatMap(({ name, sum, histogram }) =>
        [...(sum?.dataPoints ?? []), ...(histogram?.dataPoints ?? [])].map((point) => ({
          name,
          ...point,
        })),
      )
      .filter(({ attributes }) => attributes["claude_edge.account"] === "counted");
  const outcomes = await until(
    "both turns",
    () => {
      const found = points().filter(({ name }) => name === "claude_edge.turns");
      return found.length === 2 && found;
    },
    30_000,
  );
  expect(
    outcomes.map(({ attributes }) => attributes["claude_edge.turn.status"]).toSorted(),
  ).toEqual(["completed", "failed"]);
  expect(new Set(points().map(({ name }) => name))).toEqual(
    new Set([
      "claude_edge.turns",
      "claude_edge.cost",
      "gen_ai.client.operation.duration",
      "gen_ai.server.time_to_first_token",
      "gen_ai.client.token.usage",
    ]),
  );
});

test("a collector that hangs slows no turn, and is told of all once it answers", async () => {
  receiver.answer = () => "hang";
  const session = await edge.client("hanging").sessions.create();
  const turns: string[] = [];
  await session.send("%say Warm.");
  const start = performance.now();
  for (let turn = 0; turn < 5; turn += 1) {
    turns.push((await session.send("%say Quick.").result()).turnId);
  }
  expect(performance.now() - start).toBeLessThan(10_000);
  receiver.answer = () => 200;
  const told = (turn: string) =>
    receiver.spans.some(
      ({ name, attributes }: ReceivedSpan) =>
        name === "invoke_agent" && attributes["claude_edge.turn.id"] === turn,
    );
  await until("all turns", () => turns.every(told), 60_000);
});
