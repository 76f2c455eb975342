import type { SdkMessage } from "@claude-edge/protocol/wire";
import { nextBackground, NO_BACKGROUND, type Background } from "@claude-edge/protocol/internal";

/** The tasks that a query has started in the background: as with the Agent SDK it ends when they, and what they cause, are over. */
export class OwnTasks {
  #background: Background = NO_BACKGROUND;
  readonly #started = new Set<string>();
  #isPending = false;

  /** One of them runs, or may still cause a turn. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** The ids of those that run. Others of the session are not this query's. */
  get running(): string[] {
    const ids = this.#background.tasks.map(({ task_id }) => task_id);
    return ids.filter((id) => this.#started.has(id));
  }

  /** Takes note of a message of the query's turns. */
  onMessage(message: SdkMessage): void {
    const { type, subtype, task_id: id, state } = message;
    if (type !== "system") return;
    this.#background = nextBackground(this.#background, message);
    if (subtype === "task_started" && typeof id === "string") this.#started.add(id);
    if (this.running.length > 0) this.#isPending = true;
    else if (subtype === "session_state_changed" && state === "idle") this.#isPending = false;
  }
}
