import { wireError } from "@claude-edge/protocol";

import { deferTool } from "./deferred-tool.js";
import type { RequestRow } from "./request-table.js";
import type { Requests } from "./requests.js";
import type { SessionLog } from "../log/session-log.js";
import type { TurnEnd } from "./turn-end.js";
import type { TurnRow } from "./row-types.js";
import type { Store } from "./store.js";

/** Turns that wait for an answer without a process, for days if necessary. */
export class WaitingTurns {
  readonly #store: Store;
  readonly #log: SessionLog;
  readonly #requests: Requests;
  readonly #end: (turn: string, end: TurnEnd) => void;

  constructor(
    store: Store,
    log: SessionLog,
    requests: Requests,
    end: (turn: string, end: TurnEnd) => void,
  ) {
    this.#store = store;
    this.#log = log;
    this.#requests = requests;
    this.#end = end;
  }

  /** Lets a running turn wait after its container is gone. False when it has no request that it can resume from. */
  takeOver({ id, interrupted }: TurnRow): boolean {
    if (interrupted || !this.#openRequests(id).some((row) => this.#deferral(row))) return false;
    this.#store.transaction(() => {
      this.#requests.cancelOf(id, { derived: false, waits: true });
      this.#store.markWaiting(id);
      this.#store.setTranscriptBoot(null);
      this.#log.emitOwn(id, "turn", { session_id: this.#store.id, status: "waiting" });
    });
    return true;
  }

  /** Resumes turns whose answer arrived while no process could take it. */
  resumeAnswered(): void {
    for (const turn of this.#store.openTurns()) {
      if (turn.status !== "waiting" || this.#log.isHeld) continue;
      const answered = this.#openRequests(turn.id).find(
        (row) => row.status !== "pending" && this.#deferral(row),
      );
      if (answered) this.resume(turn, answered);
    }
  }

  /** Puts an answered turn back into the queue, to resume at the answered request. */
  resume({ id }: TurnRow, request: RequestRow): void {
    const entries = this.#deferral(request);
    if (!entries) {
      const message = "The session's transcript does not hold the tool call that was answered for.";
      return this.#end(id, { status: "failed", error: wireError("turn_failed", message) });
    }
    this.#store.transaction(() => {
      // The process behind the other requests is gone. The model learns of it and repeats the calls it still needs.
      this.#requests.cancelOf(id, { derived: false, except: request.id });
      this.#store.transcripts.append("", entries);
      this.#store.setTranscriptBoot(null);
      this.#store.markQueued(id);
    });
  }

  /** A turn's open requests that can outlive their process. */
  #openRequests(turn: string): RequestRow[] {
    return this.#store.requests.openOf(turn).filter(({ tool_use_id }) => tool_use_id !== null);
  }

  #deferral({ tool_use_id }: RequestRow) {
    return deferTool(this.#store.transcripts.entries(), tool_use_id!);
  }
}
