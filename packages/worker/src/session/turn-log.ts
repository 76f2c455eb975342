import type { LogFields, LogSubject } from "@claude-edge/protocol/internal";

import { log } from "../logger.js";
import type { TurnRow } from "./row-types.js";
import type { TurnEnd } from "./turn-end.js";

/** What writes an entry of the log. It is made where everything is known, and called when that is stored. */
export type Entry = () => void;

/** A runner has begun a turn. `prompt`: read only if logs may hold it. */
export function turnStarted(
  subject: LogSubject,
  { id, created_at, started_at, resumed }: TurnRow,
  prompt: () => unknown,
): Entry {
  const fields: LogFields = {
    ...subject,
    turn: id,
    queued_ms: (started_at ?? created_at) - created_at,
    ...(resumed > 0 ? { resumed } : {}),
    ...(log.settings.content ? { content: { prompt: prompt() } } : {}),
  };
  return () => log.info("turn started", fields);
}

/** A turn has ended. */
export function turnEnded(
  subject: LogSubject,
  { id, created_at, started_at }: TurnRow,
  { status, error, usage, result }: TurnEnd,
  now: number,
): Entry {
  const fields: LogFields = {
    ...subject,
    turn: id,
    status,
    duration_ms: now - (started_at ?? created_at),
    cost_usd: usage?.cost_usd,
    error,
    content: { answer: result?.text },
  };
  return () => log.log(status === "failed" ? "warn" : "info", "turn ended", fields);
}
