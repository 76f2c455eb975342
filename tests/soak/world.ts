import type { LocalStack } from "@claude-edge/local";

import type { FaultLog } from "./fault-log.ts";
import type { Ledger } from "./ledger.ts";

/** What all parts of a soak share. */
export interface World {
  stack: LocalStack;
  ledger: Ledger;
  faults: FaultLog;
  counts: Counts;
  /** Notes something that did not hold. */
  problem(what: string): void;
  /** Writes into the stack's log what happened when. */
  note(what: string): void;
  /** Keeps work that goes on beside the rest; the end waits for it. */
  later(work: Promise<unknown>): void;
}

export interface Counts {
  /** Turns, by how they ended. */
  turns: Record<string, number>;
  turnMs: number[];
  resumed: number;
  waited: number;
  sessions: number;
  forks: number;
  deletions: number;
  events: number;
}

/** How long a process of a session outlives its last turn, milliseconds. */
export const HOT_MS = 30_000;

/** How long a container stays without work, milliseconds. */
export const SLEEP_AFTER_MS = 60_000;
