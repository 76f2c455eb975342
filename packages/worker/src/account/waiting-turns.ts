import { wireError } from "@claude-edge/protocol";

import { deferTool } from "./deferred-tool.js";
import type { RequestRow } from "./request-table.js";
import type { Requests } from "./requests.js";
import type { SessionLogs, TurnEnd } from "./session-logs.js";
import type { Store, TurnRow } from "./store.js";

/** Turns that wait for an answer with no process held for them: for days, if need be. */
export class WaitingTurns {
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #requests: Requests;
  readonly #end: (turn: string, end: TurnEnd) => void;

  constructor(
    store: Store,
    logs: SessionLogs,
    requests: Requests,
    end: (turn: string, end: TurnEnd) => void,
  ) {
    this.#store = store;
    this.#logs = logs;
    this.#requests = requests;
    this.#end = end;
  }

  /** Takes a running turn whose container is gone, if it stands at a question. False when it does not. */
  take({ id, session_id, interrupted }: TurnRow): boolean {
    if (interrupted || !this.#asked(id).some((row) => this.#deferral(row))) return false;
    this.#store.transaction(() => {
      this.#requests.cancelOf(id, { beside: false, waits: true });
      this.#store.markWaiting(id);
      this.#store.setTranscriptBoot(session_id, null);
      this.#logs.emitOwn(session_id, id, "turn", { session_id, status: "waiting" });
    });
    return true;
  }

  /** Goes on with those whose answer came while nobody could take it. */
  goOnAnswered(): void {
    for (const turn of this.#store.openTurns()) {
      if (turn.status !== "waiting" || this.#logs.isHeld(turn.session_id)) continue;
      const answered = this.#asked(turn.id).find(
        (row) => row.status !== "pending" && this.#deferral(row),
      );
      if (answered) this.goOn(turn, answered);
    }
  }

  /** There is an answer: the turn goes back into the queue, and on at that question. */
  goOn({ id, session_id }: TurnRow, request: RequestRow): void {
    const entries = this.#deferral(request);
    if (!entries) {
      const message = "The session's transcript does not hold the tool call that was answered for.";
      return this.#end(id, { status: "failed", error: wireError("turn_failed", message) });
    }
    this.#store.transaction(() => {
      // The process that had asked the others is gone; the model is told, and calls again what it still needs.
      this.#requests.cancelOf(id, { beside: false, except: request.id });
      this.#store.transcripts.append(session_id, "", entries);
      this.#store.setTranscriptBoot(session_id, null);
      this.#store.markQueued(id);
    });
  }

  /** A turn's questions that can outlive their process, unanswered or answered and not taken. */
  #asked(turn: string): RequestRow[] {
    return this.#store.requests.openOf(turn).filter(({ tool_use_id }) => tool_use_id !== null);
  }

  #deferral({ session_id, tool_use_id }: RequestRow) {
    return deferTool(this.#store.transcripts.entries(session_id), tool_use_id!);
  }
}
