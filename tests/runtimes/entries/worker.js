/** The suite as a Worker: it is sent what the suite is given, and streams a line of JSON for each check. */
import { ClaudeEdge, query } from "@claude-edge/client";

import { run } from "../suite.js";

export default {
  async fetch(request) {
    const given = await request.json();
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const encoder = new TextEncoder();
    const print = (line) => writer.write(encoder.encode(`${JSON.stringify(line)}\n`));
    void run({ ClaudeEdge, query, ...given }, print)
      .then(() => print({ ended: true }))
      .finally(() => writer.close());
    return new Response(readable);
  },
};
