import type { Readable } from "node:stream";

import { EdgeError } from "@claude-edge/protocol/errors";

/** The longest line of input, bytes: four times the largest request body of a deployment. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;

const LINE_FEED = 10;

/**
 * The lines of a stream, the last one whether it has a line feed or not; blank ones are left out.
 * @throws EdgeError `usage` for a longer line than {@link MAX_LINE_BYTES}, of which no more than that is held.
 */
export async function* linesOf(
  input: Readable,
  maxBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<string> {
  // Joined once: a large line comes in thousands of chunks.
  let open: Buffer[] = [];
  let size = 0;
  const take = (): string => {
    const line = Buffer.concat(open).toString("utf8").trim();
    open = [];
    size = 0;
    return line;
  };
  const add = (part: Buffer): void => {
    size += part.length;
    if (size > maxBytes) {
      throw new EdgeError("usage", `A line of input is longer than ${maxBytes} bytes.`);
    }
    open.push(part);
  };
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) >= 0; start = end + 1) {
      add(chunk.subarray(start, end));
      const line = take();
      if (line !== "") yield line;
    }
    add(chunk.subarray(start));
  }
  const last = take();
  if (last !== "") yield last;
}
