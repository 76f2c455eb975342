import { readLines } from "@claude-edge/protocol/internal";

import { ConnectionError, ProtocolError } from "../errors.js";
import { pathSegment } from "../path-segment.js";
import type { Transport } from "../transport.js";

/** An entry of a session's transcript as Claude Code writes it, and whose: without `subpath` the main agent's. */
export interface TranscriptLine {
  subpath?: string;
  entry: { type: string; uuid?: string; [key: string]: unknown };
}

/** A session's transcript as it is now. @throws ClaudeEdgeError `session_not_found`; `connection_failed` when it broke off. */
export async function readTranscript(transport: Transport, id: string): Promise<TranscriptLine[]> {
  const path = `/v1/sessions/${pathSegment(id)}/transcript`;
  const { response, close } = await transport.request(path, { accept: "application/x-ndjson" });
  const lines: TranscriptLine[] = [];
  const { idleTimeout } = transport.config;
  let timer = setTimeout(close, idleTimeout);
  try {
    for await (const batch of readLines(response.body!.getReader())) {
      clearTimeout(timer);
      timer = setTimeout(close, idleTimeout);
      for (const line of batch) {
        const value = JSON.parse(line) as TranscriptLine | { entries: number };
        if ("entry" in value) lines.push(value);
        else if (value.entries === lines.length) return lines;
        else throw new ProtocolError("The transcript is not complete.");
      }
    }
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ConnectionError("The transcript broke off.", { cause });
  } finally {
    clearTimeout(timer);
    close();
  }
  throw new ConnectionError("The transcript broke off before its end.");
}
