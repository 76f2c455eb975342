/**
 * Serves the streams, in a process of its own: whatever is asked below `/<wire>/<deltas>/` is answered with such a
 * stream, in pieces of 64 KiB, as fast as it is read. Its parent is told its address, and whenever it sends a message
 * how many bytes of the last stream went out.
 */
import { createServer } from "node:http";

import { bodyOf } from "./wires.mjs";

const PIECE = 64 * 1024;
const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "x-claude-edge-protocol": "1",
};

const bodies = new Map();
let written = 0;

const server = createServer(async (request, response) => {
  request.resume();
  const [, wire, deltas] = request.url.split("/");
  const key = `${wire} ${deltas}`;
  const body = bodies.get(key) ?? bodyOf(wire, Number(deltas));
  bodies.set(key, body);
  response.writeHead(200, HEADERS);
  written = 0;
  for (let at = 0; at < body.length; at += PIECE) {
    const piece = body.subarray(at, at + PIECE);
    const failed = await new Promise((resolve) => {
      response.write(piece, resolve);
    });
    if (failed) return;
    written += piece.length;
  }
  response.end();
});

server.listen(0, "127.0.0.1", () => {
  process.send(`http://127.0.0.1:${server.address().port}`);
});
process.on("message", () => process.send(written));
process.on("disconnect", () => process.exit());
