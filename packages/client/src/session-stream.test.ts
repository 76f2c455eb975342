import { PROTOCOL_HEADER, PROTOCOL_VERSION } from "@claude-edge/protocol/wire";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ClaudeEdge } from "./client.js";

const ID = "0af76519-16cd-43dd-8448-eb211c80319c";
const HEADERS = { [PROTOCOL_HEADER]: String(PROTOCOL_VERSION) };

/** A connection to a stream of the deployment's, as it stands there. */
class Stream {
  readonly path: string;
  readonly response: Response;
  isOpen = true;
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor(path: string, signal: AbortSignal) {
    this.path = path;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
    });
    signal.addEventListener("abort", () => {
      this.isOpen = false;
      this.#controller.error(signal.reason);
    });
    const headers = { ...HEADERS, "content-type": "text/event-stream" };
    this.response = new Response(body, { headers });
  }

  send(event: string, data: object): void {
    const frame = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#controller.enqueue(new TextEncoder().encode(frame));
  }

  end(): void {
    this.isOpen = false;
    this.#controller.close();
  }
}

let streams: Stream[] = [];
/** The events of the session, which are there to be read. */
let stored: { seq: number; kind: string }[] = [];
let status = "idle";
/** How the feed answers, if not with a stream. */
let refusal: Response | undefined;
beforeEach(() => {
  vi.useFakeTimers();
  [streams, stored, status, refusal] = [[], [], "idle", undefined];
});
afterEach(() => void vi.useRealTimers());

const of = (part: string) => streams.filter(({ path, isOpen }) => isOpen && path.includes(part));
const after = (path: string) => Number(/after=(\d+)/.exec(path)?.[1]);
const refuse = (code: string, httpStatus: number) =>
  Response.json(
    { type: "error", error: { code, message: "No.", retryable: false }, request_id: "r" },
    { status: httpStatus, headers: HEADERS },
  );

/** The deployment, as far as a reader of one session sees it. */
const deployment: typeof fetch = async (input, init) => {
  const path = String(input).slice("http://edge".length);
  const wantsStream = new Headers(init?.headers).get("accept") === "text/event-stream";
  if (!wantsStream) {
    const session = { id: ID, status, options: {}, last_seq: stored.length };
    const events = stored.filter(({ seq }) => seq > after(path));
    const body = path.includes("/events") ? { events, last_seq: stored.length } : session;
    return Response.json(body, { headers: HEADERS });
  }
  if (path.startsWith("/v1/feed") && refusal) return refusal.clone();
  const stream = new Stream(path, init!.signal!);
  streams.push(stream);
  if (path.startsWith("/v1/feed")) stream.send("reset", { seq: 1, at: 1, kind: "reset" });
  else for (const { seq } of stored) if (seq > after(path)) stream.send("checkpoint", eventOf(seq));
  return stream.response;
};

const eventOf = (seq: number) => ({ seq, turn_id: "", at: 1, kind: "checkpoint", checkpoint: {} });

/** Something happens in the session: its readers get it, and the feed tells of it. */
function happen(): void {
  const seq = stored.length + 1;
  stored.push(eventOf(seq));
  for (const stream of of("/events")) stream.send("checkpoint", eventOf(seq));
  for (const stream of of("/v1/feed")) stream.send("session.event", { seq, at: 1, kind: "x" });
}

function read() {
  const edge = new ClaudeEdge({ baseURL: "http://edge", token: "t", fetch: deployment });
  const stop = new AbortController();
  const seqs: number[] = [];
  const done = (async () => {
    for await (const { seq } of edge.sessions.open(ID).events({ signal: stop.signal })) {
      seqs.push(seq);
    }
  })().catch(() => {});
  return { seqs, end: () => (stop.abort(), done) };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("it rests after five seconds of silence, and comes back for each thing that happens, once", async () => {
  const { seqs, end } = read();
  await pass(4_900);
  expect([of("/events").length, of("/v1/feed").length]).toEqual([1, 0]);
  await pass(200);
  expect([of("/events").length, of("/v1/feed").length]).toEqual([0, 1]);
  for (let count = 1; count <= 3; count += 1) {
    happen();
    await pass(100);
    expect([of("/events").length, of("/v1/feed").length]).toEqual([1, 0]);
    // Not yet at rest.
    happen();
    await pass(35_000);
    expect([of("/events").length, of("/v1/feed").length]).toEqual([0, 1]);
  }
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6]);
  await end();
  expect(streams.filter(({ isOpen }) => isOpen)).toEqual([]);
});

test("it stays while a turn runs, and looks no more until something comes", async () => {
  status = "running";
  const { seqs, end } = read();
  await pass(60_000);
  expect([of("/events").length, of("/v1/feed").length]).toEqual([1, 0]);
  expect(streams.filter(({ path }) => path.startsWith("/v1/feed"))).toHaveLength(1);
  happen();
  status = "idle";
  await pass(6_000);
  expect([of("/events").length, of("/v1/feed").length]).toEqual([0, 1]);
  expect(seqs).toEqual([1]);
  await end();
});

test("a feed that cannot be had is tried ever more seldom, one that is forbidden once", async () => {
  refusal = refuse("too_many_readers", 429);
  const first = read();
  await pass(30_000);
  happen();
  await pass(100);
  expect([first.seqs, of("/events").length]).toEqual([[1], 1]);
  refusal = undefined;
  await pass(6_000);
  expect(of("/v1/feed").length).toBe(1);
  await first.end();

  refusal = refuse("forbidden", 403);
  const second = read();
  await pass(6_000);
  refusal = undefined;
  const before = streams.length;
  await pass(600_000);
  happen();
  await pass(60_000);
  expect(streams.slice(before).filter(({ path }) => path.startsWith("/v1/feed"))).toEqual([]);
  expect(second.seqs.at(-1)).toBe(2);
  await second.end();
});

test("a wait that is cut off at once brings it back, and does not go round in a loop", async () => {
  const { end } = read();
  for (let second = 0; second < 600; second += 1) {
    await pass(1_000);
    for (const stream of of("/v1/feed")) stream.end();
  }
  // After 5 s, 10 s, 20 s and so on: not 120 times in ten minutes.
  const waits = streams.filter(({ path }) => path.startsWith("/v1/feed")).length;
  expect(waits).toBeGreaterThan(3);
  expect(waits).toBeLessThan(9);
  await end();
});
