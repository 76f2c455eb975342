import type { SdkMessage } from "@claude-edge/protocol/wire";

/**
 * Keeps back the `idle` of a turn that others of the same query come after, and the `running` of the next: from `idle`
 * programs conclude that nothing of the query runs any more. Each turn has the two, also where the Agent SDK's one process
 * would go on to the next prompt.
 */
export class LastIdle<Message> {
  #kept: Message | undefined;

  /** The message, unless it is kept back. `hasMore`: turns come after this one. */
  take(message: Message & SdkMessage, hasMore: () => boolean): Message | undefined {
    const { type, subtype, state } = message;
    if (type !== "system" || subtype !== "session_state_changed") return message;
    const wasKept = this.#kept !== undefined;
    this.#kept = state === "idle" && hasMore() ? message : undefined;
    return this.#kept || (wasKept && state === "running") ? undefined : message;
  }

  /** What was kept back, once no turn is left: those that seemed to come were taken in by another. */
  release(): Message | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }
}
