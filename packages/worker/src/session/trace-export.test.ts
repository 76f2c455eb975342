import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { startOtlpReceiver, type OtlpReceiver } from "../../../../tests/support/otlp-receiver.js";
import { eventually } from "../../test/support/eventually.js";
import { TestSession } from "../../test/support/test-session.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = (flags: string) => `00-${TRACE}-00f067aa0ba902b7-${flags}`;

let receiver: OtlpReceiver;
let errors: string[] = [];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  receiver = await startOtlpReceiver();
  errors = [];
  vi.spyOn(console, "error").mockImplementation((...said) => void errors.push(said.join(" ")));
});
afterEach(() => {
  receiver.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const traced = (more: object = {}) =>
  new TestSession({
    env: {
      CLAUDE_EDGE_OTLP_ENDPOINT: `${receiver.url}/`,
      CLAUDE_EDGE_OTLP_HEADERS: "authorization=Bearer%20of-the-collector",
      ...more,
    },
  });

/** A turn that ends, and what it came with. */
function ended(session: TestSession, traceparent?: string): string {
  const turn = session.queue({
    prompt: "A secret prompt",
    ...(traceparent ? { traceparent } : {}),
  });
  session.store.markRunning(turn, Date.now());
  vi.setSystemTime(Date.now() + 1_500);
  session.parts.turns.end(turn, { status: "completed" });
  return turn;
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const left = (session: TestSession) =>
  session.storage.sql.exec("SELECT what, attempts FROM unsent_turns").toArray();
/** Lets the alarm send what is due, and waits for the answer. */
async function send(session: TestSession, requests: number): Promise<void> {
  const before = receiver.requests.length;
  session.parts.traceExport.send();
  await eventually(() => expect(receiver.requests.length - before).toBe(requests));
  await eventually(() => expect(session.parts.traceExport.isSending).toBe(false));
}

test("a turn that has ended is told of once: its trace, and then its metrics, with the credential", async () => {
  const session = traced();
  const turn = ended(session, parent("01"));
  // The end of its last model call may be told later.
  session.parts.traceExport.send();
  expect(receiver.requests).toEqual([]);
  later(2_000);
  await send(session, 2);
  expect(receiver.requests).toEqual([
    { path: "/v1/traces", authorization: "Bearer of-the-collector" },
    { path: "/v1/metrics", authorization: "Bearer of-the-collector" },
  ]);
  expect(receiver.spans.map(({ name, traceId }) => [name, traceId])).toEqual([
    ["invoke_agent", TRACE],
    ["queue", TRACE],
  ]);
  expect(receiver.spans[0]).toMatchObject({
    parentSpanId: "00f067aa0ba902b7",
    service: "claude-edge",
    attributes: { "claude_edge.turn.id": turn },
  });
  expect(receiver.metrics.map(({ name }) => name)).toEqual([
    "claude_edge.turns",
    "gen_ai.client.operation.duration",
  ]);
  expect(receiver.metrics[1]!.histogram!.dataPoints[0]).toMatchObject({ sum: 1.5 });
  expect(left(session)).toEqual([]);
  expect(session.parts.traceExport.dueAt()).toBeUndefined();
});

test("a collector that is away is asked again, over a restart, with the same spans", async () => {
  const session = traced();
  ended(session);
  later(2_000);
  receiver.answer = () => 503;
  await send(session, 1);
  expect(left(session)).toEqual([{ what: "traces", attempts: 1 }]);
  expect(session.parts.traceExport.dueAt()! - Date.now()).toBeGreaterThan(4_000);
  session.restart();
  later(5_000);
  receiver.answer = (path) => (path === "/v1/metrics" ? 503 : 200);
  await send(session, 2);
  const [first] = receiver.spans;
  // Its trace has arrived, and is not sent again.
  expect(left(session)).toEqual([{ what: "metrics", attempts: 1 }]);
  receiver.answer = () => 200;
  later(5_000);
  await send(session, 1);
  expect(left(session)).toEqual([]);
  expect(receiver.spans.filter(({ spanId }) => spanId === first!.spanId)).toHaveLength(1);
});

test("tries have an end, and one that cannot be mended has it at once", async () => {
  const session = traced();
  receiver.answer = () => 503;
  ended(session);
  later(2_000);
  let tries = 0;
  const start = Date.now();
  for (let due = session.parts.traceExport.dueAt(); due; due = session.parts.traceExport.dueAt()) {
    vi.setSystemTime(Math.max(due, Date.now()));
    const before = receiver.requests.length;
    session.parts.traceExport.send();
    await eventually(() => expect(session.parts.traceExport.isSending).toBe(false));
    tries += receiver.requests.length - before;
  }
  // Twelve of each; the last of the traces and the first of the metrics are in one round.
  expect(tries).toBe(24);
  expect(Date.now() - start).toBeGreaterThan(3_600_000);
  expect(errors).toHaveLength(2);
  expect(errors[0]).toContain("it answered 503");

  receiver.answer = () => 401;
  ended(session);
  later(2_000);
  await send(session, 2);
  expect(left(session)).toEqual([]);
  expect(errors.at(-1)).toContain("it answered 401");
  expect(errors.join()).not.toContain("of-the-collector");
});

test("what the caller does not record is counted, and not traced", async () => {
  const session = traced();
  ended(session, parent("00"));
  later(2_000);
  await send(session, 1);
  expect(receiver.requests.map(({ path }) => path)).toEqual(["/v1/metrics"]);
});

test("a session that is deleted sends what is left, and does not wait long for a collector that hangs", async () => {
  const session = traced();
  ended(session);
  await session.parts.traceExport.sendLast();
  expect(receiver.spans).toHaveLength(2);
  ended(session);
  receiver.answer = () => "hang";
  const start = performance.now();
  await session.parts.traceExport.sendLast();
  expect(performance.now() - start).toBeLessThan(4_000);
});

test("without a collector, or with one that cannot be read, nothing is written", () => {
  for (const endpoint of ["", "not a url", "https://user:password@example.com"]) {
    const session = traced({ CLAUDE_EDGE_OTLP_ENDPOINT: endpoint });
    ended(session);
    expect(left(session)).toEqual([]);
    expect(session.parts.traceExport.dueAt()).toBeUndefined();
  }
});

test("with a collector the process of a turn belongs to the turn's span", async () => {
  const session = traced();
  const turn = session.queue({ prompt: "x", traceparent: parent("01") });
  session.parts.turns.grant(turn);
  await eventually(() => expect(session.container.calls).toHaveLength(1));
  const { traceparent } = session.container.calls[0]!.body as { traceparent: string };
  expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
});
