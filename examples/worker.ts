/**
 * A Cloudflare Worker that answers `POST /` with the text of a turn, piece by piece.
 *
 *   npx wrangler dev examples/worker.ts --var CLAUDE_EDGE_URL:… --var CLAUDE_EDGE_TOKEN:…
 *   curl -N --data "Tell me a story." http://127.0.0.1:8787
 *
 * Deployed, CLAUDE_EDGE_TOKEN is a secret: `npx wrangler secret put CLAUDE_EDGE_TOKEN`.
 */
import { ClaudeEdge, ClaudeEdgeError } from "@claude-edge/client";

interface Env {
  CLAUDE_EDGE_URL: string;
  CLAUDE_EDGE_TOKEN: string;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method !== "POST") return new Response("POST a prompt.\n", { status: 405 });
    const edge = new ClaudeEdge({ baseURL: env.CLAUDE_EDGE_URL, token: env.CLAUDE_EDGE_TOKEN });
    // Who leaves stops reading; the turn goes on.
    const pieces = edge.query(await request.text(), { signal: request.signal }).text();
    try {
      // Awaited before anything is sent: a turn that cannot begin gets a status of its own.
      const first = await pieces.next();
      return new Response(streamOf(first, pieces), {
        headers: {
          "content-type": "text/plain; charset=utf-8",
          // Compressed on its way it would be held back: by Cloudflare, and by wrangler dev.
          "cache-control": "no-cache, no-transform",
          "content-encoding": "identity",
        },
      });
    } catch (error) {
      if (!(error instanceof ClaudeEdgeError)) throw error;
      return Response.json({ code: error.code }, { status: error.retryable ? 503 : 400 });
    }
  },
};

/** A body that asks for a piece when there is room for one. */
function streamOf(first: IteratorResult<string>, rest: AsyncGenerator<string>): ReadableStream {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<string>> = Promise.resolve(first);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await next;
      if (done) return controller.close();
      controller.enqueue(encoder.encode(value));
      next = rest.next();
      // What it throws is for the next pull to tell.
      next.catch(() => {});
    },
    async cancel() {
      await rest.return(undefined);
    },
  });
}
