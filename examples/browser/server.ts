/**
 * The client in a page. The root key must not reach a browser: this server hands out the page, and passes its requests
 * on with the key. For a page that asks the deployment itself, name its origin in `CLAUDE_EDGE_CORS_ORIGINS` and give
 * the page a token of one session (`mintToken`).
 *
 *   CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… node examples/browser/server.ts      # prints where it listens
 *
 * Needs esbuild, which makes one script of page.ts and the client.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

import { build } from "esbuild";

const { CLAUDE_EDGE_URL, CLAUDE_EDGE_TOKEN, PORT = "0" } = process.env;

const page = readFileSync(new URL("index.html", import.meta.url));
const { outputFiles } = await build({
  entryPoints: [new URL("page.ts", import.meta.url).pathname],
  bundle: true,
  format: "esm",
  write: false,
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = "/", method = "GET" } = request;
  if (url === "/") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
  } else if (url === "/page.js") {
    response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" });
    response.end(outputFiles[0]!.contents);
  } else if (url.startsWith("/v1/")) {
    await passOn(url, method, request, response);
  } else {
    response.writeHead(404).end();
  }
}

/** Here belongs your own sign-in: whoever may ask acts for the account named here. */
async function passOn(
  path: string,
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = new Headers({
    authorization: `Bearer ${CLAUDE_EDGE_TOKEN}`,
    "x-account-id": "visitor-1",
  });
  for (const name of ["accept", "content-type", "idempotency-key", "x-claude-edge-protocol"]) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const left = new AbortController();
  response.once("close", () => left.abort());
  const body = method === "GET" ? null : await text(request);
  const answer = await fetch(CLAUDE_EDGE_URL + path, {
    method,
    headers,
    body,
    signal: left.signal,
  });
  for (const name of ["content-type", "x-claude-edge-protocol", "x-request-id", "retry-after"]) {
    const value = answer.headers.get(name);
    if (value !== null) response.setHeader(name, value);
  }
  response.writeHead(answer.status);
  if (answer.body) await pipeline(answer.body, response);
  else response.end();
}

const server = createServer((request, response) => {
  serve(request, response).catch(() => response.destroy());
});
server.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
