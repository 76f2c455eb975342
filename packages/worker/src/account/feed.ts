import { REQUESTS_FOR_PEOPLE, type RequestKind, type RequestStatus } from "@claude-edge/protocol";

import type { Directory } from "./directory.js";
import type { FeedTable, NewFeedEntry } from "./feed-table.js";

interface FeedHost {
  directory: Pick<Directory, "isListed">;
  /** An entry was written, in a transaction that may yet fail. */
  onEntry(entry: NewFeedEntry, now: number): void;
}

/**
 * Writes what changes in the account to its feed, in the transaction of the change. Sessions that are in no list, those of
 * the Messages API, are in no feed either.
 */
export class Feed {
  readonly #table: FeedTable;
  readonly #host: FeedHost;

  constructor(table: FeedTable, host: FeedHost) {
    this.#table = table;
    this.#host = host;
  }

  ofSession(
    session: string,
    change: "created" | "changed" | "deleted" | "event" | "expired",
  ): void {
    if (!this.#host.directory.isListed(session)) return;
    this.#add({ kind: `session.${change}`, session_id: session });
  }

  ofTurn(
    turn: string,
    session: string,
    status: "queued" | "running" | "waiting" | "completed" | "failed" | "interrupted",
  ): void {
    if (!this.#host.directory.isListed(session)) return;
    this.#add({ kind: `turn.${status}`, session_id: session, turn_id: turn });
  }

  ofRequest(
    session: string,
    {
      id,
      turn,
      asks,
      status,
    }: { id: string; turn: string; asks: RequestKind; status: RequestStatus },
  ): void {
    if (!REQUESTS_FOR_PEOPLE.has(asks) || !this.#host.directory.isListed(session)) return;
    const ids = { session_id: session, turn_id: turn, request_id: id, request_kind: asks };
    if (status === "pending") this.#add({ kind: "request.created", ...ids });
    else this.#add({ kind: "request.resolved", ...ids, status });
  }

  ofDenial(session: string, turn: string): void {
    if (!this.#host.directory.isListed(session)) return;
    this.#add({
      kind: "network.denied",
      session_id: session,
      ...(turn === "" ? {} : { turn_id: turn }),
    });
  }

  ofBudget(): void {
    this.#add({ kind: "budget.spent" });
  }

  #add(entry: NewFeedEntry): void {
    const now = Date.now();
    this.#table.add(entry, now);
    this.#host.onEntry(entry, now);
  }
}
