/** Preloaded into every runner: prints what it is asked, for the suite to search. */
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

/** Marks the lines. */
const MARK = "runner-was-asked ";

subscribe("http.server.request.start", (message) => {
  const { method, url, rawHeaders } = (message as { request: IncomingMessage }).request;
  process.stdout.write(`${MARK}${JSON.stringify({ method, url, rawHeaders })}\n`);
});
