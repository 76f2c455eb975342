/**
 * A load generator in the runner's place: it speaks the runner's protocol and runs no agent. A turn's prompt is a JSON
 * program: `{ "seconds": 10, "rate": 50 }` emits that many events a second, each with the time at which it was sent;
 * `{ "files": 500, "bytes": 1048576 }` takes a checkpoint of that many files; with `"prepare": true` it only hashes them.
 */
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** Of so many events one is a whole message, which is stored; the others are pieces, which only pass through. */
const STORED_EVERY = 25;

/** Events are emitted in such steps, milliseconds: as tokens come from a model. */
const STEP_MS = 20;

const PING_MS = 3_000;
const boot = randomUUID();
const sessions = new Map();

const now = () => performance.timeOrigin + performance.now();

/** A session's log. What is acknowledged is dropped. */
class Log {
  #lines = [];
  #first = 1;
  #readers = new Set();
  cursor = 0;

  append(frame) {
    this.cursor += 1;
    const line = `${JSON.stringify({ ...frame, cursor: this.cursor })}\n`;
    this.#lines.push(line);
    for (const reader of this.#readers) reader(line);
  }

  acknowledge(cursor) {
    const gone = Math.max(0, Math.min(cursor + 1 - this.#first, this.#lines.length));
    this.#lines.splice(0, gone);
    this.#first += gone;
  }

  stream(response, after) {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const rest = this.#lines.slice(Math.max(0, after + 1 - this.#first)).join("");
    response.write(`${JSON.stringify({ kind: "head", boot, cursor: this.cursor })}\n${rest}`);
    const write = (line) => response.write(line);
    const ping = setInterval(() => response.write('{"kind":"ping"}\n'), PING_MS);
    this.#readers.add(write);
    response.on("close", () => {
      clearInterval(ping);
      this.#readers.delete(write);
    });
  }
}

function sessionOf(id) {
  const session = sessions.get(id) ?? { log: new Log(), turns: new Set(), checkpoints: 0 };
  sessions.set(id, session);
  return session;
}

/** Runs a turn's program to its end. */
async function run({ log, ...session }, turn, program) {
  const { seconds = 0, rate = 0, files = 0, bytes = 0, prepare = false } = program;
  log.append({ kind: "turn", turn, status: "running" });
  if (prepare) hashes(files, bytes);
  else if (files > 0) {
    const entries = hashes(files, bytes).map((sha256, n) => {
      return { path: `large/${n}.bin`, type: "file", mode: 0o644, size: bytes, sha256 };
    });
    const number = session.checkpoints + 1;
    log.append({
      kind: "checkpoint",
      turn,
      reason: "tool",
      number,
      full: false,
      entries,
      skipped: [],
    });
  }
  const started = performance.now();
  const count = seconds * rate;
  for (let n = 0; n < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - started) / 1_000) * rate));
    for (; n < due; n += 1) log.append({ kind: "message", turn, message: messageOf(n) });
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  const result = { text: "", subtype: "success", is_error: false, duration_ms: 0, num_turns: 1 };
  log.append({ kind: "turn", turn, status: "completed", result });
}

const FILLER = "x".repeat(2_000);

function messageOf(n) {
  const sent = now();
  if (n % STORED_EVERY === 0) return { type: "assistant", n, sent, message: { content: FILLER } };
  const delta = { type: "text_delta", text: "a few words " };
  return { type: "stream_event", n, sent, event: { type: "content_block_delta", index: 0, delta } };
}

/** Files of a size, each unlike the others: by number, and their hashes, which take a while the first time. */
const contentOf = (n, bytes) => Buffer.alloc(bytes, `${boot} ${n} `);
const known = new Map();
function hashes(count, bytes) {
  for (let n = known.size; n < count; n += 1) {
    known.set(createHash("sha256").update(contentOf(n, bytes)).digest("hex"), { n, bytes });
  }
  return [...known.keys()].slice(0, count);
}

const ROUTES = [
  ["GET", /^\/health$/, () => ({ status: "ok", boot, version: "0", protocol: PROTOCOL })],
  ["GET", /^\/sessions$/, () => ({ sessions: [], idle_ms: 0 })],
  ["POST", /^\/spares\/reserve$/, () => ({})],
  ["PUT", /^\/sessions\/([^/]+)\/turns\/([^/]+)$/, startTurn],
  ["GET", /^\/sessions\/([^/]+)\/log$/, streamLog],
  ["POST", /^\/sessions\/([^/]+)\/log\/ack$/, acknowledge],
  [
    "PUT",
    /^\/sessions\/([^/]+)\/workspace$/,
    async ({ request }) => {
      await text(request);
      return { missing: [] };
    },
  ],
  ["POST", /^\/sessions\/([^/]+)\/checkpoints\/(\d+)\/blobs$/, sendBlobs],
];
const PROTOCOL = Number(process.env.CLAUDE_EDGE_BENCH_PROTOCOL);

async function startTurn({ request, response, params: [id, turn] }) {
  const { prompt } = JSON.parse(await text(request));
  const session = sessionOf(id);
  const { cursor } = session.log;
  if (!session.turns.has(turn)) {
    session.turns.add(turn);
    setImmediate(() => void run(session, turn, JSON.parse(prompt)));
  }
  response.writeHead(202, { "content-type": "application/json" });
  response.end(JSON.stringify({ boot, cursor }));
}

function streamLog({ response, params: [id], query }) {
  const after = query.get("boot") === boot ? Number(query.get("after")) : 0;
  sessionOf(id).log.stream(response, after);
}

function acknowledge({ params: [id], query }) {
  sessionOf(id).log.acknowledge(Number(query.get("cursor")));
  return {};
}

async function sendBlobs({ request, response }) {
  const { blobs } = JSON.parse(await text(request));
  const wanted = blobs.map((hash) => known.get(hash));
  response.writeHead(200, {
    "content-length": wanted.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  for (const { n, bytes } of wanted) {
    if (!response.write(contentOf(n, bytes))) await once(response, "drain");
  }
  response.end();
}

const server = createServer(async (request, response) => {
  const { pathname, searchParams: query } = new URL(request.url, "http://runner");
  for (const [method, pattern, handle] of ROUTES) {
    const match = request.method === method && pattern.exec(pathname);
    if (!match) continue;
    const body = await handle({ request, response, params: match.slice(1), query });
    if (body !== undefined) response.end(JSON.stringify(body));
    return;
  }
  // Whatever else is asked succeeds and does nothing.
  await text(request);
  response.end("{}");
});
server.requestTimeout = 0;
server.listen(process.env.PORT);
process.on("SIGTERM", () => process.exit(0));
