import type { SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import type { Prompt } from "@claude-edge/protocol";

/** The prompts of a live process: an async iterable that ends when the queue is closed. */
export class PromptQueue implements AsyncIterable<SDKUserMessage> {
  #waiting: SDKUserMessage[] = [];
  #closed = false;
  #wake = Promise.withResolvers<void>();

  /**
   * Hands the agent a prompt; its result names the turn's id as `user_message_uuid`. Unless `verbatim`, "/clear" in it
   * or "@/etc/passwd" is carried out.
   */
  push(turn: string, prompt: Prompt, verbatim: boolean): void {
    this.#waiting.push({
      type: "user",
      // Content blocks are the Messages API's own, and checked there.
      message: { role: "user", content: prompt as string },
      parent_tool_use_id: null,
      uuid: turn as NonNullable<SDKUserMessage["uuid"]>,
      ...(verbatim ? { client_composed: true } : {}),
    });
    this.#wake.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SDKUserMessage> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        yield next;
      } else if (this.#closed) {
        return;
      } else {
        this.#wake = Promise.withResolvers<void>();
        await this.#wake.promise;
      }
    }
  }
}
