import type { EdgeEvent } from "@claude-edge/client";
import { capacityNote } from "@claude-edge/protocol/wire";

import { sameTarget } from "../target/same-target.js";
import type { TargetFlags } from "../target/target.js";

/** A turn that has not begun after this long is told of, milliseconds: most wait for less. */
const PATIENCE_MS = 2_000;

/** Tells people, once it has taken a while, what their turn waits for: another turn, or a container. */
export class WaitingNote {
  readonly #write: (note: string) => unknown;
  readonly #flags: TargetFlags;
  #timer: NodeJS.Timeout | undefined;

  /** `flags`: those of the command that waits. */
  constructor(write: (note: string) => unknown, flags: TargetFlags) {
    this.#write = write;
    this.#flags = flags;
  }

  onEvent(event: EdgeEvent): void {
    if (event.kind !== "turn") return;
    this.close();
    const { status, waiting_for: blocker } = event;
    if (status !== "queued") return;
    this.#timer = setTimeout(() => {
      const wait = capacityNote(event);
      const note = blocker ? noteOf(blocker, this.#flags) : wait && `note: ${wait}\n`;
      if (note) this.#write(note);
    }, PATIENCE_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

type Blocker = NonNullable<Extract<EdgeEvent, { kind: "turn" }>["waiting_for"]>;

function noteOf({ session_id, turn_id, since }: Blocker, flags: TargetFlags): string {
  if (!session_id || !turn_id) {
    return `note: waiting for another turn of the account, since ${since}\n`;
  }
  const [turn, session] = [turn_id.slice(0, 8), session_id.slice(0, 8)];
  return `note: waiting for turn ${turn} of session ${session}, which began at ${since}; to stop it: claude-edge sessions interrupt ${session}${sameTarget(flags)}\n`;
}
