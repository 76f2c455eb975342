import { Bell } from "@claude-edge/protocol/internal";

import type { SessionLogs } from "../log/session-logs.js";
import type { Call } from "./router.js";

/** The handlers of the routes about logs. */

/** How often a reader gets a ping, milliseconds: it tells a runner that hangs from a turn that takes its time. */
const PING_MS = 3_000;

/** Streams a session's log after a cursor, until the reader leaves or the log is removed. */
export async function streamLog(
  logs: SessionLogs,
  { params, query, response }: Call<"session">,
): Promise<void> {
  const bell = new Bell();
  const { log, unsubscribe } = logs.subscribe(params.session, bell.ring);
  response.on("close", bell.ring).on("drain", bell.ring);
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.write(`${JSON.stringify(log.head)}\n`);
  const ping = setInterval(() => response.write('{"kind":"ping"}\n'), PING_MS);
  try {
    const after = Number(query.get("after") ?? 0);
    // A cursor beyond the end is that of a log that was removed.
    const isOurs = query.get("boot") === logs.boot && after <= log.head.cursor;
    let cursor = isOurs ? after : 0;
    let hasTold = false;
    while (!response.destroyed) {
      if (logs.isDraining && !hasTold) response.write('{"kind":"draining"}\n');
      hasTold = logs.isDraining;
      const next = log.read(cursor);
      if (next.text !== "" && !response.writableNeedDrain) {
        cursor = next.cursor;
        response.write(next.text);
        continue;
      }
      if (next.text === "" && log.isEnded) break;
      await bell.rung();
      // Batches what one tick of the event loop emits.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    clearInterval(ping);
    unsubscribe();
    response.end();
  }
}

export function acknowledgeLog(logs: SessionLogs, { params, query }: Call<"session">): object {
  if (query.get("boot") === logs.boot) {
    logs.get(params.session)?.acknowledge(Number(query.get("cursor")));
  }
  return {};
}
