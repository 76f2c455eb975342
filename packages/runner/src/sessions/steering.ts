import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import type { UserMessage } from "@claude-edge/protocol/runner";

/** What Claude Code says of each message in its queue. The Agent SDK's types do not have it. */
interface Lifecycle {
  type: "command_lifecycle";
  command_uuid: string;
  state: string;
}

/**
 * Messages for a turn that runs. Claude Code takes in what is in its queue between the results of tools and the model call
 * that follows. Whatever is left there when the turn ends begins another turn by itself, before anybody can take it back.
 * So a message is put into the queue only when all tools of a model's answer are done, and mostly at no other time.
 */
export class Steering {
  readonly #waiting = new Map<string, UserMessage>();
  readonly #known = new Set<string>();
  readonly #queued = new Set<string>();
  readonly #takenIn = new Set<string>();
  readonly #withdrawn = new Set<string>();

  /** Holds a message until the tools that run are done. Safe to repeat. */
  add(id: string, message: UserMessage): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    this.#waiting.set(id, message);
  }

  /** Takes a message back, also one that is still to come. False when Claude Code has it. */
  withdraw(id: string): boolean {
    if (this.#waiting.delete(id)) this.#withdrawn.add(id);
    const isHandedOver = this.#known.has(id) && !this.#withdrawn.has(id);
    if (isHandedOver) return false;
    this.#known.add(id);
    this.#withdrawn.add(id);
    return true;
  }

  /** Ids of messages that are in Claude Code's queue. */
  get queued(): string[] {
    return [...this.#queued];
  }

  /** Whether the turn has taken a message in. */
  hasTakenIn(id: string): boolean {
    return this.#takenIn.has(id);
  }

  /** All tools of an answer are done: puts the messages into Claude Code's queue. `send` resolves once one is there. */
  async handOver(send: (id: string, message: UserMessage) => Promise<void>): Promise<void> {
    const sent = [...this.#waiting].map(([id, message]) => {
      this.#waiting.delete(id);
      this.#queued.add(id);
      return send(id, message);
    });
    await Promise.all(sent);
  }

  /** Takes note of a message of the process. Returns the id of the one that it says was taken in, if it does. */
  onMessage(message: SDKMessage): string | undefined {
    const { type, command_uuid: id, state } = message as unknown as Lifecycle;
    if (type !== "command_lifecycle" || state === "queued" || !this.#queued.delete(id)) return;
    if (state !== "started") return undefined;
    this.#takenIn.add(id);
    return id;
  }
}
