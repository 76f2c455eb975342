import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { ClientOptions } from "@claude-edge/client";
import { afterAll, beforeAll, expect, test } from "vitest";

import {
  deployment,
  DONE,
  error,
  failureOf,
  frame,
  HEADERS,
  requests,
  stream,
  textEvent,
  turnEvent,
  WHOLE,
  type Handler,
} from "./deployment.js";

/** What a fault comes to: the turn's text, or the name and code of an error. */
type Outcome = "ab" | [name: string, code: string];

interface Fault {
  name: string;
  handle: Handler;
  outcome: Outcome;
  options?: ClientOptions;
  /** Requests that it takes; 1 without it. */
  requests?: number;
}

const HEAD = WHOLE.slice(0, 3).join("");
const TAIL = WHOLE.slice(3).join("");

/** The stream is whole from the second request on. */
const mended =
  (first: (response: ServerResponse) => unknown): Handler =>
  (response, _request, count) =>
    count === 1 ? first(response) : stream(response).end(TAIL);

/** Writes pieces apart from each other, so that each arrives by itself. */
async function inPieces(response: ServerResponse, pieces: (string | Uint8Array)[]) {
  for (const piece of pieces) {
    response.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  response.end();
}

const html = (response: ServerResponse, status: number) =>
  response.writeHead(status, { "content-type": "text/html" }).end("<h1>Please log in</h1>");

// Where a redirection leads: nothing must get there, the token least of all.
let elsewhere = 0;
const other = createServer((_request, response) => {
  elsewhere += 1;
  stream(response).end(WHOLE.join(""));
});
beforeAll(() => new Promise<void>((resolve) => other.listen(0, "127.0.0.1", () => resolve())));
afterAll(() => other.close());

const FAST = { maxReconnects: 2, random: () => 1, clock: { now: Date.now, sleep: async () => {} } };

const FAULTS: Fault[] = [
  {
    name: "the stream ends before the turn does",
    handle: mended((response) => stream(response).end(HEAD)),
    outcome: "ab",
    requests: 2,
  },
  {
    name: "the stream ends before the turn does, again and again",
    handle: (response) => stream(response).end(HEAD),
    outcome: ["StreamInterruptedError", "stream_interrupted"],
    requests: 3,
  },
  {
    name: "the stream ends in the middle of an event",
    handle: mended((response) => stream(response).end(HEAD + TAIL.slice(0, 40))),
    outcome: "ab",
    requests: 2,
  },
  {
    name: "the connection is reset",
    handle: mended((response) => {
      stream(response).write(HEAD);
      setTimeout(() => response.socket!.resetAndDestroy(), 30);
    }),
    outcome: "ab",
    requests: 2,
  },
  {
    name: "an event is not JSON",
    handle: (response) => stream(response).end(`${HEAD}id: 4\nevent: message\ndata: {"seq":4,\n\n`),
    outcome: ["ProtocolError", "protocol_error"],
  },
  {
    name: "an event has not the form of its kind",
    handle: (response) => stream(response).end(HEAD + frame(4, "message", { message: "text" })),
    outcome: ["ProtocolError", "protocol_error"],
  },
  {
    name: "an error comes in the stream",
    handle: (response) => {
      const told = { code: "session_not_found", message: "It is gone.", retryable: false };
      const data = JSON.stringify({ type: "error", error: told });
      stream(response).end(`${HEAD}event: error\ndata: ${data}\n\n`);
    },
    outcome: ["ApiError", "session_not_found"],
  },
  {
    name: "an error that may pass comes in the stream",
    handle: mended((response) => {
      const told = { code: "internal", message: "One moment.", retryable: true };
      stream(response).end(
        `${HEAD}event: error\ndata: ${JSON.stringify({ type: "error", error: told })}\n\n`,
      );
    }),
    outcome: "ab",
    requests: 2,
  },
  {
    name: "an event is of an unknown kind",
    handle: (response) =>
      stream(response).end(`${HEAD}event: weather\ndata: {"seq":99,"sun":true}\n\n${TAIL}`),
    outcome: "ab",
  },
  {
    name: "CR and LF come in different pieces",
    handle: (response) => {
      stream(response);
      const pieces = WHOLE.join("")
        .replaceAll("\n", "\r\n")
        .split(/(?<=\r)/);
      return inPieces(response, pieces);
    },
    outcome: "ab",
  },
  {
    name: "a character comes in two pieces",
    handle: (response) => {
      stream(response);
      const bytes = Buffer.from(`${HEAD}${textEvent(4, "€𝄞")}${turnEvent(5, "completed", DONE)}`);
      const cut = bytes.indexOf("€") + 1;
      return inPieces(response, [
        bytes.subarray(0, cut),
        bytes.subarray(cut, cut + 3),
        bytes.subarray(cut + 3),
      ]);
    },
    outcome: "ab",
  },
  {
    name: "a login page answers, with 200",
    handle: (response) => html(response, 200),
    outcome: ["ProtocolError", "protocol_error"],
  },
  {
    name: "401",
    handle: (response) => error(response, 401, "unauthorized", false),
    outcome: ["ApiError", "unauthorized"],
  },
  {
    name: "a proxy answers 502, with HTML",
    handle: (response) => html(response, 502),
    outcome: ["ConnectionError", "connection_failed"],
    requests: 3,
  },
  {
    name: "503 twice, to come back in a second",
    handle: (response, _request, count) =>
      count < 3
        ? error(response, 503, "container_unavailable", true, { "retry-after": "1" })
        : stream(response).end(WHOLE.join("")),
    outcome: "ab",
    requests: 3,
  },
  {
    name: "503, to come back tomorrow",
    handle: (response) =>
      error(response, 503, "container_unavailable", true, { "retry-after": "86400" }),
    outcome: ["ApiError", "container_unavailable"],
  },
  {
    name: "the stream stalls after an event",
    handle: mended((response) => void stream(response).write(HEAD)),
    options: { idleTimeout: 300 },
    outcome: "ab",
    requests: 2,
  },
  {
    name: "the answer's headers never end",
    handle: (response) => {
      const { socket } = response;
      socket!.write("HTTP/1.1 200 OK\r\n");
      const drip = setInterval(() => socket!.write("x-slow: loris\r\n"), 50);
      socket!.on("close", () => clearInterval(drip));
    },
    options: { headersTimeout: 400, maxRetries: 0 },
    outcome: ["TimeoutError", "timeout"],
  },
  {
    name: "all of it takes too long",
    handle: (response) => {
      const { socket } = stream(response);
      const beat = setInterval(() => response.write(":\n\n"), 50);
      socket!.on("close", () => clearInterval(beat));
    },
    options: { totalTimeout: 400 },
    outcome: ["TimeoutError", "timeout"],
  },
  {
    name: "it is sent elsewhere",
    handle: (response) => {
      const { port } = other.address() as AddressInfo;
      response.writeHead(307, { ...HEADERS, location: `http://127.0.0.1:${port}/` }).end();
    },
    outcome: ["ProtocolError", "protocol_error"],
  },
  {
    name: "the stream says when to come back",
    handle: mended((response) => stream(response).end(`retry: 123\n\n${HEAD}`)),
    outcome: "ab",
    requests: 2,
  },
  {
    name: "numbers are left out",
    handle: (response) =>
      stream(response).end(
        HEAD + textEvent(1_000_004, "b") + turnEvent(1_000_005, "completed", DONE),
      ),
    outcome: "ab",
  },
  {
    name: "events come twice",
    handle: (response) => stream(response).end(HEAD + HEAD + TAIL),
    outcome: "ab",
  },
  {
    name: "the deployment speaks a neighbouring protocol",
    handle: (response) =>
      response
        .writeHead(200, {
          ...HEADERS,
          "x-claude-edge-protocol": "2",
          "content-type": "text/event-stream",
        })
        .end(WHOLE.join("")),
    outcome: "ab",
  },
  {
    name: "the deployment speaks another protocol",
    handle: (response) =>
      response
        .writeHead(200, {
          ...HEADERS,
          "x-claude-edge-protocol": "3",
          "content-type": "text/event-stream",
        })
        .end(WHOLE.join("")),
    outcome: ["ProtocolError", "protocol_mismatch"],
  },
  {
    name: "an event holds 50 MB",
    handle: (response) => {
      const message = { type: "user", text: "x".repeat(50 * 1024 * 1024) };
      stream(response).end(
        HEAD + frame(4, "message", { message }) + turnEvent(5, "completed", DONE),
      );
    },
    outcome: "ab",
  },
];

test.each(FAULTS)("$name", async ({ handle, outcome, options, requests: sent = 1 }) => {
  const delays: number[] = [];
  const edge = await deployment(handle, {
    ...FAST,
    onRetry: ({ delayMs }) => delays.push(delayMs),
    ...options,
  });
  const turn = edge.query("hi");
  const ended = turn.result().then(
    ({ text }): unknown => text,
    ({ name, code }: { name: string; code: string }) => [name, code],
  );
  expect(await ended).toEqual(outcome);
  expect(requests).toHaveLength(sent);
  expect(elsewhere).toBe(0);
  // Backoff doubles; what the other side asks for goes before it.
  const [first = 500] = delays;
  expect([123, 375, 500, 1_000]).toContain(first);
});

test("an interrupted stream is gone on with where it broke off", async () => {
  const edge = await deployment(
    (response, { url = "" }) =>
      url.includes("/events") && url.includes("after=3") && requests.length > 3
        ? stream(response).end(TAIL)
        : stream(response).end(HEAD),
    FAST,
  );
  const failure = (await failureOf(edge.query("hi"))) as unknown as {
    sessionId: string;
    turnId: string;
    lastSeq: number;
  };
  expect(failure.lastSeq).toBe(3);
  const turn = edge.sessions.open(failure.sessionId).resume(failure);
  expect((await turn).text).toBe("ab");
  expect(() => edge.sessions.open(failure.sessionId).resume({ turnId: undefined })).toThrow(
    /not known/,
  );
});

test("pauses double up to ten seconds, less by what chance says", async () => {
  const pauses: number[] = [];
  const clock = {
    now: Date.now,
    sleep: async (ms: number) => void pauses.push(ms),
  };
  const edge = await deployment((response) => stream(response).end(HEAD), {
    maxReconnects: 7,
    clock,
    random: () => 0,
  });
  await failureOf(edge.query("hi"));
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});
