import type { SdkMessage } from "@claude-edge/protocol";
import { cutOffMessages, nextBackground } from "@claude-edge/protocol/runner";

import type { SessionLog } from "../log/session-log.js";
import type { Requests } from "./requests.js";
import type { Store } from "./store.js";

/** Why a task was cut off, in a sentence that begins with what it did. */
const LOST = "stopped, because its container was lost";

/**
 * The session's tasks in the background, as its log tells of them. While there are some the log is followed, so that the
 * turns they cause are stored, and the container stays awake.
 */
export class BackgroundTasks {
  readonly #store: Store;
  readonly #log: SessionLog;
  readonly #requests: Requests;

  constructor(store: Store, log: SessionLog, requests: Requests) {
    this.#store = store;
    this.#log = log;
    this.#requests = requests;
  }

  /** Takes note of a message of the runner's log, in the transaction that applies it. */
  note(message: SdkMessage): void {
    if (message.type !== "system") return;
    const before = this.#store.background;
    const after = nextBackground(before, message);
    if (after === before) return;
    this.#store.background = after;
    // Nothing is left that waits for an answer to what came between turns.
    if (!after.isActive) this.#requests.cancelEnded({ derived: true });
    if (after.tasks.length !== before.tasks.length) this.#store.publish();
  }

  /** The runner is gone, and with it the tasks: tells of each. Not while the log is replayed. */
  onLost(): void {
    const { tasks, isActive } = this.#store.background;
    if (!isActive) return;
    const turn = this.#store.newestBegun() ?? "";
    const how = { why: LOST, reason: "worker_restart" } as const;
    this.#store.transaction(() => {
      this.#store.background = undefined;
      for (const message of cutOffMessages(this.#store.id, tasks, how, Date.now())) {
        this.#log.emitOwn(turn, "message", { message });
      }
      this.#requests.cancelEnded({ derived: false });
      this.#store.publish();
    });
  }
}
