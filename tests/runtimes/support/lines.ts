import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import type { Line } from "../runtime.ts";

/** Reads a line of JSON for each check. What is not JSON was printed by something else. */
export async function readLines(from: Readable, onLine: (line: Line) => void): Promise<void> {
  for await (const text of createInterface({ input: from })) {
    if (text.startsWith("{")) onLine(JSON.parse(text) as Line);
    else process.stderr.write(`${text}\n`);
  }
}
