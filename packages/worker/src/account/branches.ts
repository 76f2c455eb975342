import {
  EdgeError,
  type ForkSessionRequest,
  type Rewound,
  type SessionResource,
} from "@claude-edge/protocol";

import type { Files } from "../workspace/files.js";
import { EMPTY } from "../workspace/tree.js";
import type { SessionLogs } from "./session-logs.js";
import type { Store } from "./store.js";
import { REWOUND } from "./transcripts.js";
import type { Workspaces } from "./workspaces.js";

/** A place in a session, conversation and files. */
interface Point {
  origin: NonNullable<SessionResource["forked_from"]>;
  /** How far its transcript goes. */
  upTo?: number | undefined;
  message?: string | undefined;
  /** How its files were. */
  root: string;
}

/** Goes back in sessions: in the same one, or in another that begins there. */
export class Branches {
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #files: Files;
  readonly #workspaces: Workspaces;

  constructor(store: Store, logs: SessionLogs, files: Files, workspaces: Workspaces) {
    this.#store = store;
    this.#logs = logs;
    this.#files = files;
    this.#workspaces = workspaces;
  }

  /** @throws EdgeError `turn_not_found`, `turn_running`, `invalid_request`. */
  pointOf(session: string, { message_id: message, turn_id: turn }: ForkSessionRequest): Point {
    if (message !== undefined && turn !== undefined) {
      throw new EdgeError("invalid_request", "turn_id: cannot be given with message_id.");
    }
    const { stored } = this.#files;
    if (message !== undefined) {
      const origin = { session_id: session, message_id: message };
      return { origin, message, root: stored.stateOfMessage(session, message).root };
    }
    const upTo = turn === undefined ? undefined : this.#endOf(session, turn);
    const origin = { session_id: session, ...(turn === undefined ? {} : { turn_id: turn }) };
    return { origin, upTo, root: stored.state(session, turn).root };
  }

  /** Lets a new session begin there. @throws EdgeError `message_not_found`. */
  copy({ origin, message, upTo, root }: Point, to: string): void {
    const { session_id: from } = origin;
    if (!this.#store.transcripts.copy(from, to, { message, upTo })) {
      throw new EdgeError("message_not_found", `Session ${from} has no message ${message}.`);
    }
    if (root !== EMPTY) this.#files.write(to, 0, { turn: "", reason: "fork", root }, EMPTY);
  }

  /**
   * @param onDone Called in the transaction in which it goes back.
   * @throws EdgeError `turn_not_found`, `turn_running`, `workspace_unavailable`.
   */
  async rewind(session: string, turn: string | null, onDone: () => void): Promise<Rewound> {
    this.#placeOf(session, turn);
    // What has changed since the last turn is stored too: going back can be gone back on.
    if (!(await this.#workspaces.takeCheckpoint(session, "rewind"))) {
      const message = "The session's container did not give its files.";
      throw new EdgeError("workspace_unavailable", message);
    }
    await this.#logs.untilWhole(session);
    const position = this.#placeOf(session, turn);
    return this.#store.transaction(() => {
      this.#store.transcripts.truncate(session, position);
      this.#store.setTranscriptBoot(session, REWOUND);
      onDone();
      return this.#files.rewind(session, turn);
    });
  }

  /** Where a session that stands still is to go back to, in its transcript. */
  #placeOf(session: string, turn: string | null): number {
    const open = this.#store.openTurns().find(({ session_id }) => session_id === session);
    if (open) throw new EdgeError("turn_running", `Turn ${open.id} is ${open.status}.`);
    return turn === null ? 0 : this.#endOf(session, turn);
  }

  #endOf(session: string, id: string): number {
    const turn = this.#store.turn(id);
    if (turn?.session_id !== session) {
      throw new EdgeError("turn_not_found", `There is no turn ${id} in session ${session}.`);
    }
    if (turn.end_seq === null) throw new EdgeError("turn_running", `Turn ${id} has not ended.`);
    if (turn.transcript_end !== null) return turn.transcript_end;
    const message = `Turn ${id} ended before turns could be gone back to.`;
    throw new EdgeError("checkpoint_not_found", message);
  }
}
