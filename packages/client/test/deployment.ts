import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import {
  ClaudeEdge,
  type ClaudeEdgeError,
  type ClientOptions,
  type EdgeEvent,
} from "@claude-edge/client";
import { afterEach } from "vitest";

export const SESSION = "6ff168f4-104f-4591-9476-c83ee836d8ac";
export const TURN = "c2277e4a-34c6-41fb-abdf-99963f3d6245";

export const turnEvent = (seq: number, status: string, rest = {}) =>
  frame(seq, "turn", { session_id: SESSION, status, ...rest });
export const textEvent = (seq: number, text: string) =>
  frame(seq, "delta", {
    message: {
      type: "stream_event",
      event: { type: "content_block_delta", delta: { type: "text_delta", text } },
    },
  });
export const frame = (seq: number, kind: string, data: object) =>
  `id: ${seq}\nevent: ${kind}\ndata: ${JSON.stringify({ seq, turn_id: TURN, ...data })}\n\n`;

export const DONE = {
  result: { text: "ab", stop_reason: "end_turn", num_turns: 1, duration_ms: 5 },
};
export const WHOLE = [
  turnEvent(1, "queued"),
  turnEvent(2, "running"),
  textEvent(3, "a"),
  textEvent(4, "b"),
  turnEvent(5, "completed", DONE),
];

export type Handler = (
  response: ServerResponse,
  request: IncomingMessage,
  count: number,
) => unknown;

let server: Server | undefined;
export let requests: { method: string; url: string; key: string | undefined }[] = [];

/** A deployment that does as the test says; `handle` gets the number of the request. */
export async function deployment(
  handle: Handler,
  options: ClientOptions = {},
): Promise<ClaudeEdge> {
  requests = [];
  server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    requests.push({ method, url, key: headers["idempotency-key"] as string | undefined });
    request.resume();
    handle(response, request, requests.length);
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return new ClaudeEdge({ baseURL: `http://127.0.0.1:${port}`, token: "key", ...options });
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

export const HEADERS = { "x-claude-edge-protocol": "1", "x-request-id": "req_1" };
export const stream = (response: ServerResponse) =>
  response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
export const error = (
  response: ServerResponse,
  status: number,
  code: string,
  retryable: boolean,
  headers = {},
) => {
  response.writeHead(status, { ...HEADERS, "content-type": "application/json", ...headers });
  response.end(
    JSON.stringify({
      type: "error",
      error: { code, message: code, retryable },
      request_id: "req_1",
    }),
  );
};

export async function read(turn: AsyncIterable<EdgeEvent>): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of turn) seqs.push(seq);
  return seqs;
}

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export const failureOf = (promise: PromiseLike<unknown>) =>
  Promise.resolve(promise).then(
    () => undefined,
    (reason: unknown) => reason as ClaudeEdgeError,
  );
