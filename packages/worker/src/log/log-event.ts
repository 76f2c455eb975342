import type { EdgeEvent } from "@claude-edge/protocol";

/** An event of a session's log, already serialized. */
export interface LogEvent {
  seq: number;
  turn: string;
  kind: EdgeEvent["kind"];
  /** JSON. */
  data: string;
}

/** An event as readers take it: of a large one the first part, and the others by themselves. */
export interface LogHead extends LogEvent {
  /** More parts follow: see `cut`. */
  more?: boolean;
}

/** An event as it is sent: of a session's log, or of another feed. */
export type SentEvent = Pick<LogHead, "seq" | "data" | "more"> & { kind: string };

/** A part of a large event after its first. */
export interface LogPart {
  text: string;
  more: boolean;
}

const encoder = new TextEncoder();

/** The newest frames: the readers of a session are mostly given the same events, one after the other. */
let newest: { events: SentEvent[]; frames: Uint8Array } | undefined;

/** Events as SSE frames. */
export function toFrames(events: SentEvent[]): Uint8Array {
  if (newest && isSame(newest.events, events)) return newest.frames;
  let text = "";
  for (const { seq, kind, data, more } of events) {
    text += `id: ${seq}\nevent: ${kind}\ndata: ${data}${more ? "" : "\n\n"}`;
  }
  newest = { events, frames: encoder.encode(text) };
  return newest.frames;
}

/** A further part of an event, in its frame. */
export const toFramePart = ({ text, more }: LogPart): Uint8Array =>
  encoder.encode(more ? text : `${text}\n\n`);

const isSame = (left: SentEvent[], right: SentEvent[]): boolean =>
  left.length === right.length && left.every((event, index) => event === right[index]);
