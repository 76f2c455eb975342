import { EdgeError, type Rewound } from "@claude-edge/protocol";

import { transcriptEnd } from "./fork.js";
import type { SessionParts } from "./parts.js";
import type { Store } from "./store.js";
import { REWOUND } from "./transcripts.js";

/**
 * Rewinds a session to the end of a turn, its conversation and files; or its files alone to a checkpoint, by its number.
 * @param onDone Called in the transaction of the rewind.
 * @throws EdgeError `turn_not_found`, `turn_running`, `workspace_unavailable`.
 */
export async function rewind(
  { store, log, files, workspace, link }: SessionParts,
  point: string | number | null,
  onDone: () => void,
): Promise<Rewound> {
  if (typeof point === "number") {
    assertIdle(store);
    files.stored.state(String(point));
  } else {
    rewindPosition(store, point);
  }
  // Changes since the last turn are stored too, so the rewind can itself be undone.
  if (!(await workspace.takeCheckpoint("rewind"))) {
    const message = "The session's container did not give its files.";
    throw new EdgeError("workspace_unavailable", message);
  }
  await log.whenReplayed();
  if (typeof point === "number") {
    assertIdle(store);
    const restored = store.transaction(() => {
      onDone();
      return files.restore(point);
    });
    await link.deliver();
    return { turn_id: null, ...restored };
  }
  const position = rewindPosition(store, point);
  const rewound = store.transaction(() => {
    store.transcripts.truncate(position);
    store.setTranscriptBoot(REWOUND);
    onDone();
    return files.rewind(point);
  });
  await link.deliver();
  return rewound;
}

/** @throws EdgeError `turn_running`. */
function assertIdle(store: Store): void {
  const [open] = store.openTurns();
  if (open) throw new EdgeError("turn_running", `Turn ${open.id} is ${open.status}.`);
}

/** The transcript position to rewind to. @throws EdgeError `turn_running` when the session is not idle. */
function rewindPosition(store: Store, turn: string | null): number {
  assertIdle(store);
  return turn === null ? 0 : transcriptEnd(store, turn);
}
