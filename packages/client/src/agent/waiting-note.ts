import { capacityNote, type TurnEvent } from "@claude-edge/protocol/wire";

import type { ClientOptions } from "../config.js";

/** A turn that has not begun after this long is told of, milliseconds: most wait for less. */
const PATIENCE_MS = 2_000;

/** Says, once it has taken a while, what a query's turn waits for: another turn, or a container. */
export class WaitingNote {
  readonly #edge: ClientOptions;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(edge: ClientOptions) {
    this.#edge = edge;
  }

  /** Takes an event of a turn of the query's own; those of a streaming prompt wait for each other, which is no news. */
  onTurn(event: TurnEvent, own: ReadonlySet<string>): void {
    const { turn_id, status, waiting_for: blocker } = event;
    clearTimeout(this.#timers.get(turn_id));
    this.#timers.delete(turn_id);
    if (status !== "queued" || own.has(blocker?.turn_id ?? "")) return;
    const say = () => {
      const note = blocker ? noteOf(blocker, this.#edge.account) : waitOf(event);
      if (note !== undefined) this.#say(note, blocker ?? waitDetails(event));
    };
    this.#timers.set(turn_id, setTimeout(say, PATIENCE_MS));
  }

  /** The query is over. */
  drop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #say(note: string, details: object): void {
    if (this.#edge.logger) return this.#edge.logger.warn(note, { ...details });
    // oxlint-disable-next-line no-console -- a program that seems to hang is told why, logger or not
    console.warn(`claude-edge: ${note}`);
  }
}

type Blocker = NonNullable<TurnEvent["waiting_for"]>;

function waitOf(event: TurnEvent): string | undefined {
  const note = capacityNote(event);
  return note && `${note.charAt(0).toUpperCase()}${note.slice(1)}.`;
}

const waitDetails = ({ reason, since, cause }: TurnEvent) => ({ reason, since, cause });

function noteOf({ session_id, turn_id, since }: Blocker, account: string | undefined): string {
  if (!session_id || !turn_id) return `Waiting for another turn of the account, since ${since}.`;
  const command = `claude-edge sessions interrupt ${session_id}${account ? ` --account ${account}` : ""}`;
  return `Waiting for turn ${turn_id} of session ${session_id}, which began at ${since}. To stop it: edge.sessions.open("${session_id}").interrupt(), or \`${command}\`.`;
}
