import { isFinal, type TurnStatus } from "@claude-edge/protocol";

import { all } from "../sql/rows.js";
import type { Outbox } from "./outbox.js";

/**
 * An event that follows the end of a turn so soon needs no notice, milliseconds: its readers stay longer than this after
 * what they read last.
 */
const READERS_STAY_MS = 3_000;

/**
 * Tells the account's feed of events outside of turns: readers of a session without a running turn wait there. Call it in
 * the transaction of an event.
 */
export function noteQuietEvent(sql: SqlStorage, outbox: Outbox, now: number): void {
  const [newest] = all<{ status: TurnStatus; ended_at: number | null }>(
    sql,
    "SELECT status, ended_at FROM turns ORDER BY position DESC LIMIT 1",
  );
  const isQuiet =
    !newest ||
    newest.status === "waiting" ||
    (isFinal(newest.status) && now - (newest.ended_at ?? 0) > READERS_STAY_MS);
  if (isQuiet) outbox.add({ kind: "event" });
}
