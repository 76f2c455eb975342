import type { EdgeEvent } from "@claude-edge/protocol";

/** An event of a session's log, its data already in the form it travels in. */
export interface LogEvent {
  seq: number;
  turn: string;
  kind: EdgeEvent["kind"];
  /** JSON. */
  data: string;
}

const encoder = new TextEncoder();

/** Events as SSE frames. */
export function toFrames(events: LogEvent[]): Uint8Array {
  let text = "";
  for (const { seq, kind, data } of events) text += `id: ${seq}\nevent: ${kind}\ndata: ${data}\n\n`;
  return encoder.encode(text);
}
