/**
 * A server of your own between its clients and the deployment: it holds the key, decides who may ask what, and relays
 * the text of a turn as it is written.
 *
 *   CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… node examples/relay-hono.ts
 *
 * Needs hono. `export default app` serves it on Workers, Bun and Deno, `serve(app)` of @hono/node-server on Node.
 */
import assert from "node:assert/strict";

import { ClaudeEdge, ClaudeEdgeError } from "@claude-edge/client";
import { Hono } from "hono";
import { streamText } from "hono/streaming";

const edge = new ClaudeEdge();
const app = new Hono();

app.post("/sessions", async (c) => {
  const session = await edge.sessions.create({ tags: ["relay"] });
  return c.json({ id: session.id }, 201);
});

app.post("/sessions/:id/ask", async (c) => {
  const left = new AbortController();
  const turn = edge.sessions.open(c.req.param("id")).send(await c.req.text(), {
    signal: left.signal,
  });
  // The first piece is awaited before anything is sent: a turn that cannot begin gets a status of its own.
  const pieces = turn.text();
  const first = await pieces.next();
  return streamText(
    c,
    async (stream) => {
      // Who leaves stops reading; the turn goes on, and its answer is in the session.
      stream.onAbort(() => left.abort());
      if (!first.done) await stream.write(first.value);
      for await (const piece of pieces) await stream.write(piece);
    },
    async (error, stream) => {
      await stream.write(`\n[${error instanceof ClaudeEdgeError ? error.code : "failed"}]`);
    },
  );
});

app.onError((error, c) => {
  if (!(error instanceof ClaudeEdgeError)) throw error;
  const { code, message, retryable } = error;
  return c.json({ code, message }, retryable ? 503 : 400);
});

// It asks itself, in place of a server and its clients.
const created = await app.request("/sessions", { method: "POST" });
const { id } = (await created.json()) as { id: string };
const ask = (prompt: string) =>
  app.request(`/sessions/${id}/ask`, { method: "POST", body: prompt });

const answer = await ask("Count.\n%tokens 50");
assert.equal(answer.status, 200);
const pieces: string[] = [];
for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) pieces.push(piece);
console.log(`${pieces.length} pieces, ${pieces.join("").length} characters`);
assert(pieces.length > 1);
assert.match(pieces.join(""), /^word1 .* word50$/);

const refused = await ask("Tell me.\n%refuse");
console.log(refused.status, await refused.text());
assert.equal(refused.status, 400);
